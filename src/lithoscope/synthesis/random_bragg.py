"""Bragg peaks at random energies, as a grain of any crystal in any orientation may show them.

`physics.diffraction` computes the peaks of one grain in about a second; training needs thousands a
second. What it computes for ten minerals in six orientations each on an M4 Tornado
(``python -m benchmarks.bragg_grains``: some eleven peaks a grain from 2.3 to 13 keV, the lowest
lost in any noise) is drawn here as eight peaks, evenly over energy, with heights over the scattered
continuum that are log-normal about ``(8 keV / E)^2``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

PEAKS = 8
_ENERGIES_KEV = (2.3, 13.0)
# Median and standard deviation of the logarithm of the height at 8 keV.
_MEDIAN, _SPREAD = 1.0, 0.85
_REFERENCE_KEV = 8.0
# Relative width (standard deviation) that a detector's opening gives a peak.
_OPENING = 0.012
# Continuum is what lies lowest within so many bins (some four widths of a peak).
_BASELINE_BINS = 9


@dataclass(frozen=True, eq=False)
class BraggDraw:
    """Random peaks of a batch, sampled before they are applied.

    Parameters
    ----------
    energies_keV
        Shape (batch, PEAKS).
    heights
        Height over the continuum at each peak, shape (batch, PEAKS); 0 where there is none.
    """

    energies_keV: Tensor
    heights: Tensor


def sample_bragg(
    probability: float, uniform: Callable[[], Tensor], generator: torch.Generator
) -> BraggDraw:
    """Draw peaks for a batch; the rest of the spectra are of grains that show none.

    A pixel may hold many grains, which dims the peaks of each: a factor from 0 to 1 a spectrum.

    Parameters
    ----------
    probability
        Share of the spectra with peaks.
    uniform
        Gives numbers from 0 to 1, shape (batch,).
    generator
        Source of the rest.
    """
    low, high = _ENERGIES_KEV
    shown = (uniform() < probability) * uniform()
    energies = torch.stack([low + (high - low) * uniform() for _ in range(PEAKS)], dim=1)
    normal = torch.randn(energies.shape, generator=generator, dtype=energies.dtype)
    heights = _MEDIAN * torch.exp(_SPREAD * normal) * (_REFERENCE_KEV / energies) ** 2
    return BraggDraw(energies, shown[:, None] * heights)


def add_bragg(
    shares: Tensor, draw: BraggDraw, edges_keV: Tensor, fwhm_keV: Callable[[Tensor], Tensor]
) -> Tensor:
    """Add drawn peaks to spectra.

    Parameters
    ----------
    shares
        Counts or shares of counts, shape (batch, bin).
    draw
        The peaks.
    edges_keV
        Bin edges, shape (bin + 1,).
    fwhm_keV
        The detector's resolution at an energy.

    Returns
    -------
    Tensor, shape (batch, bin); spectra without peaks are returned as they are
    """
    shown = torch.nonzero(draw.heights.amax(dim=1) > 0).squeeze(1)
    widths = torch.diff(edges_keV).float()
    middles = ((edges_keV[:-1] + edges_keV[1:]) / 2).float()
    density = shares[shown] / widths
    baseline = -functional.max_pool1d(
        -density[:, None], _BASELINE_BINS, stride=1, padding=_BASELINE_BINS // 2
    ).squeeze(1)
    energies = draw.energies_keV[shown].float()
    place = torch.searchsorted(edges_keV.float(), energies) - 1
    below = torch.gather(baseline, 1, place.clamp(0, widths.numel() - 1))
    sigma = torch.sqrt(
        (fwhm_keV(energies) / np.sqrt(8 * np.log(2))) ** 2 + (_OPENING * energies) ** 2
    )
    distance = (middles[None, None, :] - energies[:, :, None]) / sigma[:, :, None]
    peaks = (draw.heights[shown].float() * below)[:, :, None] * torch.exp(-0.5 * distance**2)
    result = shares.clone()
    result[shown] += peaks.sum(dim=1) * widths
    return result
