"""Silicon escape peaks, stronger or weaker than computed, or taken out by the maker's software."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.rebin import rebin_matrix
from lithoscope.physics.detector import escape_energy_keV, escape_from_energy
from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.expected import ExpectedBatch, Machine

# Largest relative error of the escape for each step of severity: 25 % covers what spectra of an
# M6 showed at 2 (1.06 +- 0.04, docs/physics-comparison.md), with what one machine cannot tell.
_ERROR = 0.1
# Share of spectra from which software has taken escape out, for each step of severity.
_TAKEN_OUT = 0.05


def escape_shares(machine: Machine) -> NDArray[np.float64]:
    """Share of the counts in each bin that escape took from it, per count left, shape (bin,)."""
    edges = machine.compiled.edges_keV
    escape = escape_from_energy(energies_keV=(edges[:-1] + edges[1:]) / 2)
    return escape / (1 - escape)


def escape_shift(edges_keV: NDArray[np.float64]) -> scipy.sparse.csr_array:
    """Where counts of a bin land after escape, shape (bin, bin)."""
    shifted = edges_keV - escape_energy_keV()
    return rebin_matrix(from_edges_keV=shifted, to_edges_keV=edges_keV)


class Escape(SpectrumDistortion):
    """Escape of `1 +- 0.1 severity` times what it should be, or none."""

    name: ClassVar[str] = "escape"
    summary: ClassVar[str] = "strength of escape peaks"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw the relative change of the escape; -1 takes it out."""
        error = draws.uniform(low=-_ERROR * self.severity, high=_ERROR * self.severity)
        out = draws.happens(_TAKEN_OUT * self.severity)
        return {"relative_change": torch.where(out, torch.full_like(error, -1.0), error)}

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Move counts from peaks to their escape peaks, or back."""
        if self.severity == 0:
            return spectra
        moved = parameters["relative_change"][:, None] * spectra * batch.table(escape_shares)
        landed = batch.generation.operated(moved, escape_shift)
        return (spectra - moved + landed).clamp_min(0)
