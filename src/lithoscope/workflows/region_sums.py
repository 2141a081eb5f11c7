"""Sum spectra of a map's regions, from some rows of its scan read again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.scan import Scan


def rows_read(height: int, most: int) -> list[int]:
    """Return the rows that are read, evenly spread: all, or this many of them."""
    return sorted(set(np.linspace(0, height - 1, min(height, most)).round().astype(int).tolist()))


def sums_of_regions(
    scan: Scan, regions: NDArray[np.integer], chosen: Sequence[int], *, most_rows: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum the spectra of regions over evenly spread rows.

    Parameters
    ----------
    scan
        The scan.
    regions
        Region of each pixel, shape (y, x); negative for none.
    chosen
        Regions to sum.
    most_rows
        Rows to read at most: a second reading of a large scan would take as long as mapping it.

    Returns
    -------
    sums : ndarray, shape (region, channel)
    pixels : ndarray, shape (region,)
        Pixels that were summed.
    """
    # One more than there are regions: what belongs to none looks up the last.
    place_of = np.full(int(regions.max(initial=-1)) + 2, -1)
    place_of[list(chosen)] = np.arange(len(chosen))
    places = place_of[np.maximum(regions, -1)]
    sums = np.zeros((len(chosen), scan.axis.n_channels))
    pixels = np.zeros(len(chosen), dtype=np.int64)
    for row in rows_read(scan.shape[0], most_rows):
        here = np.unique(places[row][places[row] >= 0])
        if not here.size:
            continue
        counts = scan.rows(row, row + 1)[0]
        for place in here.tolist():
            inside = places[row] == place
            sums[place] += counts[inside].sum(axis=0, dtype=np.float64)
            pixels[place] += int(inside.sum())
    return sums, pixels
