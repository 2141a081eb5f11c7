"""Windows of a spectrum that hold more counts than expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.residual import deviance_from_expected
from lithoscope.preprocess.resolution import fwhm_in_bins

FloatArray = NDArray[np.float64]

# The windows on the sides of a peak's lie this far from its middle, in FWHM.
_SIDE_FROM, _SIDE_TO = 1.5, 2.5


def excess_significance(
    *,
    counts: FloatArray,
    expected: FloatArray,
    edges_keV: FloatArray,
    relative_error: FloatArray,
    used: NDArray[np.bool_],
) -> FloatArray:
    """Significance of a peak at each bin, in standard deviations.

    A filter of one FWHM (the odd number of bins nearest above it) sums counts n and expectation m
    about each bin; the signed root of `deviance_from_expected`, with the model's error of the
    window, is ``z = sign(n - m) sqrt(D)``, standard normal for draws of the expectation. Where
    counts exceed it on both sides too (1.5 to 2.5 FWHM away), m is raised by the smaller of the two
    ratios: a continuum that was expected too low is no peak.

    Parameters
    ----------
    counts, expected
        Measured and expected counts, shape (bin,).
    edges_keV
        Bin edges, shape (bin + 1,).
    relative_error
        Relative error of the expectation beside counting noise, shape (bin,).
    used
        Bins to look at, shape (bin,); at others, and within one filter of them, it is 0.

    Returns
    -------
    ndarray, shape (bin,)
    """
    fwhm = fwhm_in_bins(edges_keV)
    half = np.maximum(np.ceil((fwhm - 1) / 2), 1).astype(np.int64)
    bins = np.arange(counts.size)
    windows = (bins - half, bins + half + 1)
    near = np.rint(_SIDE_FROM * fwhm).astype(np.int64)
    far = np.rint(_SIDE_TO * fwhm).astype(np.int64)
    left, right = (bins - far, bins - near + 1), (bins + near, bins + far + 1)
    n, m, error = (
        _sums(values, windows) for values in (counts, expected, relative_error * expected)
    )
    ratios = [(_sums(counts, side) + 1) / (_sums(expected, side) + 1) for side in (left, right)]
    raised = m * np.maximum(1.0, np.minimum(*ratios))
    deviance = deviance_from_expected(
        counts=n, expected=raised, relative_error=error / np.maximum(m, 1e-30)
    )
    found = np.sign(n - raised) * np.sqrt(np.maximum(deviance, 0.0))
    complete = _sums((~used).astype(np.float64), windows) == 0
    inside = (windows[0] >= 0) & (windows[1] <= counts.size)
    return np.where(complete & inside, found, 0.0)


def _sums(values: FloatArray, ranges: tuple[NDArray[np.int64], NDArray[np.int64]]) -> FloatArray:
    """Sums over bins [first, last) of each range, cut at the ends of the axis."""
    cumulative = np.concatenate([[0.0], np.cumsum(values)])
    first, last = (np.clip(one, 0, values.size) for one in ranges)
    # A difference of running sums may be a rounding error below zero.
    return np.asarray(np.maximum(cumulative[last] - cumulative[first], 0.0))
