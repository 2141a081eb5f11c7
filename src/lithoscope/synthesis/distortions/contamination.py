"""A foreign element in the spot: polish, smear metal, salt, a neighbour's dust."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.elements import atomic_number
from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.expected import ExpectedBatch, Machine

# Share of such spectra, and largest share of their counts that is foreign, for each step of
# severity.
_PROBABILITY, _SHARE = 0.05, 0.02
# Lighter elements have no line that a Be window lets through.
_LIGHTEST = atomic_number("Na")


def visible_elements(machine: Machine) -> list[int]:
    """Places of the machine's elements from Na on."""
    symbols = machine.compiled.symbols
    return [index for index, name in enumerate(symbols) if atomic_number(name) >= _LIGHTEST]


def element_spectra(machine: Machine) -> NDArray[np.floating]:
    """Spectra of the machine's elements from Na on, pure, sum one, shape (element, bin)."""
    pure = np.eye(len(machine.compiled.symbols))[visible_elements(machine)]
    counts = machine.compiled.spectra(pure)
    return counts / counts.sum(axis=1, keepdims=True)


class Contamination(SpectrumDistortion):
    """Up to `2 % severity` of the counts from one pure element."""

    name: ClassVar[str] = "contamination"
    summary: ClassVar[str] = "a foreign element"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw the element, and its share of the counts."""
        dirty = draws.happens(_PROBABILITY * self.severity)
        return {
            "element": draws.whole(2**31 - 1),
            "share": draws.uniform(high=_SHARE * self.severity) * dirty,
        }

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Add the element."""
        dirty = torch.nonzero(parameters["share"] > 0).squeeze(1)
        if not len(dirty):
            return spectra
        tables = batch.generation.stacked(element_spectra)
        element = parameters["element"][dirty] % tables.shape[1]
        foreign = tables[batch.machines[dirty], element]
        share = parameters["share"][dirty, None]
        own = spectra[dirty]
        total = own.sum(dim=1, keepdim=True)
        return spectra.index_copy(0, dirty, (1 - share) * own + share * total * foreign)
