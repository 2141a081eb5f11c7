"""Amplitudes of non-negative templates that make counts most likely."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from lithoscope.errors import InvalidValueError
from lithoscope.models.baselines.least_squares import abundances_from_counts

FloatArray = NDArray[np.float64]

_MOST_STEPS = 400
_CHECKED_EVERY = 20
# Log-likelihood that so many steps must still gain.
_LEAST_GAIN = 2e-3
# Expected counts of a bin are never below this: a single count where nothing is expected would
# otherwise be infinitely unlikely.
LEAST_EXPECTED = 1e-6
# An amplitude of zero stays zero; the start gives each template this share of the counts.
_START_SHARE = 1e-3


def amplitudes_from_counts(
    *,
    counts: FloatArray,
    templates: FloatArray,
    caps: FloatArray | None = None,
) -> FloatArray:
    """Maximum-likelihood amplitudes ``a >= 0`` of ``n_j ~ Poisson(sum_k a_k T_kj)``.

    Expectation maximisation, ``a_k <- a_k / S_k sum_j T_kj n_j / m_j`` with ``S_k = sum_j T_kj``
    (Shepp and Vardi 1982, IEEE Trans. Med. Imaging 1, 113; Richardson and Lucy's steps), from
    weighted least squares. What a step maximises is a sum over templates, so that an amplitude
    with an upper limit is the smaller of the two, and the likelihood still never falls.

    Parameters
    ----------
    counts
        Shape (bin,), 0 or more.
    templates
        Shape (template, bin), 0 or more; one without counts has amplitude 0.
    caps
        Largest amplitudes, shape (template,); none where left out.

    Returns
    -------
    ndarray, shape (template,)
    """
    if templates.ndim != 2 or counts.shape != templates.shape[1:]:
        raise InvalidValueError(
            f"Counts of shape {counts.shape} on templates {templates.shape}.",
            expected="as many bins in both",
        )
    sums = templates.sum(axis=1)
    there = sums > 0
    shapes = templates[there] / sums[there, None]
    limits = np.full(there.sum(), np.inf) if caps is None else caps[there] * sums[there]
    total = float(counts.sum())
    start = abundances_from_counts(counts=counts[None, :], templates=shapes)[0]
    amplitudes = np.minimum(start + _START_SHARE * total, limits)
    before = -np.inf
    for step in range(_MOST_STEPS):
        expected = np.maximum(amplitudes @ shapes, LEAST_EXPECTED)
        if step % _CHECKED_EVERY == 0:
            likelihood = log_likelihood_from_counts(counts=counts, expected=expected)
            if likelihood - before < _LEAST_GAIN:
                break
            before = likelihood
        amplitudes = np.minimum(amplitudes * (shapes @ (counts / expected)), limits)
    found = np.zeros(len(templates))
    found[there] = amplitudes / sums[there]
    return found


def log_likelihood_from_counts(*, counts: FloatArray, expected: FloatArray) -> float:
    """Poisson log-likelihood ``sum_j n_j ln m_j - m_j``, without what does not depend on m."""
    means = np.maximum(expected, LEAST_EXPECTED)
    return float((xlogy(counts, means) - means).sum())
