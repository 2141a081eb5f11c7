"""Diffraction in blocks of a scan whose two detectors are apart: squares tested, pixels touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from lithoscope.inference.bragg_peaks import peaks_of_touched
from lithoscope.inference.bragg_test import discoveries, two_sided_p_values
from lithoscope.inference.bragg_touched import Touched, best_of_each
from lithoscope.inference.detector_ratio import DetectorRatio
from lithoscope.inference.detector_windows import WindowGrid
from lithoscope.inference.local_ratio import local_ratio

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FALSE_DISCOVERY_RATE = 0.01
# Sides of the squares of pixels whose counts are pooled.
SIDES = (1, 3, 9)
# Rows and columns beyond a pixel that squares which hold it reach.
HALO = 8
# Of fewer counts in a window no split is significant, and squares of fewer counts have none more.
_FEWEST_IN_WINDOW, _FEWEST_IN_SQUARE = 16, 300
# Below so many standard deviations no p-value is as small as the rate, exact or not.
_WORTH_TESTING = 2.0


@dataclass(frozen=True, eq=False)
class _Squares:
    """Tested windows of squares that may be discoveries; arrays have shape (candidate,)."""

    side: int
    rows: IntArray
    columns: IntArray
    windows: IntArray
    p_values: FloatArray
    log_odds: FloatArray
    found_log_odds: FloatArray


def find_in_block(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    grid: WindowGrid,
    ratio: DetectorRatio,
    *,
    core: tuple[int, int],
    rate: float = FALSE_DISCOVERY_RATE,
) -> tuple[Touched, int]:
    """Find diffraction in some rows of a scan.

    Counts are pooled over squares of 1, 3 and 9 pixels a side (these at every third pixel), which
    stand for the part of a grain around a pixel. Every window of every square is tested against
    what its other windows say (`local_ratio`, `two_sided_p_values`); discoveries of the block are
    those of Benjamini and Hochberg. Of the pixels of a square those are touched about which the
    counts of 3 x 3 pixels are nearer to the square's share than to the expected one. A large grain
    makes many discoveries, among which many a false one may hide, each a false peak of its own: so
    the same rate is then asked of peaks, each counted once (Chumbley & Friston 2009, NeuroImage
    44, 62, on why the rate of tests is not that of peaks).

    Parameters
    ----------
    first, second
        Counts of each detector in cells, shape (row, x, cell), with up to 8 rows beyond the core.
    grid
        The cells.
    ratio
        That of the scan.
    core
        First row to look at, and the row after the last.
    rate
        Accepted share of false discoveries.

    Returns
    -------
    touched : Touched
        In rows of the block, all within the core.
    tests : int
        Windows of squares that were tested.
    """
    tried = [_tested(first, second, grid, ratio, side, core) for side in SIDES]
    p_values = np.concatenate([squares.p_values for squares, _ in tried])
    tests = sum(number for _, number in tried)
    believed = discoveries(p_values=p_values, tests=tests, rate=rate)
    ends = np.cumsum([squares.p_values.size for squares, _ in tried])[:-1]
    nearby = _windows_about(first, grid), _windows_about(second, grid)
    parts = [
        _touched_by(squares, own, nearby)
        for (squares, _), own in zip(tried, np.split(believed, ends), strict=True)
    ]
    touched = _once_each(Touched.joined(parts), core)
    return _of_believed_peaks(touched, grid, tests, rate), tests


def _tested(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    grid: WindowGrid,
    ratio: DetectorRatio,
    side: int,
    core: tuple[int, int],
) -> tuple[_Squares, int]:
    """Test the windows of all squares of a side that hold a pixel of the core."""
    found, tests = [], 0
    for row, columns, one, other, uneven in _squares(first, second, side, core):
        enough = one.sum(axis=1) + other.sum(axis=1) >= _FEWEST_IN_SQUARE
        if not enough.any():
            continue
        local = local_ratio(one[enough], other[enough], grid, ratio, uneven[enough])
        tested = local.total >= _FEWEST_IN_WINDOW
        tests += int(tested.sum())
        place, window = np.nonzero(tested & (np.abs(local.standardised()) > _WORTH_TESTING))
        seen, total = local.first[place, window], local.total[place, window]
        eta = local.log_odds[place, window]
        p_values = two_sided_p_values(
            counts=seen, trials=total, log_odds=eta, spread=local.spread[place, window]
        )
        pooled = np.log((seen + 0.5) / (total - seen + 0.5))
        where = columns[enough][place]
        found.append((np.full(place.size, row), where, window, p_values, eta, pooled))
    empty = [(np.empty(0, dtype=np.int64),) * 3 + (np.empty(0),) * 3]
    return _Squares(side, *map(np.concatenate, zip(*(found or empty), strict=True))), tests


def _squares(
    first: NDArray[np.float32], second: NDArray[np.float32], side: int, core: tuple[int, int]
) -> Iterator[tuple[int, IntArray, FloatArray, FloatArray, FloatArray]]:
    """Yield row and columns of the top left pixels of a row of squares, counts, unevenness."""
    height, width = first.shape[:2]
    step = max(1, side // 3)
    if width < side:
        return
    columns = np.arange(0, width - side + 1, step)
    # Counted from the core, so that squares do not depend on how many rows lie before it.
    begin = core[0] - (side - 1) // step * step
    for row in range(begin, core[1], step):
        if row < 0 or row + side > height:
            continue
        one, other = first[row : row + side], second[row : row + side]
        pooled = _pooled(one, columns, side), _pooled(other, columns, side)
        yield row, columns, *pooled, _unevenness(one, other, columns, side)


def _pooled(rows: NDArray[np.floating], columns: IntArray, side: int) -> FloatArray:
    sums = rows.sum(axis=0, dtype=np.float64)
    if side == 1:
        return sums[columns]
    running = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)])
    return np.asarray(running[columns + side] - running[columns])


def _unevenness(
    first: NDArray[np.float32], second: NDArray[np.float32], columns: IntArray, side: int
) -> FloatArray:
    """Standard deviation of the log-odds of a square's pixels beyond noise, shape (square,).

    A mineral that is in some of the pixels has their slope, and not that of the square.
    """
    one, other = (part.sum(axis=2, dtype=np.float64)[:, :, None] for part in (first, second))
    both = one + other
    counts, seen, squares = (
        _pooled(values, columns, side)[:, 0]
        for values in (both, one, one**2 / np.maximum(both, 1.0))
    )
    counts = np.maximum(counts, 1.0)
    share = np.clip(seen / counts, 0.01, 0.99)
    variance = squares / counts - (seen / counts) ** 2
    noise = (side**2 - 1) * share * (1 - share) / counts
    return np.asarray(np.sqrt(np.maximum(variance - noise, 0)) / (share * (1 - share)))


def _windows_about(cells: NDArray[np.float32], grid: WindowGrid) -> NDArray[np.float32]:
    """Counts of windows over 3 x 3 pixels about each, shape (row, x, window)."""
    windows = np.pad(grid.windows_of(cells), ((1, 1), (1, 1), (0, 0)))
    rows = windows[:-2] + windows[1:-1] + windows[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:])


def _touched_by(
    squares: _Squares,
    believed: NDArray[np.bool_],
    nearby: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> Touched:
    rows, columns, windows, p_values, eta, found = (
        getattr(squares, name)[believed]
        for name in ("rows", "columns", "windows", "p_values", "log_odds", "found_log_odds")
    )
    down, across = (part.ravel() for part in np.mgrid[: squares.side, : squares.side])
    row, column = rows[:, None] + down, columns[:, None] + across
    first, second = (one[row, column, windows[:, None]] for one in nearby)
    middle = expit((eta + found) / 2)[:, None]
    sign = np.sign(found - eta)[:, None]
    leans = sign * (first - middle * (first + second)) > 0
    # A pixel that was found by itself needs no neighbours.
    square, pixel = np.nonzero(leans | (squares.side == 1))
    return Touched(
        row[square, pixel],
        column[square, pixel],
        windows[square],
        (found < eta).astype(np.int64)[square],
        eta[square],
        p_values[square],
    )


def _of_believed_peaks(touched: Touched, grid: WindowGrid, tests: int, rate: float) -> Touched:
    """Keep the records that are as significant as the weakest peak to believe."""
    peaks = peaks_of_touched(touched, grid.energies_keV)
    p_values = np.array([peak.p_value for peak in peaks])
    believed = p_values[discoveries(p_values=p_values, tests=tests, rate=rate)]
    return touched.where(touched.p_values <= believed.max(initial=-1.0))


def _once_each(touched: Touched, core: tuple[int, int]) -> Touched:
    """Keep the most significant record of each window of each pixel of the core."""
    touched = touched.where((touched.rows >= core[0]) & (touched.rows < core[1]))
    keys = np.stack([touched.rows, touched.columns, touched.windows])
    return touched.where(best_of_each(keys, touched.p_values))
