"""Spots that touch more than one grain."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.expected import ExpectedBatch

# Other minerals in a mixed pixel: what a spot of some 20 to 100 µm commonly touches.
MIXED_WITH = 2
# Share of mixed spectra, and largest share of their counts that is not the named mineral's, for
# each step of severity; at 2 a half and 0.4, what made simulation carry to measured metals
# (docs/log.md).
_PROBABILITY, _SHARE = 0.25, 0.2
# The named mineral gives more than half of the counts.
_MOST = 0.45


class Mixture(SpectrumDistortion):
    """Counts of two other minerals of the library, measured on the same machine."""

    name: ClassVar[str] = "mixture"
    summary: ClassVar[str] = "spots on more than one grain"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw which minerals, and their shares of the counts, shapes (batch, 2)."""
        most = min(_SHARE * self.severity, _MOST)
        foreign = draws.uniform(high=most) * draws.happens(_PROBABILITY * self.severity)
        parts = draws.uniform(MIXED_WITH).clamp_min(1e-6)
        shares = foreign[:, None] * parts / parts.sum(dim=1, keepdim=True)
        return {"others": draws.whole(2**31 - 1, MIXED_WITH), "shares": shares}

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Mix."""
        mixed = torch.nonzero(parameters["shares"].sum(dim=1) > 0).squeeze(1)
        if not len(mixed):
            return spectra
        part = batch.of(mixed)
        shares = parameters["shares"][mixed]
        total = spectra[mixed] * (1 - shares.sum(dim=1, keepdim=True))
        for number in range(MIXED_WITH):
            other = part.others(parameters["others"][mixed, number])
            total += shares[:, number, None] * other.spectra()
        return spectra.index_copy(0, mixed, total)
