"""Diffraction that was found, taken out of the counts of two detectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.bragg_touched import Touched, best_of_each
from lithoscope.inference.detector_windows import CELLS_IN_WINDOW, WindowGrid

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A peak is taken out half a FWHM further on both sides.
_MARGIN_CELLS = 2


def without_diffraction(
    first: NDArray[Any],
    second: NDArray[Any],
    touched: Touched,
    grid: WindowGrid,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Replace what a detector sees of diffraction by what the other one says.

    The first detector's counts in a touched window, and half a FWHM on either side, become
    ``b p / (1 - p)`` of the second's b counts in each channel, and the other way round; what is
    left of whole numbers is drawn, so that counts stay whole and their mean is kept.

    Parameters
    ----------
    first, second
        Counts, shape (row, x, channel).
    touched
        Records in rows of these.
    grid
        The cells.
    rng
        Source of what is drawn.

    Returns
    -------
    first, second : ndarray
    """
    result = first.astype(np.int64), second.astype(np.int64)
    row, column, cell, detector, odds = _touched_cells(touched, grid.n_cells)
    widths = np.diff(grid.starts)[cell]
    repeat = np.repeat(np.arange(cell.size), widths)
    channel = (
        grid.starts[cell][repeat]
        + np.arange(repeat.size)
        - np.repeat(np.cumsum(widths) - widths, widths)
    )
    for number, other in ((0, second), (1, first)):
        own = detector[repeat] == number
        place = (row[repeat][own], column[repeat][own], channel[own])
        factor = np.exp(odds if number == 0 else -odds)[repeat][own]
        due = other[place] * factor
        result[number][place] = np.floor(due + rng.uniform(size=due.size)).astype(np.int64)
    return result


def removed_counts(
    first: NDArray[np.float32], second: NDArray[np.float32], touched: Touched, grid: WindowGrid
) -> NDArray[np.float32]:
    """Counts that `without_diffraction` takes out of each pixel on average, shape (row, x).

    Parameters
    ----------
    first, second
        Counts of each detector in cells, shape (row, x, cell).
    touched
        Records in rows of these.
    grid
        The cells.
    """
    removed = np.zeros(first.shape[:2], dtype=np.float32)
    row, column, cell, detector, odds = _touched_cells(touched, grid.n_cells)
    one, other = first[row, column, cell], second[row, column, cell]
    excess = np.where(detector == 0, one - other * np.exp(odds), other - one * np.exp(-odds))
    np.add.at(removed, (row, column), excess)
    return removed


def _touched_cells(
    touched: Touched, n_cells: int
) -> tuple[IntArray, IntArray, IntArray, IntArray, FloatArray]:
    """Row, column, cell, detector and log-odds of each cell to replace, each cell once."""
    reach = np.arange(-_MARGIN_CELLS, CELLS_IN_WINDOW + _MARGIN_CELLS)
    cells = 2 * touched.windows[:, None] + reach
    record = np.repeat(np.arange(len(touched)), reach.size)
    cells = cells.ravel()
    inside = (cells >= 0) & (cells < n_cells)
    record, cells = record[inside], cells[inside]
    rows, columns = touched.rows[record], touched.columns[record]
    keys = np.stack([rows, columns, cells])
    best = best_of_each(keys, touched.p_values[record])
    row, column, cell = keys[:, best]
    record = record[best]
    return row, column, cell, touched.detectors[record], touched.log_odds[record]
