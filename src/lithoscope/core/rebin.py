"""Count-conserving rebinning from one energy axis onto another."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from lithoscope.errors import InvalidValueError


def rebin_matrix(*, from_edges_keV: ArrayLike, to_edges_keV: ArrayLike) -> scipy.sparse.csr_array:
    """Matrix that shares the counts of each old channel among the new bins it overlaps.

    ``R[i, j]`` is the fraction of old channel i's width that lies in new bin j, so that
    ``counts @ R`` keeps the sum of all counts inside the new range.

    Parameters
    ----------
    from_edges_keV, to_edges_keV
        Increasing edges, shapes (channel + 1,) and (bin + 1,), in keV.

    Returns
    -------
    scipy.sparse.csr_array, shape (channel, bin)
    """
    source = checked_edges(from_edges_keV, "from_edges_keV")
    target = checked_edges(to_edges_keV, "to_edges_keV")
    # Cutting both axes at every edge leaves pieces that each lie in one channel and one bin.
    cuts = np.union1d(source, target)
    low, high = max(source[0], target[0]), min(source[-1], target[-1])
    cuts = cuts[(cuts >= low) & (cuts <= high)]
    middles = (cuts[:-1] + cuts[1:]) / 2
    rows = np.searchsorted(source, middles, side="right") - 1
    columns = np.searchsorted(target, middles, side="right") - 1
    weights = np.diff(cuts) / np.diff(source)[rows]
    shape = (source.size - 1, target.size - 1)
    return scipy.sparse.coo_array((weights, (rows, columns)), shape=shape).tocsr()


def rebin_counts(
    counts: ArrayLike, *, from_edges_keV: ArrayLike, to_edges_keV: ArrayLike
) -> NDArray[np.float64]:
    """Resample counts onto other channels; the sum inside the common range is conserved.

    Parameters
    ----------
    counts
        Counts, shape (..., channel).
    from_edges_keV, to_edges_keV
        Increasing edges, shapes (channel + 1,) and (bin + 1,), in keV. Bins outside the
        measured range get no counts.

    Returns
    -------
    ndarray, shape (..., bin)
    """
    values = np.asarray(counts, dtype=np.float64)
    matrix = rebin_matrix(from_edges_keV=from_edges_keV, to_edges_keV=to_edges_keV)
    if values.shape[-1] != matrix.shape[0]:
        raise InvalidValueError(
            f"{values.shape[-1]} channels of counts on an axis of {matrix.shape[0]} channels.",
            expected="one edge more than channels",
        )
    flat = values.reshape(-1, values.shape[-1])
    return np.asarray(flat @ matrix).reshape(*values.shape[:-1], matrix.shape[1])


def checked_edges(edges: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return edges as an array.

    Raises
    ------
    InvalidValueError
        If they are no row of two or more, or do not increase.
    """
    array = np.asarray(edges, dtype=np.float64)
    if array.ndim != 1 or array.size < 2 or not np.all(np.diff(array) > 0):
        raise InvalidValueError(
            f"{name} is not a row of increasing energies (shape {array.shape}).",
            expected="at least two edges, each above the one before",
        )
    return array
