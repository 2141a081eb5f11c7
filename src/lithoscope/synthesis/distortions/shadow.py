"""Rough surfaces: part of the spot is seen through the ridge before it."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.distortions.depth import attenuation_of_emitted
from lithoscope.synthesis.expected import ExpectedBatch

# Share of spectra with a shadow, its largest part of the spot, and largest mass per area of the
# ridge, for each step of severity; 2 mg/cm2 are some 7 µm of a silicate.
_PROBABILITY, _PART, _RIDGE_G_CM2 = 0.1, 0.2, 2e-3


class Shadow(SpectrumDistortion):
    """Part of the counts pass through matter of the sample's own composition."""

    name: ClassVar[str] = "shadow"
    summary: ClassVar[str] = "rough surfaces"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw the shadowed part of the spot, and the ridge's mass per area in g/cm²."""
        rough = draws.happens(_PROBABILITY * self.severity)
        return {
            "part": draws.uniform(high=min(_PART * self.severity, 1.0)) * rough,
            "ridge_g_cm2": draws.uniform(high=_RIDGE_G_CM2 * self.severity),
        }

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Dim the shadowed part, ``1 - f + f exp(-mu(E) rho d)``."""
        rough = torch.nonzero(parameters["part"] > 0).squeeze(1)
        if not len(rough):
            return spectra
        part = parameters["part"][rough, None]
        mu = batch.of(rough).attenuation(attenuation_of_emitted)
        passed = 1 + part * torch.expm1(-mu * parameters["ridge_g_cm2"][rough, None])
        return spectra.index_copy(0, rough, spectra[rough] * passed)
