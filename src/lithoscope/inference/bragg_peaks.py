"""Peaks of diffraction: pixels that hang together in one window."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from lithoscope.inference.bragg_touched import Touched

FloatArray = NDArray[np.float64]

# p-values below this are no longer told apart.
_LEAST_P = 1e-300


@dataclass(frozen=True)
class DiffractionPeak:
    """A peak that one detector sees and the other does not, in pixels that hang together.

    Parameters
    ----------
    energy_keV
        Middle of its most significant window.
    detector
        The detector that sees it, 0 or 1.
    pixels
        Pixels that it touches.
    p_value, significance
        Of the most significant square of pixels; the latter in standard deviations, at most 37.
    row, column
        A pixel of that square.
    """

    energy_keV: float
    detector: int
    pixels: int
    p_value: float
    significance: float
    row: int
    column: int


def peaks_of_touched(touched: Touched, energies_keV: FloatArray) -> tuple[DiffractionPeak, ...]:
    """Gather pixels that see a peak in one window, the most significant peak first.

    Of windows that overlap, a pixel's peak is in the most significant one; pixels hang together if
    they touch each other, corners included.

    Parameters
    ----------
    touched
        Windows of pixels.
    energies_keV
        Middles of the windows, shape (window,).
    """
    if not len(touched):
        return ()
    touched = touched.where(_tops(touched))
    labels = _components(touched)
    sigmas = -ndtri(np.maximum(touched.p_values, _LEAST_P) / 2)
    peaks = []
    order = np.lexsort((touched.p_values, labels))
    bounds = np.flatnonzero(np.diff(labels[order], prepend=-1, append=-1))
    for start, end in itertools.pairwise(bounds.tolist()):
        best = order[start]
        peaks.append(
            DiffractionPeak(
                energy_keV=float(energies_keV[touched.windows[best]]),
                detector=int(touched.detectors[best]),
                pixels=end - start,
                p_value=float(touched.p_values[best]),
                significance=float(sigmas[best]),
                row=int(touched.rows[best]),
                column=int(touched.columns[best]),
            )
        )
    return tuple(sorted(peaks, key=lambda peak: (-peak.significance, -peak.pixels)))


def _keys(touched: Touched) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    """A number for each record, and what a step in row, column and window adds to it.

    One is left free on both sides of each axis, so that no neighbour is on its other end.
    """
    width, windows = int(touched.columns.max()) + 3, int(touched.windows.max()) + 3
    steps = width * windows * 2, windows * 2, 2
    places = (touched.rows + 1, touched.columns + 1, touched.windows + 1)
    keys = sum(place * step for place, step in zip(places, steps, strict=True))
    return np.asarray(keys + touched.detectors), steps


def _met(sorted_keys: NDArray[np.int64], step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of keys that have a neighbour at a step, and of these neighbours."""
    place = np.searchsorted(sorted_keys, sorted_keys + step)
    place = np.minimum(place, sorted_keys.size - 1)
    one = np.flatnonzero(sorted_keys[place] == sorted_keys + step)
    return one, place[one]


def _tops(touched: Touched) -> NDArray[np.bool_]:
    """Whether no window that overlaps a record's is more significant, shape (record,)."""
    keys, (_, _, window) = _keys(touched)
    order = np.argsort(keys)
    p_values, top = touched.p_values[order], np.ones(keys.size, dtype=bool)
    one, next_one = _met(keys[order], window)
    # Of two that are as good the lower stays.
    top[next_one[p_values[one] <= p_values[next_one]]] = False
    top[one[p_values[next_one] < p_values[one]]] = False
    result = np.empty(keys.size, dtype=bool)
    result[order] = top
    return result


def _components(touched: Touched) -> NDArray[np.int64]:
    """Number of the peak of each record, shape (record,)."""
    keys, (row, column, _) = _keys(touched)
    order = np.argsort(keys)
    # The other four of a pixel's eight neighbours are met from them.
    steps = (column, row - column, row, row + column)
    one, other = np.concatenate([_met(keys[order], step) for step in steps], axis=1)
    graph = scipy.sparse.coo_array((np.ones(one.size), (one, other)), shape=(keys.size,) * 2)
    labels = np.empty(keys.size, dtype=np.int64)
    labels[order] = connected_components(graph, directed=False)[1]
    return labels
