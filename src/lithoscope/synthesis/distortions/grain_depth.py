"""Grains thinner than the depth that lines come from: the neighbour below shines through."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.distortions.depth import (
    attenuation_of_emitted,
    attenuation_of_exciting,
)
from lithoscope.synthesis.expected import ExpectedBatch

# Share of such grains for each step of severity.
_PROBABILITY = 0.075
# Mass thickness: some 20 to 300 µm of a silicate; thinner ones occur with each step of severity.
_THICKEST_G_CM2, _THINNEST_G_CM2 = 0.08, 0.01
# What lies below gives no more than this of the counts, or the pixel would be named after it.
_MOST = 0.45


def seen_from_depth(
    *, attenuation_in: Tensor, attenuation_out: Tensor, sines: Tensor, mass_thickness: Tensor
) -> Tensor:
    """Share of the counts of a thick sample that come from its uppermost layer.

    ``1 - exp(-(mu_in / sin psi1 + mu_out / sin psi2) rho d)``, which follows from
    `physics.fluorescence.escape_depth_factor`; of a sample below the layer the rest is seen.

    Parameters
    ----------
    attenuation_in, attenuation_out
        Of the layer, for exciting and emitted radiation, shape (batch, bin), in cm²/g.
    sines
        Of psi1 and psi2, shape (batch, 2).
    mass_thickness
        Of the layer, shape (batch,), in g/cm².

    Returns
    -------
    Tensor, shape (batch, bin)
    """
    chi = attenuation_in / sines[:, :1] + attenuation_out / sines[:, 1:]
    return -torch.expm1(-chi * mass_thickness[:, None])


class GrainDepth(SpectrumDistortion):
    """A grain as a thin layer over another mineral, each energy seen from a depth of its own."""

    name: ClassVar[str] = "grain_depth"
    summary: ClassVar[str] = "thin grains over their neighbours"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw the mass thickness of the grain, infinite where it is thick, and its neighbour."""
        thin = draws.happens(_PROBABILITY * self.severity)
        reach = torch.log(torch.tensor(_THICKEST_G_CM2 / _THINNEST_G_CM2)).item()
        drawn = _THICKEST_G_CM2 * torch.exp(-draws.uniform() * reach * max(self.severity, 1) / 2)
        return {
            "mass_thickness_g_cm2": torch.where(thin, drawn, torch.inf),
            "other": draws.whole(2**31 - 1),
        }

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Put the neighbour below."""
        thickness = parameters["mass_thickness_g_cm2"]
        thin = torch.nonzero(torch.isfinite(thickness)).squeeze(1)
        if not len(thin):
            return spectra
        part = batch.of(thin)
        below = part.others(parameters["other"][thin])
        generation = batch.generation
        share = seen_from_depth(
            attenuation_in=part.attenuation(attenuation_of_exciting),
            attenuation_out=part.attenuation(attenuation_of_emitted),
            sines=generation.sines[part.rows],
            mass_thickness=thickness[thin],
        )
        brighter = generation.rates[below.rows] / generation.rates[part.rows]
        top = share * spectra[thin]
        rest = (1 - share) * below.spectra() * brighter[:, None]
        seen, hidden = top.sum(dim=1, keepdim=True), rest.sum(dim=1, keepdim=True)
        most = _MOST / (1 - _MOST) * seen / hidden.clamp_min(1e-12)
        return spectra.index_copy(0, thin, top + rest * most.clamp_max(1.0))
