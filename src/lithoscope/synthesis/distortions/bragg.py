"""Bragg peaks, of the mineral's own lattice planes and at random energies.

`physics.diffraction` computes the peaks of one grain in about a second; training needs thousands a
second. What it computes for ten minerals in six orientations each on an M4 Tornado
(``python -m benchmarks.bragg_grains``: some eleven peaks a grain from 2.3 to 13 keV, the lowest
lost in any noise) is drawn here as eight peaks, with heights over the scattered continuum that are
log-normal about ``(8 keV / E)^2``. Half of them, where the mineral's cell is known, lie where its
planes reflect: a detector sits at one angle, so the distance of the planes fixes the energy, and
the orientation decides which of them are met.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.physics.constants import FWHM_PER_SIGMA, HC_KEV_A
from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.expected import ExpectedBatch, Machine

PEAKS = 8
_ENERGIES_KEV = (2.3, 13.0)
# Median and standard deviation of the logarithm of the height at 8 keV, at severity 2.
_MEDIAN, _SPREAD = 1.0, 0.85
_REFERENCE_KEV = 8.0
# Share of spectra with peaks, for each step of severity.
_PROBABILITY = 0.25
# Share of a mineral's peaks that lie at energies of its planes; what stands for others is other
# grains in the spot, and cells that are not as in the library.
_OWN = 0.5
# Relative width (standard deviation) that a detector's opening gives a peak.
_OPENING = 0.012
# A peak is drawn over so many standard deviations; continuum is the least within them.
_REACH_SIGMA = 4.0


def spacing_to_energy(machine: Machine) -> NDArray[np.float64]:
    """``h c / (2 sin(theta))`` in keV Å, shape (1,)."""
    angle = machine.compiled.instrument.geometry.scattering_angle_deg
    return np.array([HC_KEV_A / (2 * np.sin(np.deg2rad(angle) / 2))])


class Bragg(SpectrumDistortion):
    """Peaks in `25 % severity` of the spectra, their height growing with severity.

    A pixel may hold many grains, which dims the peaks of each: a factor from 0 to 1 a spectrum.
    """

    name: ClassVar[str] = "bragg"
    summary: ClassVar[str] = "Bragg peaks of the mineral's cell and others"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw energies in keV and heights over the continuum, shapes (batch, peak)."""
        shown = draws.happens(_PROBABILITY * self.severity) * draws.uniform()
        energies = draws.uniform(PEAKS, low=_ENERGIES_KEV[0], high=_ENERGIES_KEV[1])
        spacings = batch.generation.spacings_A[batch.generation.minerals[batch.rows]]
        plane = draws.whole(spacings.shape[1], PEAKS)
        own = batch.table(spacing_to_energy) / torch.gather(spacings, 1, plane)
        use = (draws.uniform(PEAKS) < _OWN) & torch.isfinite(own)
        use &= (own > _ENERGIES_KEV[0]) & (own < _ENERGIES_KEV[1])
        energies = torch.where(use, own, energies)
        heights = _MEDIAN * torch.exp(_SPREAD * draws.normal(PEAKS)) * self.severity / 2
        heights = heights * (_REFERENCE_KEV / energies) ** 2
        return {"energies_keV": energies, "heights": shown[:, None] * heights}

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Add the peaks."""
        shown = torch.nonzero(parameters["heights"].amax(dim=1) > 0).squeeze(1)
        if not len(shown):
            return spectra
        energies = parameters["energies_keV"][shown]
        part, widths = batch.of(shown), torch.diff(batch.edges_keV)
        sigma = part.fwhm_keV(energies) / FWHM_PER_SIGMA
        sigma = torch.sqrt(sigma**2 + (_OPENING * energies) ** 2)
        bins, reached = _bins_around(energies, sigma, batch.edges_keV)
        flat = bins.flatten(1)
        density = torch.gather(spectra[shown] / widths, 1, flat).view_as(bins)
        baseline = torch.where(reached, density, torch.inf).amin(dim=2)
        distance = (batch.middles_keV[bins] - energies[..., None]) / sigma[..., None]
        peaks = (parameters["heights"][shown] * baseline)[..., None] * torch.exp(-(distance**2) / 2)
        peaks = torch.where(reached, peaks * widths[bins], 0.0)
        return spectra.index_copy(0, shown, spectra[shown].scatter_add(1, flat, peaks.flatten(1)))


def _bins_around(
    energies_keV: Tensor, sigma_keV: Tensor, edges_keV: Tensor
) -> tuple[Tensor, Tensor]:
    """Fine bins around peaks, and which of them each peak reaches, shape (batch, peak, bin).

    All peaks have as many as the widest; what a narrow one does not reach is not its own, or a
    spectrum would depend on what else is in its batch.
    """
    last = edges_keV.numel() - 2
    reach = _REACH_SIGMA * sigma_keV
    first = torch.searchsorted(edges_keV, (energies_keV - reach).contiguous()) - 1
    end = torch.searchsorted(edges_keV, (energies_keV + reach).contiguous())
    steps = torch.arange(int((end - first).max()), device=edges_keV.device)
    bins = first[..., None] + steps
    reached = (bins >= 0) & (bins <= last) & (bins < end[..., None])
    return bins.clamp(0, last), reached
