"""The share of counts that one of two detectors sees, as a smooth function of energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import expit

from lithoscope.errors import InvalidValueError
from lithoscope.inference.detector_windows import WindowGrid

FloatArray = NDArray[np.float64]

# Log-odds that a smooth curve is trusted to at best.
_TRUST = 0.02
# Detectors whose calibration and resolution differ more than this are not of one machine.
_SHIFT_KEV, _WIDTH_KEV2 = 0.02, 0.0005
_ORDER = 4
# What the median tile leaves unexplained in a window widens the test there, up to this.
_MOST_SPREAD = 0.25
_FEWEST_COUNTS = 1000.0
_SHRINK, _STRETCH = 0.25, 4.0


@dataclass(frozen=True, eq=False)
class DetectorRatio:
    """How two detectors of one machine share counts, over a whole scan.

    The log-odds of a count being the first's are ``eta(E) = sum_i c_i x^i - log(B(E))``, with
    ``x = log(E / 4 keV) / log 4``. B is what detectors that are calibrated a little differently
    see of one spectrum s(E): ``B = 1 + delta s' / s + rho s'' / 2 s``, a shift delta and a
    difference rho of the squared widths of peaks.

    Parameters
    ----------
    smooth
        Coefficients c, shape (4,).
    response
        Shift at 4 keV and its change by x in keV, difference of squared widths and its change in
        keV², shape (4,).
    spread
        Standard deviation of the log-odds of a window beside counting noise, shape (window,).
    """

    smooth: FloatArray
    response: FloatArray
    spread: FloatArray

    def log_odds(self, total: FloatArray, grid: WindowGrid) -> FloatArray:
        """Expected log-odds of windows of spectra, given both detectors' counts.

        Parameters
        ----------
        total
            Counts of both detectors in cells, shape (..., cell).
        grid
            The cells.

        Returns
        -------
        ndarray, shape (..., window)
        """
        eta = _powers(grid.cell_energies_keV) @ self.smooth - np.log(
            response_ratio(total, grid, self.response)
        )
        counts = grid.windows_of(total)
        seen = grid.windows_of(total * expit(eta))
        share = np.clip((seen + 1e-9) / (counts + 2e-9), 1e-9, 1 - 1e-9)
        return np.asarray(np.log(share / (1 - share)))


def _powers(energies_keV: FloatArray) -> FloatArray:
    """Powers 0 to 3 of the scaled logarithm of energies, shape (energy, 4)."""
    return scaled(energies_keV)[:, None] ** np.arange(_ORDER)


def scaled(energies_keV: FloatArray) -> FloatArray:
    """``log(E / 4 keV) / log 4``: -1 at 1 keV, 1 at 16 keV."""
    return np.asarray(np.log(energies_keV / 4) / np.log(4))


def response_ratio(total: FloatArray, grid: WindowGrid, response: FloatArray) -> FloatArray:
    """What the second detector sees over what the first sees of one spectrum, per cell.

    ``1 + delta s' / s + rho s'' / 2 s`` with derivatives by finite differences, held between 1/4
    and 4.

    Parameters
    ----------
    total
        Counts of both detectors, shape (..., cell).
    grid
        The cells.
    response
        See `DetectorRatio`.
    """
    middles = grid.cell_energies_keV
    density = (total + 0.5) / np.diff(grid.edges_keV)
    slope = np.gradient(density, middles, axis=-1)
    bend = np.gradient(slope, middles, axis=-1)
    x = scaled(middles)
    shift, width = response[0] + response[1] * x, response[2] + response[3] * x
    return np.clip(1 + (shift * slope + width * bend / 2) / density, _SHRINK, _STRETCH)


def fit_detector_ratio(first: FloatArray, second: FloatArray, grid: WindowGrid) -> DetectorRatio:
    """Fit the ratio to a scan, or a good part of it.

    The curve is fitted to the sums of all tiles, robustly, since diffraction stands in them too.
    The spread is what the curve leaves in the median tile: where detectors differ in a way that
    the curve lacks they do so everywhere, and a grain's diffraction is in its own tiles alone.

    Parameters
    ----------
    first, second
        Counts of each detector in cells, shape (tile, cell): parts of the map.
    grid
        The cells.

    Raises
    ------
    InvalidValueError
        If a detector has next to no counts.
    """
    for name, counts in (("first", first), ("second", second)):
        if counts.sum() < _FEWEST_COUNTS:
            raise InvalidValueError(
                f"The {name} detector has {counts.sum():.0f} counts from "
                f"{grid.edges_keV[0]:.1f} to {grid.edges_keV[-1]:.1f} keV.",
                expected=f"{_FEWEST_COUNTS:.0f} or more in each of two detectors",
            )
    total = (first + second).sum(axis=0)
    seen, counts = grid.windows_of(first.sum(axis=0)), grid.windows_of(total)
    scale = np.array([1.0] * _ORDER + [_SHIFT_KEV] * 2 + [_WIDTH_KEV2] * 2)

    def residuals(unknowns: FloatArray) -> FloatArray:
        smooth, response = np.split(unknowns * scale, [_ORDER])
        eta = DetectorRatio(smooth, response, np.zeros(counts.size)).log_odds(total, grid)
        share = expit(eta)
        variance = counts * share * (1 - share) + 0.25
        sigma = np.sqrt(variance * (1 + variance * _TRUST**2))
        return np.concatenate([(seen - counts * share) / sigma, unknowns])

    start = np.zeros(scale.size)
    start[0] = np.log(first.sum() / second.sum())
    found = least_squares(residuals, start, loss="soft_l1").x * scale
    smooth, response = np.split(found, [_ORDER])
    curve = DetectorRatio(smooth, response, np.zeros(counts.size))
    return DetectorRatio(smooth, response, _left_over(first, second, grid, curve))


def _left_over(
    first: FloatArray, second: FloatArray, grid: WindowGrid, curve: DetectorRatio
) -> FloatArray:
    """What the curve leaves of the log-odds of the median tile beyond noise, shape (window,)."""
    total = first + second
    seen, counts = grid.windows_of(first), grid.windows_of(total)
    share = expit(curve.log_odds(total, grid))
    information = np.maximum(counts * share * (1 - share), 0.25)
    left = np.clip((seen - counts * share) / information, -3, 3)
    # A tile's own tilt is no difference between detectors.
    left = left - np.median(left, axis=1, keepdims=True)
    noise = np.pi / 2 / information.sum(axis=0)
    return np.sqrt(np.clip(np.median(left, axis=0) ** 2 - noise, 0, _MOST_SPREAD**2))
