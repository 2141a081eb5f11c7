"""Errors of the energy calibration: gain, offset, and a slight bend."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.synthesis.distortions.base import Distortion, Draws, Parameters

# Largest errors for each step of severity; at 2 they are 0.5 %, 15 eV and 4 eV. The headers at
# hand disagree with the Rh lines of their own spectra by up to 0.2 % and 10 eV.
_GAIN, _OFFSET_KEV, _BEND_KEV = 2.5e-3, 7.5e-3, 2e-3
# The bend is zero at both ends of this and largest between.
_BENT_OVER_KEV = 40.0
# Spectra that are rebinned together.
_ROWS = 32


class Energy(Distortion):
    """A line of true energy E is recorded at ``gain E + offset`` and a little aside.

    The bend is an error of ``4 b x (1 - x)`` at the recorded energy 40 keV times x.
    """

    name: ClassVar[str] = "energy"
    summary: ClassVar[str] = "gain, offset and bend of the energy axis"

    def reach(self, low_keV: float, high_keV: float) -> tuple[float, float]:
        """Return the range of true energies that can be recorded between two energies."""
        gain, offset = _GAIN * self.severity, (_OFFSET_KEV + _BEND_KEV) * self.severity
        low = (low_keV - offset) / (1 + gain if low_keV > offset else 1 - gain)
        return low, (high_keV + offset) / (1 - gain)

    def sample(self, draws: Draws) -> dict[str, Tensor]:
        """Draw gain, offset and bend."""
        parameters = {"gain": 1 + _GAIN * self.severity * draws.uniform(low=-1.0)}
        for name, most in (("offset_keV", _OFFSET_KEV), ("bend_keV", _BEND_KEV)):
            parameters[name] = most * self.severity * draws.uniform(low=-1.0)
        return parameters


def true_energies(recorded_keV: Tensor, parameters: Parameters) -> Tensor:
    """Energy of the photons that are recorded at each energy.

    Parameters
    ----------
    recorded_keV
        Shape (energy,).
    parameters
        As `Energy.sample` drew them.

    Returns
    -------
    Tensor, shape (batch, energy), in keV
    """
    place = recorded_keV / _BENT_OVER_KEV
    bend = 4 * place * (1 - place)
    gain, offset = parameters["gain"][:, None], parameters["offset_keV"][:, None]
    return (recorded_keV - offset - parameters["bend_keV"][:, None] * bend) / gain


def recorded(spectra: Tensor, fine_keV: Tensor, true_keV: Tensor) -> Tensor:
    """Rebin spectra to bins whose edges lie at true energies that differ from spectrum to spectrum.

    Counts are spread evenly within a fine bin.

    Parameters
    ----------
    spectra
        Shape (batch, fine bin).
    fine_keV
        Edges of the fine bins, shape (fine bin + 1,).
    true_keV
        Edges of the target's bins, shape (batch, bin + 1), increasing, inside the fine ones.

    Returns
    -------
    Tensor, shape (batch, bin)
    """
    uppers, widths = fine_keV[1:], torch.diff(fine_keV)
    place = _place_of(fine_keV)
    parts = []
    # In parts that fit the processor's cache, which is three times as fast.
    for counts, energies in zip(spectra.split(_ROWS), true_keV.split(_ROWS), strict=True):
        position = place(energies)
        # From the upper edge, so that what is above the last bin is not counted twice.
        beyond = (torch.take(uppers, position) - energies) / torch.take(widths, position)
        below = torch.gather(torch.cumsum(counts, dim=1, dtype=torch.float64), 1, position)
        below -= torch.gather(counts, 1, position) * beyond
        parts.append(torch.diff(below, dim=1).clamp_min(0).to(counts.dtype))
    return torch.cat(parts)


def _place_of(edges_keV: Tensor) -> Callable[[Tensor], Tensor]:
    """Return what finds the bin of energies: `torch.searchsorted`, several times as fast.

    No step of the narrowest bin's width holds more than one edge, so that a table of the bins at
    each step's start leaves one comparison.
    """
    edges = edges_keV.double()
    first, last = edges[0].item(), edges_keV.numel() - 2
    step = torch.diff(edges).min().item()
    count = int((edges[-1].item() - first) / step) + 2
    starts = first + step * torch.arange(count, dtype=torch.float64, device=edges.device)
    bins = (torch.searchsorted(edges, starts, right=True) - 1).clamp(0, last)
    uppers = edges_keV[1:]

    def place(energies_keV: Tensor) -> Tensor:
        steps = ((energies_keV - first) / step).long().clamp_(0, count - 1)
        position = torch.take(bins, steps)
        position += energies_keV >= torch.take(uppers, position)
        return position.clamp_(0, last)

    return place
