"""What a score means: how many known spectra of these counts exceed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.unknown.base import Detector, Seen
from lithoscope.models.unknown_parts import StoredDetector, in_stored_precision

# Of so many of known spectra scores are kept, as quantiles.
FALSE_ALARMS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_LEAST_STEP = 1e-6


def stored_detector(detector: Detector, known: Mapping[float, Seen]) -> StoredDetector:
    """Score known spectra at each level of counts, and keep what shares of them exceed.

    Parameters
    ----------
    detector
        A fitted detector; it is stored, and scores here already, in the precision of files.
    known
        Known spectra that it was not fitted to, by total counts, increasing.
    """
    arrays = {name: in_stored_precision(values) for name, values in detector.arrays().items()}
    rounded = type(detector).from_arrays(arrays)
    rows = [
        np.quantile(rounded.score(seen).double().numpy(), 1 - np.array(FALSE_ALARMS))
        for seen in known.values()
    ]
    return StoredDetector(
        arrays=arrays,
        counts=tuple(known),
        false_alarms=FALSE_ALARMS,
        scores=tuple(tuple(row.tolist()) for row in rows),
        spectra=min(map(len, known.values())),
    )


def strangeness_from_scores(
    *,
    scores: NDArray[np.floating],
    totals: NDArray[np.floating],
    log_counts: NDArray[np.floating],
    table: NDArray[np.floating],
    false_alarms: Sequence[float],
) -> NDArray[np.float32]:
    """Turn scores into ``-log10`` of the share of known spectra of these counts that exceed them.

    So 2 is what one known spectrum in a hundred exceeds, at any number of counts. Between levels of
    counts the table is interpolated over log counts, between shares over the logarithm of the
    share; beyond the least share the last step goes on.

    Parameters
    ----------
    scores, totals
        Of spectra, and their total counts, shape (spectrum,).
    log_counts
        Natural logarithm of the levels, increasing, shape (level,).
    table
        What each share of known spectra exceeds, shape (level, share).
    false_alarms
        The shares, falling.
    """
    steps = -np.log10(false_alarms)
    levels = np.arange(len(table), dtype=float)
    place = np.interp(np.log(np.maximum(totals, 1.0)), log_counts, levels)
    below = np.floor(place).astype(np.intp)
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
