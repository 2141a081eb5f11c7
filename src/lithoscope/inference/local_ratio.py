"""The share of counts that one of two detectors sees of each of many places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from lithoscope.inference.detector_ratio import DetectorRatio, scaled
from lithoscope.inference.detector_windows import WindowGrid

FloatArray = NDArray[np.float64]

# What a smooth curve is trusted to at best, in log-odds, and the share of a place's own shift that
# it may be wrong by: of the shift that a slope gives to scatter, lines of elements have from 0.6
# to 1.6 times as much, by their depths (``python -m benchmarks.bragg_test``).
FLOOR, OF_SHIFT = 0.02, 0.25
# Prior standard deviations of a place's shift, and of its first and second power of log E.
_PRIOR = np.array([3.0, 0.15, 0.15])
_ROUNDS, _HUBER = 5, 1.5
_MOST_LEVERAGE = 0.9


@dataclass(frozen=True, eq=False)
class LocalRatio:
    """What is expected of each window of each place, from the other windows of that place.

    Parameters
    ----------
    first, total
        Counts of the first detector and of both, shape (place, window).
    log_odds
        Expected log-odds of a count being the first's, shape (place, window).
    spread
        Their standard deviation, shape (place, window).
    """

    first: FloatArray
    total: FloatArray
    log_odds: FloatArray
    spread: FloatArray

    def standardised(self) -> FloatArray:
        """Excess of the first detector in standard deviations, shape (place, window)."""
        share = expit(self.log_odds)
        variance = self.total * share * (1 - share)
        deviation = np.sqrt(variance * (1 + variance * self.spread**2))
        return np.asarray((self.first - self.total * share) / np.maximum(deviation, 1e-9))


def local_ratio(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    grid: WindowGrid,
    ratio: DetectorRatio,
    unevenness: FloatArray,
) -> LocalRatio:
    """Fit how two detectors share the counts of places, and predict each window without itself.

    Log-odds are those of the scan and ``b_0 + b_1 x + b_2 x^2`` of the place, fitted by iterated
    weighted least squares (McCullagh & Nelder 1989, section 4.4) with Huber's weights, so that
    peaks of one detector do not draw the curve. Windows that overlap are fitted apart, evens and
    odds; each prediction is that of the fit without the window, by the leverage formula. The
    spread holds what the scan leaves there, a quarter of the place's shift, its unevenness, and the
    uncertainty of the fit.

    Parameters
    ----------
    first, second
        Counts of each detector in cells, shape (place, cell).
    grid
        The cells.
    ratio
        That of the scan.
    unevenness
        Standard deviation of the log-odds within each place, shape (place,).
    """
    total_cells = first.astype(np.float64) + second
    seen = grid.windows_of(first.astype(np.float64))
    total = grid.windows_of(total_cells)
    offset = ratio.log_odds(total_cells, grid)
    x = scaled(grid.energies_keV)[:, None] ** np.arange(_PRIOR.size)
    log_odds, spread = np.empty_like(total), np.empty_like(total)
    for start in (0, 1):
        own = np.s_[:, start::2]
        known = np.hypot(ratio.spread[start::2], unevenness[:, None])
        log_odds[own], spread[own] = _left_out(
            seen[own], total[own], offset[own], x[start::2], known
        )
    return LocalRatio(seen, total, log_odds, spread)


def _left_out(
    seen: FloatArray, total: FloatArray, offset: FloatArray, x: FloatArray, known: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Prediction of each window by the others and its standard deviation."""
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    shift = np.zeros((len(total), _PRIOR.size))
    of_all, of_first = total.sum(axis=1), seen.sum(axis=1)
    share = (of_first + 1) / (of_all + 2)
    weight = total / np.maximum(of_all, 1)[:, None]
    shift[:, 0] = np.log(share / (1 - share)) - (weight * offset).sum(axis=1)
    for turn in range(_ROUNDS + 1):
        moved = shift @ x.T
        p = expit(offset + moved)
        information = np.maximum(total * p * (1 - p), 1e-9)
        variance = FLOOR**2 + known**2 + (OF_SHIFT * moved) ** 2
        weights = information / (1 + information * variance)
        left = np.clip((seen - total * p) / information, -3, 3)
        weights = weights * np.minimum(1, _HUBER / np.maximum(np.sqrt(weights) * abs(left), 1e-9))
        normal = (weights @ products).reshape(-1, _PRIOR.size, _PRIOR.size)
        inverse = np.linalg.inv(normal + np.diag(_PRIOR**-2.0))
        if turn < _ROUNDS:
            downhill = (weights * left) @ x - shift * _PRIOR**-2.0
            shift = shift + np.einsum("pij,pj->pi", inverse, downhill)
    uncertain = inverse.reshape(len(total), -1) @ products.T
    leverage = np.minimum(weights * uncertain, _MOST_LEVERAGE)
    predicted = offset + moved - leverage / (1 - leverage) * left
    return predicted, np.sqrt(variance + uncertain / (1 - leverage))
