"""A continuum that is not the sample's: resin, glass or tape beside and below it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.formula import composition_from_formula
from lithoscope.physics.compile import mass_fraction_matrix
from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.expected import ExpectedBatch, Machine

# Largest share of the counts for each step of severity: 4 % at 2.
_SHARE = 0.02
# Largest power of the energy by which its shape is wrong, for each step of severity.
_SLOPE = 0.15
_PIVOT_KEV = 8.0
# Polymethyl methacrylate stands for resin, tape and foam.
_RESIN = "C5H8O2"


def resin_spectrum(machine: Machine) -> NDArray[np.floating]:
    """What a thick piece of resin scatters, sum one, shape (bin,)."""
    symbols = machine.compiled.symbols
    fractions = mass_fraction_matrix([composition_from_formula(_RESIN)], symbols)
    counts = machine.compiled.spectra(fractions)[0]
    return counts / counts.sum()


class Background(SpectrumDistortion):
    """Up to `2 % severity` of the counts from resin, in a shape that is not quite known."""

    name: ClassVar[str] = "background"
    summary: ClassVar[str] = "continuum of resin or glass"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw its share of the counts, and the power of the energy by which it is bent."""
        bend = _SLOPE * self.severity
        return {
            "share": draws.uniform(high=_SHARE * self.severity),
            "power": draws.uniform(low=-bend, high=bend),
        }

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Add the continuum."""
        if self.severity == 0:
            return spectra
        relative = (batch.middles_keV.clamp_min(0.1) / _PIVOT_KEV).log()
        bent = torch.exp(parameters["power"][:, None] * relative) * batch.table(resin_spectrum)
        share = parameters["share"][:, None] / bent.sum(dim=1, keepdim=True)
        total = spectra.sum(dim=1, keepdim=True)
        return (1 - parameters["share"][:, None]) * spectra + share * total * bent
