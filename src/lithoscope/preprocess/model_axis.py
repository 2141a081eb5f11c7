"""The axis on which a model sees spectra, and how measured counts come onto it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis, edges_from_resolution
from lithoscope.core.rebinner import Rebinner
from lithoscope.errors import InvalidValueError


@dataclass(frozen=True)
class ModelAxis:
    """Bins whose width follows the detector's resolution.

    Starting above the zero peak masks it: what lies below `low_keV` never reaches the model.

    Parameters
    ----------
    low_keV, high_keV
        First and last edge in keV.
    noise_keV, fano_keV
        ``FWHM^2 = noise_keV^2 + fano_keV E``, the resolution the bins follow.
    bins_per_fwhm
        Bins in one full width at half maximum.
    """

    low_keV: float = 0.8
    high_keV: float = 39.5
    noise_keV: float = 0.0754
    fano_keV: float = 2.563e-3
    bins_per_fwhm: float = 2.5

    def __post_init__(self) -> None:
        self.edges_keV  # noqa: B018  (computing the edges checks every value)

    @property
    def edges_keV(self) -> NDArray[np.float64]:
        """Bin edges, shape (bin + 1,)."""
        return edges_from_resolution(
            low_keV=self.low_keV,
            high_keV=self.high_keV,
            noise_keV=self.noise_keV,
            fano=self.fano_keV,
            bins_per_fwhm=self.bins_per_fwhm,
        )

    def __len__(self) -> int:
        return self.edges_keV.size - 1

    def rebinner(self, axis: EnergyAxis) -> Rebinner:
        """Return what brings counts on a measured axis onto this one."""
        edges = axis.edges_keV
        covered = min(edges[-1], self.high_keV) - max(edges[0], self.low_keV)
        if covered < 5.0:
            raise InvalidValueError(
                f"The spectrum covers {edges[0]:.2f} to {edges[-1]:.2f} keV.",
                expected=f"at least 5 keV of the model's {self.low_keV} to {self.high_keV} keV",
                remedy="check the energy axis of the file",
            )
        return Rebinner(from_edges_keV=edges, to_edges_keV=self.edges_keV)
