"""Search for the typical ranges whose sampled compositions hold measured ones best.

A box of ranges is judged on draws of its own, always from the same random numbers: the loss is then
a smooth function of the bounds, and moves of one bound at a time find its minimum. `held_shares`,
which the library is checked with, has the last word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from library_chemistry import HELD_FROM, HELD_TO
from numpy.typing import NDArray
from scipy.special import expit

from lithoscope.core.elements import atomic_weight
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.minerals import sample_compositions
from lithoscope.minerals.measured import (
    analysed_elements,
    analysis_percent,
    is_sulfide,
    normalised_percent,
    oxide_factor,
    with_analytical_error,
)

Bounds = NDArray[np.float64]
SAMPLED = 1200
SWEEPS = 12
# Coverage to aim at, near the 0.9 that perfect ranges reach, and its weight beside a constituent
# held or not.
AIM, AIM_WEIGHT = 0.88, 1.0
# A typical range spans at least this share of the whole one, less only where it ends with it:
# nature's spread is never nothing, but a member can be typically absent.
LEAST_WIDTH, LEAST_AT_END = 0.1, 0.02
GRID = 0.005
# GEOROC's are volcanic; skarns and ores have nearly pure ones (Deer, Howie & Zussman 2013).
IDEAL_KEPT = ("diopside", "magnetite")


@dataclass(frozen=True)
class Judge:
    """Measured analyses of a mineral, and all that judging a box of ranges needs of it.

    The sampled range's ends are blurred by the share `blur` of it: with a dozen analyses a range
    would otherwise end just beyond one of them, by chance of the draw.
    """

    whole: Bounds
    percent_per_mole: NDArray[np.float64]
    traces_percent: NDArray[np.float64]
    drawn_from_whole: NDArray[np.float64]
    measured: NDArray[np.float64]
    seed: int
    blur: float
    kept_member: int | None = None

    @classmethod
    def of(cls, mineral: Mineral, analyses: NDArray[np.float64], seed: int, blur: float) -> Judge:
        rng = np.random.default_rng(seed)
        elements = analysed_elements(mineral)
        mass = {s: atomic_weight(s) for s in elements}
        factor = {s: 1.0 if is_sulfide(mineral) else oxide_factor(s) for s in elements}
        members = [parse_formula(formula) for formula in mineral.end_members]
        per_mole = [[m.get(s, 0.0) * mass[s] * factor[s] for s in elements] for m in members]
        wide = replace(mineral, typical={})
        bare = replace(wide, traces={})
        with_traces, without = (
            analysis_percent(mineral, sample_compositions(one, SAMPLED, np.random.default_rng(7)))
            for one in (wide, bare)
        )
        return cls(
            np.array([*mineral.end_members.values()]),
            np.array(per_mole),
            # What traces add, in percent of what is analysed; most entries have none that is.
            np.maximum(with_traces - without, 0),
            analysis_percent(mineral, sample_compositions(wide, SAMPLED // 9, rng)),
            normalised_percent(analyses),
            seed,
            blur,
            [*mineral.end_members].index(mineral.formula) if mineral.name in IDEAL_KEPT else None,
        )

    def allows(self, box: Bounds) -> bool:
        """Whether a box may be chosen; where the ideal formula is to be kept, only with it."""
        kept = self.kept_member
        if kept is not None and tightened(box)[kept, 1] < self.whole[kept, 1]:
            return False
        return is_allowed(box, self.whole)

    def seen(self, box: Bounds) -> NDArray[np.float64]:
        """Compositions as analyses see them: nine of ten drawn from the box, the tenth from all."""
        rng = np.random.default_rng(self.seed)
        drawn = normalised_percent(fractions_in(box, SAMPLED, rng) @ self.percent_per_mole)
        every = np.vstack([normalised_percent(drawn + self.traces_percent), self.drawn_from_whole])
        return with_analytical_error(every, rng)

    def loss(self, box: Bounds) -> float:
        """Constituents that are probably not held, and how far all are from the aim."""
        seen = self.seen(box)
        low, high = np.quantile(seen, [0.05, 0.95], axis=0)
        width = self.blur * (high - low) + 1e-9
        values = self.measured
        within = expit((values - low) / width) * expit((high - values) / width)
        counted = np.maximum(seen.mean(axis=0), values.mean(axis=0)) >= 1.0
        held = chance_of_count(within, HELD_FROM, HELD_TO)
        distance = np.abs(within.mean(axis=0) - AIM)
        return float((1 - held + AIM_WEIGHT * distance)[counted].sum())


def chance_of_count(chances: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Chance that of independent events, down the rows, a share of `low` to `high` happens."""
    n = len(chances)
    counts = np.zeros((n + 1, chances.shape[1]))
    counts[0] = 1.0
    for row in chances:
        counts[1:] = counts[1:] * (1 - row) + counts[:-1] * row
        counts[0] *= 1 - row
    shares = np.arange(n + 1) / n
    return counts[(shares >= low) & (shares <= high)].sum(axis=0)


