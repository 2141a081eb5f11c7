"""Smoothing where spectra are unsure, by a Potts model solved with mean field.

The probability of a map z, given the spectra, is

    P(z) ~ prod_i pi(z_i) p_i(z_i) * exp(strength * sum_ij w_ij [z_i = z_j])

with the likelihood p_i of each spectrum, the scan's priors pi and all pairs of neighbours among
eight (Besag 1986, Journal of the Royal Statistical Society B 48). Nothing else weighs a pixel's
own spectrum against its neighbours: a spectrum that is a hundred thousand times as likely of gold
as of all else stands against eight neighbours of quartz, one of few counts that is twice as likely
does not. Marginals are found by mean field (Zhang 1992, IEEE Transactions on Signal Processing 40),
all pixels at once and a fixed number of steps, so that a pixel depends on those within as many
pixels alone: bands of rows with margins of that width give the same map as the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import Posteriors
from lithoscope.inference.priors import ScanPriors, best_under_priors

# Chosen on phantoms of four rocks that no result is reported of (docs/maps.md).
STRENGTH, STEPS = 1.0, 8
# Numbers of a band held at a time, thrice as float32: some 100 MB.
_AT_ONCE = 8_000_000


def potts_smoothed(
    posteriors: Posteriors,
    priors: ScanPriors,
    *,
    void: NDArray[np.bool_],
    silent: NDArray[np.bool_] | None = None,
    strength: float = STRENGTH,
    steps: int = STEPS,
    rows_at_once: int | None = None,
) -> NDArray[np.int16]:
    """Return the most probable class of each pixel, given its spectrum and its neighbours.

    Parameters
    ----------
    posteriors
        Under even priors, shape (y, x).
    priors
        The scan's.
    void
        Pixels of no class, shape (y, x); they stay, and no neighbour heeds them.
    silent
        Pixels that no neighbour heeds, such as unknown ones, shape (y, x).
    strength
        How much a neighbour of the same class is worth, in nats (logarithm of a ratio of
        likelihoods); 0 leaves every pixel to its own spectrum.
    steps
        Steps of mean field, which is also how far pixels reach.
    rows_at_once
        Rows of a band; as many as memory allows when left out.

    Returns
    -------
    ndarray, shape (y, x)
    """
    _check(posteriors, void, strength, steps)
    speaks = ~void if silent is None else ~(void | silent)
    classes = classes_to_try(posteriors, priors, ~void)
    smoothed = np.full(posteriors.shape, VOID, dtype=np.int16)
    if not classes.size:
        return smoothed
    height, width = posteriors.shape
    rows = rows_at_once or max(1, _AT_ONCE // (width * classes.size) - 2 * steps)
    for first in range(0, height, rows):
        last = min(first + rows, height)
        found = potts_probabilities(
            posteriors, priors, classes, speaks, (first, last), strength=strength, steps=steps
        )
        smoothed[first:last] = classes[found.argmax(axis=2)]
    return np.where(void, np.int16(VOID), smoothed)


def potts_probabilities(
    posteriors: Posteriors,
    priors: ScanPriors,
    classes: NDArray[np.int16],
    speaks: NDArray[np.bool_],
    rows: tuple[int, int],
    *,
    strength: float = STRENGTH,
    steps: int = STEPS,
) -> NDArray[np.float32]:
    """Return the probability of each class in a band of rows, as the whole map would give it.

    Parameters
    ----------
    posteriors, priors
        Of the whole scan.
    classes
        From `classes_to_try`.
    speaks
        Pixels that neighbours heed, shape (y, x).
    rows
        First row of the band, and the one after its last.
    strength, steps
        As of `potts_smoothed`.

    Returns
    -------
    ndarray, shape (row, x, class)
    """
    first, last = rows
    top, bottom = max(0, first - steps), min(posteriors.shape[0], last + steps)
    found = _marginals(
        evidence_of_classes(posteriors.rows(top, bottom), priors, classes),
        np.ascontiguousarray(speaks[top:bottom]),
        strength,
        steps,
    )
    return found[first - top : last - top]


def _check(posteriors: Posteriors, void: NDArray[np.bool_], strength: float, steps: int) -> None:
    if len(posteriors.shape) != 2 or void.shape != posteriors.shape:
        raise InvalidValueError(
            f"Posteriors of shape {posteriors.shape}, a void mask of shape {void.shape}.",
            expected="the same shape (y, x)",
        )
    if not 0 <= strength < np.inf or steps < 1:
        raise InvalidValueError(
            f"Smoothing of strength {strength:g} in {steps} steps.",
            expected="a strength of 0 or more, and at least one step",
        )


def classes_to_try(
    posteriors: Posteriors, priors: ScanPriors, seen: NDArray[np.bool_]
) -> NDArray[np.int16]:
    """Classes that win somewhere, or that have a pixel's worth of the scan between them."""
    if not seen.any():
        return np.empty(0, np.int16)
    best, _ = best_under_priors(posteriors, priors.shares)
    frequent = np.flatnonzero(priors.shares * max(priors.pixels, 1) >= 1)
    return np.union1d(best[seen], frequent).astype(np.int16)


def evidence_of_classes(
    posteriors: Posteriors, priors: ScanPriors, classes: NDArray[np.int16]
) -> NDArray[np.float32]:
    """``log pi(k) p_i(k)`` of the classes to try, shape (y, x, class), C order."""
    logs = np.empty((*posteriors.shape, classes.size), dtype=np.float32)
    logs[...] = posteriors.log_rest[..., None]
    place = np.full(1 << 16, -1, dtype=np.int64)
    place[classes] = np.arange(classes.size)
    for rank in range(posteriors.kept):
        columns = place[posteriors.classes[..., rank]]
        y, x = np.nonzero(columns >= 0)
        logs[y, x, columns[y, x]] = posteriors.log_probabilities[y, x, rank]
    logs += np.log(np.maximum(priors.shares[classes], 1e-30)).astype(np.float32)
    return logs


def _marginals(
    evidence: NDArray[np.float32], speaks: NDArray[np.bool_], strength: float, steps: int
) -> NDArray[np.float32]:
    """Probabilities after some steps from those of the spectra alone, shape (y, x, class)."""
    from lithoscope.segmentation.mean_field import mean_field_step

    before, after = np.empty_like(evidence), np.zeros_like(evidence)
    mean_field_step(evidence, after, before, speaks, np.float32(0))
    for _ in range(steps):
        mean_field_step(evidence, before, after, speaks, np.float32(strength))
        before, after = after, before
    return before
