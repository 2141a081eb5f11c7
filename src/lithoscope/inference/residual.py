"""How far a spectrum is from what is expected, where the expectation itself is not exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from lithoscope.preprocess.resolution import fwhm_in_bins

FloatArray = NDArray[np.float64]

# Neighbouring elements are joined until so many counts are expected: of fewer, the deviance of a
# Poisson draw is not near 1.
_LEAST_EXPECTED = 5.0
_LEAST_ERROR = 1e-7


def deviance_from_expected(
    *, counts: FloatArray, expected: FloatArray, relative_error: FloatArray
) -> FloatArray:
    """Deviance of counts about an expectation that is uncertain itself, elementwise.

    ``D = 2 [n ln(n / m) - (n + r) ln((n + r) / (m + r))]`` with ``r = 1 / epsilon^2``: counts are
    negative binomial, Poisson about a gamma-distributed mean, so that their variance is
    ``m + (epsilon m)^2`` (McCullagh and Nelder 1989, Generalized Linear Models, section 11.2). For
    ``epsilon -> 0`` it is the Poisson deviance.

    Parameters
    ----------
    counts, expected
        Measured and expected counts, any shape; no expectation is taken for less than 1e-6.
    relative_error
        ``epsilon``, 0 or more, broadcast against them.
    """
    means = np.maximum(expected, 1e-6)
    size = 1 / np.maximum(relative_error, _LEAST_ERROR) ** 2
    return np.asarray(
        2
        * (
            xlogy(counts, counts / means)
            - (counts + size) * np.log1p((counts - means) / (means + size))
        )
    )


def residual_deviance_from_fit(
    *,
    counts: FloatArray,
    expected: FloatArray,
    edges_keV: FloatArray,
    relative_error: FloatArray,
) -> float:
    """Deviance per resolution element, about 1 for draws of what is expected.

    The mean over elements e of `deviance_from_expected` of ``n_e = sum_{j in e} n_j``, ``m_e`` and
    ``epsilon_e = sum_{j in e} epsilon_j m_j / m_e``: within one resolution element the model's
    error is taken for one, the elements' errors for independent. An element is one FWHM wide,
    and more where fewer than 5 counts are expected.

    Parameters
    ----------
    counts, expected
        Measured and expected counts, shape (bin,).
    edges_keV
        Bin edges, shape (bin + 1,).
    relative_error
        Relative error of the expectation beside counting noise, shape (bin,).
    """
    elements = _joined_elements(expected, edges_keV)
    n, m, error = (
        np.bincount(elements, values).astype(np.float64)
        for values in (counts, expected, relative_error * expected)
    )
    found = deviance_from_expected(
        counts=n, expected=m, relative_error=error / np.maximum(m, 1e-30)
    )
    return float(found.mean())


def resolution_elements(edges_keV: FloatArray) -> NDArray[np.int64]:
    """Number of the resolution element, one FWHM wide, that each bin lies in, shape (bin,)."""
    return np.floor(np.cumsum(1 / fwhm_in_bins(edges_keV)) - 1e-9).astype(np.int64)


def _joined_elements(expected: FloatArray, edges_keV: FloatArray) -> NDArray[np.int64]:
    """The same with neighbours joined until 5 counts are expected, shape (bin,)."""
    place = resolution_elements(edges_keV)
    sums = np.bincount(place, expected)
    joined, number, gathered = np.empty(sums.size, dtype=np.int64), 0, 0.0
    for element, own in enumerate(sums):
        joined[element] = number
        gathered += own
        if gathered >= _LEAST_EXPECTED:
            number, gathered = number + 1, 0.0
    # What is left at the end joins the last whole element.
    return np.minimum(joined[place], max(number - 1, 0))
