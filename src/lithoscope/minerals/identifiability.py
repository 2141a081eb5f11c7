"""What can be told apart: the error of the best classifier, for every pair and any counts."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from lithoscope.errors import InvalidValueError, MineralError
from lithoscope.minerals.class_likelihood import (
    ClassModel,
    class_model_from_spectra,
    log_shares_from_spectra,
)

FloatArray = NDArray[np.float64]

# Counts at which errors are computed; between them they are interpolated.
COUNT_LEVELS = (30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
SEPARATE_ERROR = 0.05
# A pair is followed to higher counts until its error, or a bound of it, has fallen below this.
_SETTLED_ERROR = 0.02
# Counts at which the bound is taken: so few that the closest of a few dozen samples are close.
_SCREENING_COUNTS = 30


@dataclass(frozen=True, eq=False)
class SpectrumFamily:
    """Expected spectra of one mineral as it varies.

    Parameters
    ----------
    name
        The mineral.
    fitted
        Spectra of drawn compositions on the instrument as described, shape (sample, bin).
    responses
        Change of the logarithm of the shares for one standard deviation of each thing that is
        uncertain about the instrument, shape (response, bin).
    tested
        Spectra of other compositions on drawn instruments, shape (sample, bin).
    """

    name: str
    fitted: FloatArray
    responses: FloatArray
    tested: FloatArray

    def __post_init__(self) -> None:
        bins = {array.shape[-1] for array in (self.fitted, self.responses, self.tested)}
        if len(bins) != 1 or not len(self.fitted) or not len(self.tested):
            raise InvalidValueError(
                f"{self.name}: spectra of shapes {self.fitted.shape}, {self.responses.shape} and "
                f"{self.tested.shape}.",
                expected="at least one to fit and one to test, with the same bins",
            )


@dataclass(frozen=True, eq=False)
class PairErrors:
    """Error of the best classifier between two minerals, for all pairs and several counts.

    The error is the mean of both rates of misnaming: 0.5 is a coin flip. It never rises with the
    counts, since a classifier may leave counts unused.

    Parameters
    ----------
    names
        The minerals.
    counts
        Levels of counts, rising, shape (level,).
    errors
        Shape (level, mineral, mineral), symmetric, 0.5 on the diagonal.
    draws
        Spectra drawn of each mineral at each level.
    """

    names: tuple[str, ...]
    counts: FloatArray
    errors: FloatArray
    draws: int

    def __post_init__(self) -> None:
        if self.errors.shape != (len(self.counts), len(self.names), len(self.names)):
            raise InvalidValueError(
                f"Errors of shape {self.errors.shape}.",
                expected=f"({len(self.counts)}, {len(self.names)}, {len(self.names)})",
            )
        if not ((self.errors >= 0) & (self.errors <= 0.5)).all():
            raise InvalidValueError("Errors outside 0 to 0.5.", expected="misnamed shares")

    def at(self, counts: float) -> FloatArray:
        """Errors at some counts, interpolated in their logarithm, shape (mineral, mineral).

        Raises
        ------
        InvalidValueError
            If the counts lie outside the levels.
        """
        low, high = self.counts[0], self.counts[-1]
        if not low <= counts <= high:
            raise InvalidValueError(
                f"{counts:g} counts.", expected=f"{low:,.0f} to {high:,.0f} counts"
            )
        place = np.interp(np.log(counts), np.log(self.counts), np.arange(len(self.counts)))
        below = min(int(place), len(self.counts) - 2) if len(self.counts) > 1 else 0
        share = place - below
        if share == 0:
            return self.errors[below]
        return (1 - share) * self.errors[below] + share * self.errors[below + 1]

    def uncertainty(self, error: float) -> float:
        """Monte Carlo standard deviation of an error."""
        return float(np.sqrt(error * (1 - error) / (2 * self.draws)))

    def counts_needed(self, *, error: float = SEPARATE_ERROR) -> FloatArray:
        """Counts at which each pair's error has fallen to `error`, shape (mineral, mineral).

        The lowest level where it already is that low there, and infinity where it nowhere is.
        """
        needed = np.full(self.errors.shape[1:], np.inf)
        logs = np.log(self.counts)
        for level in range(len(self.counts) - 1, -1, -1):
            now = self.errors[level]
            needed = np.where(now <= error, self.counts[level], needed)
            if level:
                before = self.errors[level - 1]
                crossing = (before > error) & (now <= error)
                share = np.divide(before - error, before - now, where=crossing, out=0 * now)
                between = np.exp(logs[level - 1] + share * (logs[level] - logs[level - 1]))
                needed = np.where(crossing, between, needed)
        return needed

    def with_coin_flips(self, pairs: NDArray[np.bool_]) -> PairErrors:
        """Return the same with an error of 0.5 for some pairs, shape (mineral, mineral)."""
        return dataclasses.replace(self, errors=np.where(pairs, 0.5, self.errors))

    def index(self, name: str) -> int:
        """Return the place of a mineral.

        Raises
        ------
        MineralError
            If it is not among the names.
        """
        if name not in self.names:
            raise MineralError(f"'{name}' was not compared.", expected="one of the minerals given")
        return self.names.index(name)


def closest_members(families: Sequence[SpectrumFamily]) -> FloatArray:
    """Largest Bhattacharyya coefficient between spectra of each pair, shape (mineral, mineral).

    ``sum(sqrt(p q))`` to the power of the counts, halved, bounds the error between two fixed
    spectra from above (Kailath 1967, IEEE Trans. Commun. Technol. 15, 52).
    """
    roots = [np.exp(log_shares_from_spectra(spectra=family.tested) / 2) for family in families]
    stacked = np.concatenate(roots).astype(np.float32)
    starts = np.cumsum([0, *(len(root) for root in roots)][:-1])
    closest = np.empty((len(roots), len(roots)))
    for row, root in enumerate(roots):
        overlap = (root.astype(np.float32) @ stacked.T).max(axis=0)
        closest[row] = np.maximum.reduceat(overlap, starts)
    return np.minimum(closest, 1.0)


def pair_errors(
    families: Sequence[SpectrumFamily],
    *,
    counts: Sequence[float] = COUNT_LEVELS,
    draws: int = 128,
    seed: int = 0,
    pairs: NDArray[np.bool_] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PairErrors:
    """Measure how well the best classifier tells every pair of minerals apart.

    The classifier knows how compositions and instruments vary (`ClassModel`), never the
    composition and instrument at hand; it is tried on spectra that it was not made from. From
    level to level the errors are made to fall by isotonic regression (Barlow et al. 1972).

    Parameters
    ----------
    families
        The minerals' spectra.
    counts
        Levels of counts.
    draws
        Spectra drawn of each mineral at each level.
    seed
        Seed of the draws.
    pairs
        Pairs to look at, shape (mineral, mineral), symmetric; all when left out. The others
        get 0.
    progress
        Called with the levels done and in all.
    """
    levels = np.array(sorted(set(counts)), dtype=np.float64)
    models = [
        class_model_from_spectra(
            spectra=family.fitted, responses=family.responses, most_counts=levels[-1]
        )
        for family in families
    ]
    bounds = 0.5 * closest_members(families) ** min(levels[0], _SCREENING_COUNTS)
    if pairs is not None:
        bounds = np.where(pairs, bounds, 0.0)
    followed = np.triu(bounds > _SETTLED_ERROR, 1)
    measured = np.full((levels.size, *bounds.shape), np.nan)
    rng = np.random.default_rng(seed)
    for number, level in enumerate(levels):
        measured[number] = _errors_at(families, models, followed, round(level), draws, rng)
        followed &= measured[number] > _SETTLED_ERROR
        progress(number + 1, levels.size)
    errors = _falling(measured, np.triu(bounds, 1))
    errors += errors.transpose(0, 2, 1) + 0.5 * np.eye(len(families))
    return PairErrors(tuple(family.name for family in families), levels, errors, draws)


def _falling(measured: FloatArray, bounds: FloatArray) -> FloatArray:
    """Errors that never rise with the level; where none was measured, the bound or the last."""
    errors = np.repeat(bounds[None], len(measured), axis=0)
    for first, second in np.argwhere(np.isfinite(measured[0])):
        known = measured[:, first, second]
        known = known[np.isfinite(known)]
        # Worse than a coin is a coin: nobody is bound to follow the classifier.
        fallen = np.minimum(isotonic_regression(known, increasing=False).x, 0.5)
        errors[:, first, second] = fallen[-1]
        errors[: known.size, first, second] = fallen
    return errors


def _errors_at(
    families: Sequence[SpectrumFamily],
    models: Sequence[ClassModel],
    open_pairs: NDArray[np.bool_],
    counts: int,
    draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Errors of the open pairs, shape (mineral, mineral), upper triangle; NaN elsewhere."""
    linked = open_pairs | open_pairs.T
    drawn = {
        index: _drawn(families[index], counts, draws, rng)
        for index in np.flatnonzero(linked.any(axis=0)).tolist()
    }

    def under(model: int) -> FloatArray:
        """Log likelihoods under one class of what was drawn of it and of its rivals."""
        found = np.full((len(families), draws), np.nan)
        sources = np.flatnonzero(linked[model])
        if sources.size:
            sources = np.append(sources, model)
            stacked = np.concatenate([drawn[source] for source in sources.tolist()])
            likelihoods = models[model].felt_at(counts).log_likelihood(stacked)
            found[sources] = likelihoods.reshape(len(sources), draws)
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        likelihoods = np.array(list(pool.map(under, range(len(models)))))
    errors = np.full(open_pairs.shape, np.nan)
    for first, second in np.argwhere(open_pairs):
        margins = np.concatenate(
            [
                likelihoods[first, first] - likelihoods[second, first],
                likelihoods[second, second] - likelihoods[first, second],
            ]
        )
        errors[first, second] = np.mean((margins < 0) + 0.5 * (margins == 0))
    return errors


def _drawn(
    family: SpectrumFamily, counts: int, draws: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    rows = np.arange(draws) % len(family.tested)
    shares = family.tested[rows]
    return rng.multinomial(counts, shares / shares.sum(axis=1, keepdims=True))
