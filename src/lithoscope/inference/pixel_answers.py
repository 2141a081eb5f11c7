"""As fine an answer as each pixel's counts allow, in the light of the scan.

The posterior of a pixel under the scan's priors is ``p'(k) ~ pi_k p(k)`` (`inference.priors`). Of
many counts, what doubt is left is not noise (`inference.sharpening`), and the scan's other pixels
have less to say: with ``s = sqrt(max(1, N / 10 000))`` priors count as

    p'_n(k) ~ pi_k^(1/s) p_n(k).

That is the posterior by which a map names its pixels, ``pi_k p_n(k)^s``, to the power 1 / s: the
same class is the most probable, and the share that an answer must reach means what it means without
priors. Up to 10 000 counts s is 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.inference.answer import (
    ANSWER_PROBABILITY,
    KEY_LENGTH,
    AnswerTree,
    keys_from_probabilities,
    levels_of_classes,
)
from lithoscope.inference.posteriors import Posteriors
from lithoscope.inference.priors import best_under_priors
from lithoscope.inference.sharpening import NOISELESS_COUNTS, sharpening_from_counts

# Pixels whose probabilities of all classes are held at a time: some 10 MB.
_CHUNK = 4096


def probabilities_in_scan(
    *,
    probabilities: NDArray[np.floating],
    counts: NDArray[np.floating],
    priors: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the probabilities of spectra in the light of their scan, ``p'`` above.

    Parameters
    ----------
    probabilities
        Under even priors, shape (spectrum, class).
    counts
        Total counts, shape (spectrum,).
    priors
        Frequency of each class in the scan, sum 1, shape (class,).

    Returns
    -------
    ndarray, shape (spectrum, class)
        Rows have sum 1.
    """
    if probabilities.shape != (*counts.shape, priors.size):
        raise InvalidValueError(
            f"Probabilities of shape {probabilities.shape}, counts of {counts.shape}, priors of "
            f"{priors.shape}.",
            expected="(spectrum, class), (spectrum,) and (class,)",
        )
    power = 1 / sharpening_from_counts(counts=counts)
    weighed = probabilities * priors ** power[:, None]
    total = weighed.sum(axis=1, keepdims=True)
    return np.asarray(weighed / np.maximum(total, np.finfo(float).tiny))


def keys_of_pixels(
    posteriors: Posteriors,
    counts: NDArray[np.floating],
    priors: NDArray[np.float64],
    tree: AnswerTree,
    *,
    least: float = ANSWER_PROBABILITY,
) -> NDArray[np.int16]:
    """Return the finest answer of each pixel, as `keys_from_probabilities` does.

    Parameters
    ----------
    posteriors
        Under even priors, shape (...).
    counts
        Total counts, shape (...).
    priors
        The scan's, shape (class,).
    tree
        The classes and their series.
    least
        What an answer's summed probability must reach.

    Returns
    -------
    ndarray, shape (..., 4), int16
    """
    flat, totals = posteriors.reshaped(counts.size), counts.ravel()
    keys = np.full((counts.size, KEY_LENGTH), -1, dtype=np.int16)
    # Most pixels are of one class with probability enough, which three classes a pixel tell.
    best, sure = best_under_priors(flat, priors)
    alone = (sure >= least) & (totals <= NOISELESS_COUNTS)
    keys[alone, 0] = levels_of_classes(tree.labels)[best[alone]]
    keys[alone, 1] = best[alone]
    open_yet = np.flatnonzero(~alone)
    for first in range(0, open_yet.size, _CHUNK):
        chunk = open_yet[first : first + _CHUNK]
        part = Posteriors(
            flat.classes[chunk],
            flat.log_probabilities[chunk],
            flat.log_rest[chunk],
            flat.allowed,
        )
        said = probabilities_in_scan(
            probabilities=part.dense(priors.size), counts=totals[chunk], priors=priors
        )
        keys[chunk] = keys_from_probabilities(said, tree, allowed=flat.allowed, least=least)
    return keys.reshape(*counts.shape, KEY_LENGTH)
