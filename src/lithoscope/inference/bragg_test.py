"""Exact tests of how two detectors share counts, and how many of many tests to believe.

Given the counts n that two detectors have together in a window, those of the first are binomial
with its share p, whatever the sample sends out. Where p itself is known only so well, they are
beta-binomial. The names are those of the statistics: nothing here knows of X-rays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln, expit

from lithoscope.errors import InvalidValueError

FloatArray = NDArray[np.float64]

# Terms of a tail that are added one by one. Longer tails are smooth, and are integrated.
_TERMS = 512
# Terms fall by this many powers of e before they are left out.
_FALL = 45.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
# Below this relative variance a share counts as known.
_KNOWN = 1e-10
_CHUNK = 4096


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
    for chunk in np.split(np.flatnonzero(~known & inner), range(_CHUNK, k.size, _CHUNK)):
        if chunk.size:
            tails[chunk] = _upper_tails(k[chunk], n[chunk], mean[chunk], tau[chunk])
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
    first = np.exp(_log_mass(k, n, alpha, beta))
    ratio = _next_over_this(k, n, alpha, beta)
    fall = -np.log(np.clip(ratio, 1e-300, 1 - 1e-9))
    tails = np.empty(k.size)
    long = np.minimum(n - k + 1, _FALL / fall) > _TERMS
    short = ~long
    steps = k[short, None] + np.arange(_TERMS)
    ratios = _next_over_this(steps, n[short, None], alpha[short, None], beta[short, None])
    tails[short] = first[short] * (1 + np.cumprod(ratios, axis=1).sum(axis=1))
    if long.any():
        tails[long] = _integrated(k[long], n[long], alpha[long], beta[long], fall[long])
    return tails


def _integrated(
    k: FloatArray, n: FloatArray, alpha: FloatArray, beta: FloatArray, fall: FloatArray
) -> FloatArray:
    """Sum of many terms as an integral from ``k - 1/2``, shape (test,).

    The sum of an exponential that falls by r a term is ``(r / 2) / sinh(r / 2)`` of its integral.
    """
    both = alpha + beta
    mean = alpha / both
    sigma = np.sqrt(n * mean * (1 - mean) * (both + n) / (both + 1))
    # The fall steepens along the tail, and near the mean it tells nothing.
    reach = np.minimum(np.minimum(14 * sigma, _FALL / fall), n + 0.5 - (k - 0.5))
    places = k[:, None] - 0.5 + reach[:, None] * (_NODES + 1) / 2
    places = np.minimum(places, n[:, None] + 0.499)
    mass = np.exp(_log_mass(places, n[:, None], alpha[:, None], beta[:, None]))
    half = np.maximum(fall, 1e-6) / 2
    return np.asarray((mass @ _WEIGHTS) * reach / 2 * half / np.sinh(half))


def _log_mass(k: FloatArray, n: FloatArray, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Logarithm of the beta-binomial's mass, continued to numbers between whole ones."""
    return np.asarray(
        betaln(k + alpha, n - k + beta)
        - betaln(alpha, beta)
        - betaln(k + 1, n - k + 1)
        - np.log(n + 1)
    )


def _next_over_this(
    k: FloatArray, n: FloatArray, alpha: FloatArray, beta: FloatArray
) -> FloatArray:
    """Mass at k + 1 over mass at k; 0 from k = n on."""
    left = np.maximum(n - k, 0.0)
    return np.asarray(left * (k + alpha) / ((k + 1) * np.maximum(left - 1 + beta, 1e-300)))


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
