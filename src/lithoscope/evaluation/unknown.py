"""How well known and unknown spectra are told apart by a score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from lithoscope.errors import InvalidValueError

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Separation:
    """What a score is worth.

    Parameters
    ----------
    auroc
        Probability that an unknown spectrum scores higher than a known one.
    aupr
        Mean precision over the unknown that are found (average precision), as many unknown as there
        are in the sample.
    fpr_at_95
        Share of known spectra above the score that 95 % of the unknown exceed.
    detected_at_1, detected_at_5
        Share of the unknown above the score that 1 and 5 % of the known exceed.
    known, unknown
        Spectra.
    """

    auroc: float
    aupr: float
    fpr_at_95: float
    detected_at_1: float
    detected_at_5: float
    known: int
    unknown: int


def separation_from_scores(*, known: FloatArray, unknown: FloatArray) -> Separation:
    """Measure how a score parts known from unknown spectra; higher is stranger.

    Parameters
    ----------
    known, unknown
        Scores, shape (spectrum,).
    """
    if not known.size or not unknown.size:
        raise InvalidValueError(
            f"{known.size} known and {unknown.size} unknown scores.", expected="one or more of each"
        )
    ranks = rankdata(np.concatenate([known, unknown]))
    above = ranks[known.size :].sum() - unknown.size * (unknown.size + 1) / 2
    return Separation(
        auroc=float(above / (known.size * unknown.size)),
        aupr=_average_precision(known, unknown),
        fpr_at_95=float((known > np.quantile(unknown, 0.05)).mean()),
        detected_at_1=float((unknown > np.quantile(known, 0.99)).mean()),
        detected_at_5=float((unknown > np.quantile(known, 0.95)).mean()),
        known=known.size,
        unknown=unknown.size,
    )


def _average_precision(known: FloatArray, unknown: FloatArray) -> float:
    """Sum over falling thresholds of precision times the recall gained, ties taken at once."""
    scores = np.concatenate([known, unknown])
    strange = np.arange(scores.size) >= known.size
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(strange[order])
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf) != 0)
    recall = found[last] / unknown.size
    return float((np.diff(recall, prepend=0.0) * found[last] / (last + 1)).sum())


def misnamed_by_coverage(
    *, scores: FloatArray, right: NDArray[np.bool_], coverages: FloatArray
) -> FloatArray:
    """Risk-coverage curve: share misnamed among the least strange (El-Yaniv and Wiener 2010).

    Parameters
    ----------
    scores
        Of known and unknown spectra together, shape (spectrum,).
    right
        Whether each was named right; no unknown one is.
    coverages
        Shares of the spectra to be named, above 0.

    Returns
    -------
    ndarray, shape (coverage,)
    """
    wrong = np.cumsum(~right[np.argsort(scores, kind="stable")])
    last = np.maximum(np.ceil(coverages * scores.size).astype(np.intp), 1) - 1
    return np.asarray(wrong[last] / (last + 1))
