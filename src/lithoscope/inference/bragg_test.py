"""Exact tests of how two detectors share counts, and how many of many tests to believe.

Given the counts n that two detectors have together in a window, those of the first are binomial
with its share p, whatever the sample sends out. Where p itself is known only so well, they are
beta-binomial. The names are those of the statistics: nothing here knows of X-rays.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln, expit

from lithoscope.core.compiled import compiled
from lithoscope.errors import InvalidValueError

FloatArray = NDArray[np.float64]
_FLOATS = numba.float64[::1]

# Terms of a tail are added up until they are this small a share of their sum.
_LEAST_TERM = 1e-12
# Below this relative variance a share counts as known.
_KNOWN = 1e-10


def two_sided_p_values(
    *, counts: ArrayLike, trials: ArrayLike, log_odds: ArrayLike, spread: ArrayLike
) -> FloatArray:
    """Probability of a split at least as one-sided: twice the tail away from the mean, at most 1.

    ``min(1, 2 P(K >= k))`` for k at or above the mean ``n P``, else ``min(1, 2 P(K <= k))``.
    K is beta-binomial: binomial of n trials whose probability p is itself beta-distributed with
    mean ``P = 1 / (1 + exp(-eta))`` and variance ``(P (1 - P) tau)^2``, that is
    ``alpha + beta = 1 / (P (1 - P) tau^2) - 1`` (Skellam 1948, J. R. Stat. Soc. B 10, 257).
    For ``tau = 0`` it is binomial. Since K is discrete, p-values of the null are never too small.

    Parameters
    ----------
    counts
        Counts k of the first detector, whole numbers, any shape.
    trials
        Counts n of both together.
    log_odds
        Expected ``eta = log(p / (1 - p))``.
    spread
        Standard deviation tau of eta, 0 or more.

    Returns
    -------
    ndarray, shaped as the arguments broadcast

    Raises
    ------
    InvalidValueError
        If counts are not 0 to n, or a number is not finite or negative.
    """
    k, n, eta, tau = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (counts, trials, log_odds, spread))
    )
    _check(k, n, eta, tau)
    mean = expit(eta)
    # The tail below the mean is that above it with the detectors exchanged.
    lower = k < n * mean
    k, mean = np.where(lower, n - k, k).ravel(), np.where(lower, 1 - mean, mean).ravel()
    n, tau = n.ravel(), tau.ravel()
    tails = np.ones(k.size)
    known = mean * (1 - mean) * tau**2 < _KNOWN
    inner = k > 0
    exact = known & inner
    tails[exact] = betainc(k[exact], n[exact] - k[exact] + 1, mean[exact])
    rest = ~known & inner
    tails[rest] = _upper_tails(k[rest], n[rest], mean[rest], tau[rest])
    return np.minimum(1.0, 2 * tails).reshape(eta.shape)


def _check(k: FloatArray, n: FloatArray, eta: FloatArray, tau: FloatArray) -> None:
    if not all(np.isfinite(values).all() for values in (k, n, eta, tau)) or (tau < 0).any():
        raise InvalidValueError(
            "Counts, log-odds or a spread that are negative or not finite.",
            expected="finite numbers, and a spread of 0 or more",
        )
    if (k < 0).any() or (k > n).any() or (k % 1 != 0).any() or (n % 1 != 0).any():
        raise InvalidValueError(
            "Counts of one detector that are not among those of both.",
            expected="whole numbers from 0 to the counts of both",
        )


def _upper_tails(k: FloatArray, n: FloatArray, mean: FloatArray, tau: FloatArray) -> FloatArray:
    """``P(K >= k)`` for k at or above the mean, shape (test,)."""
    both = np.maximum(1 / (mean * (1 - mean) * tau**2) - 1, 1.0)
    alpha, beta = mean * both, (1 - mean) * both
    return np.asarray(np.exp(_log_mass(k, n, alpha, beta)) * _sums(k, n, alpha, beta))


@compiled(_FLOATS(_FLOATS, _FLOATS, _FLOATS, _FLOATS))
def _sums(k: FloatArray, n: FloatArray, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Sum of all masses from k on over the mass at k, by their ratios, shape (test,)."""
    sums = np.empty(k.size)
    for test in range(k.size):
        j, left, term, total = k[test], n[test] - k[test], 1.0, 1.0
        while left > 0 and term > _LEAST_TERM * total:
            term *= left * (j + alpha[test]) / ((j + 1) * (left - 1 + beta[test]))
            total += term
            j, left = j + 1, left - 1
        sums[test] = total
    return sums


def _log_mass(k: FloatArray, n: FloatArray, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Logarithm of the beta-binomial's mass."""
    return np.asarray(
        betaln(k + alpha, n - k + beta)
        - betaln(alpha, beta)
        - betaln(k + 1, n - k + 1)
        - np.log(n + 1)
    )


def discoveries(*, p_values: FloatArray, tests: int, rate: float) -> NDArray[np.bool_]:
    """Tests to believe such that at most a share `rate` of them is expected to be false.

    The i smallest p-values are believed, i the largest with ``p_(i) <= i rate / m`` (Benjamini &
    Hochberg 1995, J. R. Stat. Soc. B 57, 289). It holds for tests that are independent or
    positively dependent, as those of overlapping windows are (Benjamini & Yekutieli 2001).

    Parameters
    ----------
    p_values
        Shape (test,); of the `tests` that were made those above `rate` may be left out, as they
        cannot be among the discoveries.
    tests
        Number m of tests made.
    rate
        Accepted share of false ones, such as 0.01.

    Returns
    -------
    ndarray, shape (test,)

    Raises
    ------
    InvalidValueError
        If the rate is no share, or there are more p-values than tests.
    """
    if not 0 < rate < 1:
        raise InvalidValueError(f"A false discovery rate of {rate}.", expected="between 0 and 1")
    if p_values.size > tests:
        raise InvalidValueError(
            f"{p_values.size} p-values of {tests} tests.", expected="no more p-values than tests"
        )
    if not p_values.size:
        return np.zeros(0, dtype=bool)
    ordered = np.sort(p_values)
    below = np.flatnonzero(ordered <= rate * np.arange(1, ordered.size + 1) / tests)
    return np.asarray(p_values <= (ordered[below[-1]] if below.size else -1.0))
