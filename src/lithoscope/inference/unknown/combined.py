"""The detector that a model uses: which scores it is made of, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.inference.unknown.base import Detector, Seen
from lithoscope.inference.unknown.exposure import Exposure
from lithoscope.models.unknown_parts import StoredDetector

# Of so many of known spectra scores are kept, as quantiles.
FALSE_ALARMS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_LEAST_STEP = 1e-6


def fit_scores(
    detector: Detector, known: Mapping[float, Seen], *, false_alarms: Sequence[float] = FALSE_ALARMS
) -> StoredDetector:
    """Score known spectra at each level of counts, and keep what shares of them exceed.

    Parameters
    ----------
    detector
        A fitted detector.
    known
        Known spectra that it was not fitted to, by total counts, increasing.
    false_alarms
        Shares, falling.
    """
    rows = []
    for seen in known.values():
        scores = detector.score(seen).double().numpy()
        rows.append(tuple(np.quantile(scores, 1 - np.array(false_alarms)).tolist()))
    return StoredDetector(
        arrays=detector.arrays(),
        counts=tuple(known),
        false_alarms=tuple(false_alarms),
        scores=tuple(rows),
        spectra=min(map(len, known.values())),
    )


class UnknownScorer:
    """Applies a stored detector.

    Parameters
    ----------
    stored
        What the model holds.
    """

    def __init__(self, stored: StoredDetector) -> None:
        self._stored = stored
        self._detector = Exposure.from_arrays(stored.arrays)

    def __call__(self, seen: Seen, totals: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return how strange each spectrum is, shape (spectrum,).

        Parameters
        ----------
        seen
            The spectra, with features and logits.
        totals
            Their total counts, shape (spectrum,).
        """
        with torch.inference_mode():
            scores = self._detector.score(seen).double().numpy()
        return strangeness_from_scores(scores=scores, totals=totals, stored=self._stored)


def strangeness_from_scores(
    *, scores: NDArray[np.floating], totals: NDArray[np.floating], stored: StoredDetector
) -> NDArray[np.float32]:
    """Turn scores into ``-log10`` of the share of known spectra of these counts that exceed them.

    So 2 is what one known spectrum in a hundred exceeds, at any number of counts. Between levels of
    counts the stored scores are interpolated over log counts, between shares over the logarithm of
    the share; beyond the least share the last step goes on.

    Parameters
    ----------
    scores, totals
        Of spectra, shape (spectrum,).
    stored
        How known spectra score.
    """
    table, steps = np.array(stored.scores), -np.log10(stored.false_alarms)
    place = np.interp(
        np.log(np.maximum(totals, 1.0)), np.log(stored.counts), np.arange(len(table), dtype=float)
    )
    below = np.minimum(np.floor(place).astype(np.intp), len(table) - 1)
    above = np.minimum(below + 1, len(table) - 1)
    share = (place - below)[:, None]
    rows = (1 - share) * table[below] + share * table[above]
    # Which step of its row a score stands on; the first and the last go on without end.
    first = np.clip((scores[:, None] >= rows).sum(axis=1) - 1, 0, len(steps) - 2)
    number = np.arange(len(scores))
    low, high = rows[number, first], rows[number, first + 1]
    within = (scores - low) / np.maximum(high - low, _LEAST_STEP)
    found = steps[first] + within * (steps[first + 1] - steps[first])
    return np.maximum(found, 0.0).astype(np.float32)
