"""Where single lines lie in a spectrum, to a fraction of an eV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.physics.lines import EmissionLine

_STEPS = 6
# Between the line's edges of the window, in widths (FWHM) of its peak.
HALF_WINDOW_FWHM = 0.9


@dataclass(frozen=True)
class LinePosition:
    """Where a line was found.

    Parameters
    ----------
    line
        The line.
    shift_keV, sigma_keV
        Measured energy minus true energy on the axis given, and its standard deviation.
    counts
        Counts in the line.
    """

    line: EmissionLine
    shift_keV: float
    sigma_keV: float
    counts: float


def fit_position(
    line: EmissionLine,
    *,
    energies_keV: NDArray[np.float64],
    counts: NDArray[np.float64],
    others: NDArray[np.float64],
    shape: Callable[[float], NDArray[np.float64]],
) -> LinePosition | None:
    """Fit height and place of a line, and a level background, by weighted least squares.

    A sloping background would take most of what tells the place.

    Parameters
    ----------
    line
        The line.
    energies_keV, counts
        Channels of the window, shape (channel,) each.
    others
        Counts that other lines and the continuum give there, shape (channel,).
    shape
        Counts of one count in the line, when it lies higher than its energy by so many keV.

    Returns
    -------
    LinePosition or None
        ``None`` where no peak is left after the others.
    """
    # The smoothed counts, so that weights do not follow the noise.
    smooth = np.convolve(np.pad(counts, 2, mode="edge"), np.ones(5) / 5, "valid")
    weights = 1 / np.sqrt(np.maximum(smooth, 1.0))
    target = counts - others
    step = 0.5 * float(np.diff(energies_keV).mean())
    shift = 0.0
    design = np.empty((counts.size, 3))
    for _ in range(_STEPS):
        peak = shape(shift)
        slope = (shape(shift + step) - shape(shift - step)) / (2 * step)
        design[:] = np.column_stack([peak, slope, np.ones_like(peak)])
        solved, *_ = np.linalg.lstsq(design * weights[:, None], target * weights, rcond=None)
        if solved[0] <= 0:
            return None
        shift += float(np.clip(solved[1] / solved[0], -0.03, 0.03))
    residuals = (target - design @ solved) * weights
    spread = max(1.0, float(residuals @ residuals) / max(counts.size - 3, 1))
    covariance = np.linalg.pinv((design * weights[:, None]).T @ (design * weights[:, None]))
    sigma = float(np.sqrt(covariance[1, 1] * spread)) / float(solved[0])
    return LinePosition(line, shift, sigma, float(solved[0]))