def fractions_in(box: Bounds, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mole fractions as `sample_mole_fractions` draws them, all disjoint pairs at once.

    It is several times as fast for many end members, and what a search needs thousands of times.
    """
    low, high = box.T
    slack = high.sum() - low.sum()
    start = low + (high - low) * ((1 - low.sum()) / slack if slack > 0 else 0.0)
    fractions = np.tile(start[:, None], (1, n))
    members = len(box)
    # The circle method: every member meets every other once a sweep, half of them at a time.
    seats = [*range(members), *([-1] if members % 2 else [])]
    for _ in range(SWEEPS if members > 2 else 1):
        for _ in range(len(seats) - 1):
            half = len(seats) // 2
            pairs = zip(seats[:half], seats[: half - 1 : -1], strict=True)
            first, second = np.array([pair for pair in pairs if -1 not in pair]).T
            total = fractions[first] + fractions[second]
            least = np.maximum(low[first, None], total - high[second, None])
            most = np.minimum(high[first, None], total - low[second, None])
            fractions[first] = least + rng.random(total.shape) * (most - least)
            fractions[second] = total - fractions[first]
            seats = [seats[0], seats[-1], *seats[1:-1]]
    return fractions.T


def tightened(box: Bounds) -> Bounds:
    """What remains of each range once all sum to one."""
    low, high = box.T
    return np.column_stack(
        [np.maximum(low, 1 - high.sum() + high), np.minimum(high, 1 - low.sum() + low)]
    )


def is_allowed(box: Bounds, whole: Bounds) -> bool:
    """Whether a box can sum to one and no range in it has shrunk to nearly a point."""
    if box[:, 0].sum() > 1 or box[:, 1].sum() < 1:
        return False
    kept, widest = tightened(box), tightened(whole)
    at_end = (np.abs(kept - widest) < GRID).any(axis=1)
    span = np.ptp(widest, axis=1)
    # The widest range is the mineral's own: were it nothing, the rest would be too.
    at_end[np.argmax(span)] = False
    least = np.where(at_end, LEAST_AT_END, LEAST_WIDTH) * span
    return bool((np.ptp(kept, axis=1) >= least - 1e-9).all())


def on_grid(box: Bounds) -> Bounds:
    """Bounds rounded outwards to steps of a two-hundredth, as the library's files have them."""
    low, high = np.floor(box[:, 0] / GRID + 1e-6), np.ceil(box[:, 1] / GRID - 1e-6)
    return np.round(np.column_stack([low, high]) * GRID, 3) + 0.0


def best_box(judge: Judge, starts: list[Bounds], moves: int) -> Bounds:
    """Improve the best few of several boxes by moves of one or two bounds; return the best."""
    rng = np.random.default_rng(judge.seed)
    allowed = [box for box in starts if judge.allows(box)] or [judge.whole]
    ranked = sorted(allowed, key=judge.loss)[:3]
    ends = [_improved(judge, box, rng, moves // len(ranked)) for box in ranked]
    return min(ends, key=lambda end: end[1])[0]


def _improved(
    judge: Judge, box: Bounds, rng: np.random.Generator, moves: int
) -> tuple[Bounds, float]:
    """Walk downhill; a bound's step grows where moving it helped and shrinks where not."""
    loss = judge.loss(box)
    span = np.ptp(judge.whole, axis=1)
    steps = np.full(box.shape, 0.3)
    for _ in range(moves):
        tried = box.copy()
        changed = [(rng.integers(len(box)), rng.integers(2)) for _ in range(rng.integers(1, 3))]
        for member, side in changed:
            tried[member, side] += rng.normal() * steps[member, side] * span[member]
        tried = np.clip(on_grid(np.sort(tried, axis=1)), *judge.whole.T[..., None])
        better = judge.allows(tried) and (new := judge.loss(tried)) < loss
        for place in changed:
            steps[place] = np.clip(steps[place] * (1.5 if better else 0.93), 0.03, 0.5)
        if better:
            box, loss = tried, new
    return box, loss
