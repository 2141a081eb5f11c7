"""The energy of a network's logits, and thresholds for it by counts and class."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.models.checkpoint import UnknownThreshold


def energy_score_from_logits(logits: torch.Tensor) -> torch.Tensor:
    """Score how strange a spectrum is, ``-log sum_k exp(logit_k)`` (Liu et al. 2020, NeurIPS)."""
    return -torch.logsumexp(logits, dim=1)


def threshold_at_counts(
    *, threshold: UnknownThreshold, counts: NDArray[np.floating], classes: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Interpolate each class's thresholds over the logarithm of counts.

    Parameters
    ----------
    threshold
        Thresholds by count level and class.
    counts
        Total counts, shape (spectrum,).
    classes
        Class of each spectrum, shape (spectrum,).

    Returns
    -------
    ndarray, shape (spectrum,)
    """
    levels, scores = np.log(threshold.counts), np.array(threshold.scores)
    place = np.interp(np.log(np.maximum(counts, 1.0)), levels, np.arange(levels.size))
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, levels.size - 1)
    share = place - below
    return np.asarray((1 - share) * scores[below, classes] + share * scores[above, classes])
