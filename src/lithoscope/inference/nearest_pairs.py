"""Which two templates a spectrum may be a mixture of, of all pairs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# What natural compositions differ by from ideal ones.
_COMPOSITION_ERROR = 0.05


def nearest_pairs(
    *, counts: FloatArray, templates: FloatArray, log_priors: FloatArray, number: int
) -> list[tuple[int, int]]:
    """The pairs of templates that counts are nearest to, by weighted least squares.

    With ``G = T W T'`` and ``c = T W n`` the pair (k, l) takes away
    ``(c_k^2 G_ll - 2 c_k c_l G_kl + c_l^2 G_kk) / (G_kk G_ll - G_kl^2)`` of ``n' W n``, if both
    amplitudes are positive; all pairs at once. The weights are those of counting noise and 5 % for
    what natural compositions differ by from ideal ones.

    Parameters
    ----------
    counts
        Shape (bin,).
    templates
        Shape (template, bin).
    log_priors
        Natural logarithm of each template's prior, twice which is added to what its pairs take
        away, shape (template,).
    number
        How many pairs to give, at most.

    Returns
    -------
    list of (int, int)
        Rows of `templates`, nearest first, in each the smaller first.
    """
    shapes = templates / templates.sum(axis=1, keepdims=True)
    smooth = np.convolve(counts, np.ones(5) / 5, "same")
    weights = 1 / (np.maximum(smooth, 0.2) + (_COMPOSITION_ERROR * smooth) ** 2)
    gram, c = (shapes * weights) @ shapes.T, (shapes * weights) @ counts
    own = np.diag(gram)
    determinant = np.maximum(np.outer(own, own) - gram**2, 1e-9 * np.outer(own, own))
    first = (c[:, None] * own[None, :] - c[None, :] * gram) / determinant
    positive = (first > 0) & (first.T > 0)
    prior = 2 * (log_priors[:, None] + log_priors[None, :])
    gain = first * c[:, None] + first.T * c[None, :] + prior
    rows, columns = np.triu_indices(len(c), 1)
    value = np.where(positive, gain, -np.inf)[rows, columns]
    order = np.argsort(-value)[:number]
    return [(int(rows[one]), int(columns[one])) for one in order if np.isfinite(value[one])]
