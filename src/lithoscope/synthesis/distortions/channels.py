"""Incomplete data: channels that are dead or hot, and ranges that are missing."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.synthesis.distortions.base import CountsDistortion, Draws, Parameters

# Share of spectra that are incomplete, for each step of severity; each has some of what follows.
_PROBABILITY = 0.025
# Dead and hot channels of a spectrum; each is as wide as a channel of real instruments.
_DEAD, _HOT, _CHANNEL_KEV = 4, 2, 0.010
# Counts of a hot channel as a share of the spectrum's, for each step of severity.
_HOT_SHARE = 0.01
# Widest range that is missing, for each step of severity.
_MISSING_KEV = 0.5
_FROM_KEV, _TO_KEV = 1.0, 20.0


class Channels(CountsDistortion):
    """In `2.5 % severity` of the spectra some channels are dead or hot and a range is missing."""

    name: ClassVar[str] = "channels"
    summary: ClassVar[str] = "dead and hot channels, missing ranges"

    def sample(self, draws: Draws) -> dict[str, Tensor]:
        """Draw where they are (nowhere: -1 keV), and how hot and how wide."""
        incomplete = draws.happens(_PROBABILITY * self.severity)[:, None]

        def place(number: int) -> Tensor:
            energies = draws.uniform(number, low=_FROM_KEV, high=_TO_KEV)
            return torch.where(incomplete, energies, -torch.ones_like(energies))

        return {
            "dead_keV": place(_DEAD),
            "hot_keV": place(_HOT),
            "hot_share": draws.uniform(_HOT, high=_HOT_SHARE * self.severity),
            "missing_from_keV": place(1),
            "missing_keV": draws.uniform(1, high=_MISSING_KEV * self.severity),
        }

    def apply(self, counts: Tensor, parameters: Parameters, edges_keV: Tensor) -> Tensor:
        """Take counts away, and add them."""
        chosen = torch.nonzero(parameters["missing_from_keV"][:, 0] >= 0).squeeze(1)
        if self.severity == 0 or not len(chosen):
            return counts
        part = {name: values[chosen] for name, values in parameters.items()}
        own = counts[chosen]
        total = own.sum(dim=1, keepdim=True)
        kept = torch.ones_like(own)
        for place in part["dead_keV"].unbind(dim=1):
            kept -= _overlap(place, torch.full_like(place, _CHANNEL_KEV), edges_keV)
        for place, share in zip(
            part["hot_keV"].unbind(dim=1), part["hot_share"].unbind(dim=1), strict=True
        ):
            width = torch.full_like(place, _CHANNEL_KEV)
            in_bins = _overlap(place, width, edges_keV) * torch.diff(edges_keV) / _CHANNEL_KEV
            own = own + in_bins * share[:, None] * total
        kept -= _overlap(part["missing_from_keV"][:, 0], part["missing_keV"][:, 0], edges_keV)
        return counts.index_copy(0, chosen, own * kept.clamp_min(0))


def _overlap(start_keV: Tensor, width_keV: Tensor, edges_keV: Tensor) -> Tensor:
    """Share of each bin that lies in a range, shape (batch, bin)."""
    end = (start_keV + width_keV)[:, None]
    low = torch.maximum(edges_keV[None, :-1], start_keV[:, None])
    high = torch.minimum(edges_keV[None, 1:], end)
    return (high - low).clamp_min(0) / torch.diff(edges_keV)
