"""Diffraction in a scan whose two detectors are apart, found in one pass over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.inference.bragg_mask import (
    FALSE_DISCOVERY_RATE,
    HALO,
    find_in_block,
)
from lithoscope.inference.bragg_peaks import DiffractionPeak, peaks_of_touched
from lithoscope.inference.bragg_removal import removed_counts, without_diffraction
from lithoscope.inference.bragg_touched import Touched
from lithoscope.inference.detector_ratio import DetectorRatio, fit_detector_ratio
from lithoscope.inference.detector_windows import WindowGrid

Progress = Callable[[int, int], None]

# Rows from which the scan's ratio is fitted, evenly spread over it.
_ROWS_FOR_RATIO = 48
# Tiles along each side of the scan in which the ratio is looked at.
_TILES = 8
# Pixels of a block, whose counts in cells take some 3 kB each, and rows that make its halo cheap.
_PIXELS, _FEWEST_ROWS = 20_000, 12


@dataclass(frozen=True, eq=False)
class Diffraction:
    """What was found in a scan.

    Parameters
    ----------
    shape
        Rows and columns of the scan.
    grid, ratio
        The windows, and how the detectors share counts.
    touched
        Windows of pixels in which one detector sees diffraction.
    peaks
        The same, gathered into peaks.
    tests
        Windows of squares of pixels that were tested.
    removed
        Counts of diffraction in each pixel, shape (y, x).
    """

    shape: tuple[int, int]
    grid: WindowGrid
    ratio: DetectorRatio
    touched: Touched
    peaks: tuple[DiffractionPeak, ...]
    tests: int
    removed: NDArray[np.float32]

    @property
    def pixels(self) -> int:
        """Number of pixels that hold diffraction."""
        return int(np.unique(self.touched.rows * self.shape[1] + self.touched.columns).size)


def find_in_scan(
    first: Scan,
    second: Scan,
    *,
    rate: float = FALSE_DISCOVERY_RATE,
    progress: Progress = lambda done, total: None,
) -> Diffraction:
    """Find diffraction in a scan, block by block; memory does not grow with the number of rows.

    The rate of false discoveries holds in each block of rows.

    Parameters
    ----------
    first, second
        The scan as each of two detectors sees it.
    rate
        Accepted share of false discoveries.
    progress
        Called with rows done and rows in all.

    Raises
    ------
    ScanError
        If the scans differ in pixels or channels.
    InvalidValueError
        If a detector has next to no counts, or the axis does not show peaks.
    """
    if (first.shape, first.axis.n_channels) != (second.shape, second.axis.n_channels):
        raise ScanError(
            f"Detectors with scans of {first.shape} pixels, {first.axis.n_channels} channels and "
            f"{second.shape} pixels, {second.axis.n_channels} channels.",
            expected="two detectors that saw the same pixels on the same channels",
        )
    grid = WindowGrid.of_axis(first.axis)
    ratio = _ratio(first, second, grid)
    height = first.shape[0]
    removed = np.zeros(first.shape, dtype=np.float32)
    parts, tests = [], 0
    for start, stop, top, one, other in _blocks(first, second, grid):
        touched, number = find_in_block(
            one, other, grid, ratio, core=(start - top, stop - top), rate=rate
        )
        removed[start:stop] = removed_counts(one, other, touched, grid)[start - top : stop - top]
        parts.append(touched.where(np.ones(len(touched), dtype=bool), row_shift=top))
        tests += number
        progress(stop, height)
    touched = Touched.joined(parts)
    peaks = peaks_of_touched(touched, grid.energies_keV)
    return Diffraction(first.shape, grid, ratio, touched, peaks, tests, removed)


def _ratio(first: Scan, second: Scan, grid: WindowGrid) -> DetectorRatio:
    """Fit the scan's ratio to tiles of some of its rows."""
    height, width = first.shape
    chosen = np.unique(np.linspace(0, height - 1, _ROWS_FOR_RATIO).round().astype(int))
    down = np.arange(chosen.size) * min(_TILES, chosen.size) // chosen.size
    across = np.arange(0, width, -(-width // _TILES))
    tiles = np.zeros((2, down[-1] + 1, across.size, grid.n_cells))
    for number, scan in enumerate((first, second)):
        for row, place in zip(chosen.tolist(), down, strict=True):
            cells = grid.cells_of(scan.rows(row, row + 1)[0]).astype(np.float64)
            tiles[number, place] += np.add.reduceat(cells, across, axis=0)
    one, other = tiles.reshape(2, -1, grid.n_cells)
    return fit_detector_ratio(one, other, grid)


def _blocks(
    first: Scan, second: Scan, grid: WindowGrid
) -> Iterator[tuple[int, int, int, NDArray[np.float32], NDArray[np.float32]]]:
    """Yield the core's first row and the row after it, the first row held, and counts in cells."""
    height, width = first.shape
    size = max(_FEWEST_ROWS, _PIXELS // width - 2 * HALO)
    held = [np.empty((0, width, grid.n_cells), dtype=np.float32) for _ in range(2)]
    top = read = 0
    for start in range(0, height, size):
        stop = min(start + size, height)
        bottom = min(stop + HALO, height)
        held = [
            np.concatenate([part, *_cells(scan, read, bottom, grid)])
            for part, scan in zip(held, (first, second), strict=True)
        ]
        read = bottom
        yield start, stop, top, held[0], held[1]
        kept = max(stop - HALO, 0)
        held = [part[kept - top :] for part in held]
        top = kept


def _cells(scan: Scan, start: int, stop: int, grid: WindowGrid) -> list[NDArray[np.float32]]:
    """Read rows, some at a time, so that whole spectra of few are held."""
    some = scan.rows_in_block
    return [
        grid.cells_of(scan.rows(row, min(row + some, stop))) for row in range(start, stop, some)
    ]


def scan_without(
    diffraction: Diffraction, whole: Scan, first: Scan, second: Scan, *, seed: int = 0
) -> Scan:
    """Return the sum of two detectors without the diffraction that was found.

    Rows are put right as they are read, the same in every call.

    Parameters
    ----------
    diffraction
        What `find_in_scan` found.
    whole
        The scan with its detectors summed, from which rows without diffraction are read.
    first, second
        The scan as each detector sees it.
    seed
        Of what is drawn to keep counts whole.
    """
    by_row = np.argsort(diffraction.touched.rows, kind="stable")
    sorted_rows = diffraction.touched.rows[by_row]

    def read_rows(start: int, stop: int) -> NDArray[Any]:
        bounds = np.searchsorted(sorted_rows, np.arange(start, stop + 1))
        if bounds[0] == bounds[-1]:
            return whole.rows(start, stop)
        one, other = first.rows(start, stop), second.rows(start, stop)
        result = one.astype(np.uint32) + other
        for place in np.flatnonzero(np.diff(bounds)).tolist():
            own = by_row[bounds[place] : bounds[place + 1]]
            touched = diffraction.touched.where(own, row_shift=-(start + place))
            row = np.s_[place : place + 1]
            rng = np.random.default_rng([seed, start + place])
            parts = without_diffraction(one[row], other[row], touched, diffraction.grid, rng)
            result[row] = parts[0] + parts[1]
        return result

    return dataclasses.replace(whole, read_rows=read_rows, sum_spectrum=None)
