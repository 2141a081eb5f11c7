"""Windows of an energy axis in which two detectors are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import InvalidValueError
from lithoscope.preprocess.resolution import fwhm_in_bins

FloatArray = NDArray[np.float64]

# Below, detectors see little; above, reflections crowd into what passes for continuum.
LOWEST_KEV, HIGHEST_KEV = 1.0, 16.0
# A window is one FWHM wide and starts half a FWHM after the one before.
CELLS_IN_WINDOW, _CELLS_IN_STEP = 4, 2
_WIDEST_CHANNEL_KEV = 0.04
_FEWEST_WINDOWS = 12


@dataclass(frozen=True, eq=False)
class WindowGrid:
    """Cells of a quarter FWHM in whole channels, and windows of four cells that overlap by half.

    Parameters
    ----------
    starts
        First channel of each cell, and the channel after the last, shape (cell + 1,).
    edges_keV
        Edges of the cells, shape (cell + 1,).
    """

    starts: NDArray[np.int64]
    edges_keV: FloatArray

    @classmethod
    def of_axis(cls, axis: EnergyAxis) -> WindowGrid:
        """Lay cells over an axis from 1 to 16 keV, or as far as it reaches.

        Raises
        ------
        InvalidValueError
            If channels are too wide to show a peak, or the axis holds too little of that range.
        """
        if axis.gain_keV > _WIDEST_CHANNEL_KEV:
            raise InvalidValueError(
                f"Channels of {1000 * axis.gain_keV:.0f} eV.",
                expected=f"{1000 * _WIDEST_CHANNEL_KEV:.0f} eV or less, to compare detectors",
            )
        edges = axis.edges_keV
        fwhm = fwhm_in_bins(edges) * axis.gain_keV
        inside = (edges[:-1] >= LOWEST_KEV) & (edges[1:] <= HIGHEST_KEV)
        # Quarters of a FWHM that have gone by at each channel, from the first one on.
        gone = np.cumsum(np.where(inside, axis.gain_keV * CELLS_IN_WINDOW / fwhm, 0.0))
        channels = np.flatnonzero(inside)
        new = np.diff(np.floor(gone[channels]), prepend=-1.0) > 0
        starts = channels[new]
        # Windows start at even cells and are whole.
        used = (starts.size - 1) // _CELLS_IN_STEP * _CELLS_IN_STEP
        if (used - CELLS_IN_WINDOW) // _CELLS_IN_STEP + 1 < _FEWEST_WINDOWS:
            raise InvalidValueError(
                f"An axis from {edges[0]:.2f} to {edges[-1]:.2f} keV.",
                expected=f"more of {LOWEST_KEV:g} to {HIGHEST_KEV:g} keV, to compare detectors",
            )
        starts = starts[: used + 1]
        return cls(starts, edges[starts])

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.starts.size - 1)

    @property
    def first_cells(self) -> NDArray[np.int64]:
        """First cell of each window, shape (window,)."""
        return np.arange(0, self.n_cells - CELLS_IN_WINDOW + 1, _CELLS_IN_STEP)

    @property
    def energies_keV(self) -> FloatArray:
        """Middles of the windows, shape (window,)."""
        first = self.first_cells
        return (self.edges_keV[first] + self.edges_keV[first + CELLS_IN_WINDOW]) / 2

    @property
    def cell_energies_keV(self) -> FloatArray:
        """Middles of the cells, shape (cell,)."""
        return (self.edges_keV[1:] + self.edges_keV[:-1]) / 2

    def cells_of(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """Sum whole channels, shape (..., channel) to (..., cell); exact up to 16 million."""
        first, last = int(self.starts[0]), int(self.starts[-1])
        part = counts[..., first:last]
        sums: NDArray[np.float32] = np.add.reduceat(
            part, self.starts[:-1] - first, axis=-1, dtype=np.float32
        )
        return sums

    def windows_of(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Sum the cells of each window, shape (..., cell) to (..., window)."""
        pairs = cells[..., 0::2] + cells[..., 1::2]
        return np.asarray(pairs[..., :-1] + pairs[..., 1:])
