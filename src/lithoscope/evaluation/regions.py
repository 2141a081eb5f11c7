"""Regions: what was labelled in one go, and resampling by them.

Pixels of one grain share its composition, orientation and surroundings, and so their errors: with
pixels taken as independent, intervals would be several times too narrow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

RESAMPLES = 1000
_NEIGHBOURS = np.ones((3, 3), dtype=int)
# Numbers held at a time while resampling.
_AT_ONCE = 4_000_000


def regions_from_labels(labels: NDArray[np.integer], *, unlabelled: int = -1) -> NDArray[np.int64]:
    """Number the connected regions of equal label.

    Pixels that touch at a corner are connected.

    Parameters
    ----------
    labels
        Shape (y, x).
    unlabelled
        Label of pixels that belong to no region.

    Returns
    -------
    ndarray, shape (y, x)
        Numbers from 0 on; -1 for unlabelled pixels.
    """
    regions = np.full(labels.shape, -1, dtype=np.int64)
    last = 0
    for label in np.unique(labels[labels != unlabelled]):
        parts, number = ndimage.label(labels == label, structure=_NEIGHBOURS)
        inside = parts > 0
        regions[inside] = parts[inside] + (last - 1)
        last += number
    return regions


def interval_by_regions(
    terms: sparse.csr_matrix,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % percentile intervals by a cluster bootstrap: regions are drawn with replacement.

    After Efron and Tibshirani 1993 (An Introduction to the Bootstrap, chapter 13).

    Parameters
    ----------
    terms
        Sums over each region, shape (region, term).
    statistic
        From the sums over a resample, shape (resample, term), to values of shape
        (resample, value); NaN where a resample leaves one undefined.
    seed
        Seed of the draws.
    resamples
        Number of resamples.
    progress
        Called with resamples done and resamples in all.

    Returns
    -------
    low, high : ndarray, shape (value,)
        NaN where there are fewer than two regions, from which nothing can be learnt of others.
    """
    number = terms.shape[0]
    shape = statistic(np.asarray(terms.sum(axis=0)).reshape(1, -1)).shape[1]
    if number < 2:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // number)
    values = []
    for first in range(0, resamples, step):
        draws = rng.multinomial(
            number, np.full(number, 1 / number), size=min(step, resamples - first)
        )
        values.append(statistic(np.asarray((terms.T @ draws.T.astype(np.float64)).T)))
        progress(first + len(draws), resamples)
    drawn = np.concatenate(values)
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    some = ~np.isnan(drawn).all(axis=0)
    low[some], high[some] = np.nanpercentile(drawn[:, some], [2.5, 97.5], axis=0)
    return low, high
