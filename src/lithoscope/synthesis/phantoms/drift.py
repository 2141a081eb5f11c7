"""What changes along a scan: the energy axis with time, and the detectors' view with the relief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.rebin import rebin_matrix
from lithoscope.synthesis.phantoms.fields import RandomField, smooth_curve, smooth_field
from lithoscope.synthesis.phantoms.recipe import ScanRecipe

FloatArray = NDArray[np.float64]

_GAIN_STATED_AT_KEV = 10.0
# The relief varies over this share of the map.
_RELIEF_SHARE = 0.25
_LEAST_VIEW, _MOST_VIEW = 0.2, 1.8


@dataclass(frozen=True, eq=False)
class Drift:
    """Shift of the energy axis in each row.

    Parameters
    ----------
    offsets_keV
        Shift at 0 keV, shape (row,).
    gains
        Relative change of the gain, shape (row,).
    """

    offsets_keV: FloatArray
    gains: FloatArray

    def matrix(self, row: int, axis: EnergyAxis) -> scipy.sparse.csr_array | None:
        """Matrix that moves the counts of channels in a row; ``None`` where nothing moves.

        What leaves the axis at its ends is lost, as in a detector.
        """
        if self.offsets_keV[row] == 0 and self.gains[row] == 0:
            return None
        edges = axis.edges_keV
        moved = edges + self.offsets_keV[row] + self.gains[row] * edges
        return rebin_matrix(from_edges_keV=moved, to_edges_keV=edges)


def draw_drift(scan: ScanRecipe, rng: np.random.Generator) -> Drift:
    """Draw slow curves whose largest shifts are the recipe's."""
    time = (np.arange(scan.shape[0]) + 0.5) / scan.shape[0]
    offset, gain = smooth_curve(time, rng), smooth_curve(time, rng)
    return Drift(
        offsets_keV=offset * scan.offset_drift_eV * 1e-3,
        gains=gain * scan.gain_drift_eV * 1e-3 / _GAIN_STATED_AT_KEV,
    )


@dataclass(frozen=True, eq=False)
class Relief:
    """How much of the radiation each of two detectors sees, from the tilt of the surface.

    Parameters
    ----------
    tilt
        Standard deviation of the first detector's share of its half, less one.
    field
        The tilt over the map.
    step_um
        Distance of pixels.
    """

    tilt: float
    field: RandomField
    step_um: float

    def views(self, row: int, width: int) -> FloatArray:
        """Share of both detectors' mean that each sees, shape (pixel, 2); each row sums to two."""
        points = np.column_stack([np.full(width, row + 0.5), np.arange(width) + 0.5]) * self.step_um
        first = np.clip(1 + self.tilt * self.field(points), _LEAST_VIEW, _MOST_VIEW)
        return np.column_stack([first, 2 - first])


def draw_relief(scan: ScanRecipe, rng: np.random.Generator) -> Relief:
    """Draw the tilt of the surface, smooth over a quarter of the map."""
    return Relief(scan.tilt, smooth_field(_RELIEF_SHARE * max(scan.extent_um), rng), scan.step_um)
