"""Fit the typical ranges of the library's end members to the measured analyses.

    python benchmarks/fit_typical.py --data /work/shared/data/chemistry/georoc_analyses.csv

Each analysis is taken apart into end members (bounded least squares within the entry's ranges);
their quantiles over all analyses are candidates for its typical ranges, and the best of several
widths is then moved bound by bound towards holding 87 % of each oxide's values, the middle of the
band that counts as held. Printed with the worst misfits of an element, in mole % of all that is
analysed: where they are large the entry lacks an end member. The fit and the check use the same
few analyses; with --half it is checked with those that had no part in the fit.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from library_chemistry import (
    HELD_FROM,
    HELD_TO,
    LEAST_ANALYSES,
    Analysis,
    own_values,
    read_analyses,
    sort_out,
)
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.special import expit

from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.errors import MineralError
from lithoscope.minerals import load_library
from lithoscope.minerals.measured import analysed_elements, held_shares, measured_columns

TAILS = (0.005, 0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16)
SAMPLED = 1000
# The middle of what counts as held; a step is no longer worth its time when nearer than this.
AIM, ENOUGH = 0.87, 0.05
BLUR = 0.03


def taken_apart(
    mineral: Mineral, analyses: list[Analysis]
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Mole fractions, shape (analysis, end member), and each element's mean misfit in mole %."""
    elements = analysed_elements(mineral)
    members = [parse_formula(formula) for formula in mineral.end_members]
    mixing = np.array([[member.get(symbol, 0.0) for member in members] for symbol in elements])
    low, high = np.array([*mineral.end_members.values()]).T
    high = np.maximum(high, low + 1e-9)
    size = mixing.sum(axis=0).mean()
    fractions, misfits = [], []
    for analysis in analyses:
        shares = np.array([analysis.atoms[symbol] for symbol in elements])
        shares *= size / shares.sum()
        # The last unknown scales the analysis to one formula.
        rows = np.vstack([np.column_stack([mixing, -shares]), 30 * np.ones(len(members) + 1)])
        rows[-1, -1] = 0.0
        target = np.append(np.zeros(len(elements)), 30.0)
        bounds = (np.append(low, 0.7), np.append(high, 1.4))
        found = lsq_linear(rows, target, bounds).x
        fractions.append(found[:-1])
        misfits.append((rows @ found)[:-1] / size * 100)
    return np.array(fractions), dict(zip(elements, np.mean(misfits, axis=0), strict=True))


def candidate(mineral: Mineral, fractions: NDArray[np.float64], tail: float) -> Mineral | None:
    """Return the mineral with quantiles as typical ranges, if they can sum to one."""
    typical = {}
    for (formula, (low, high)), values in zip(
        mineral.end_members.items(), fractions.T, strict=True
    ):
        lower, upper = np.quantile(values, [tail, 1 - tail])
        lower = max(low, np.floor(200 * lower) / 200)
        upper = min(high, np.ceil(200 * upper + 1e-9) / 200)
        typical[formula] = (round(float(lower), 3), round(float(max(lower, upper)), 3))
    try:
        return replace(mineral, typical=typical)
    except MineralError:
        return None


def loss(mineral: Mineral, measured: NDArray[np.float64]) -> tuple[int, float]:
    """How many constituents are not held, and how far their shares are from the aim.

    The shares of the second number blur the ends of the sampled range by a few percent of it: with
    a dozen analyses a range would otherwise end just beyond one of them, by chance of the draw.
    """
    held = held_shares(mineral, measured, np.random.default_rng(4), n_sampled=SAMPLED)
    columns = measured_columns(mineral, measured)
    missed, distance = 0, 0.0
    for one in held:
        width = BLUR * (one.high - one.low)
        values = columns[one.constituent]
        share = (expit((values - one.low) / width) * expit((one.high - values) / width)).mean()
        missed += not HELD_FROM <= one.share <= HELD_TO
        distance += abs(share - AIM) + 5 * max(abs(share - AIM) - 0.09, 0)
    return missed, missed + distance


def improved(
    mineral: Mineral, measured: NDArray[np.float64], rng: np.random.Generator, steps: int
) -> Mineral:
    """Move one or two bounds of the typical ranges at a time while the loss falls."""
    best, best_loss = mineral, loss(mineral, measured)
    formulas = list(mineral.end_members)
    for _ in range(steps):
        if not best_loss[0] and best_loss[1] < ENOUGH * len(measured[0]):
            break
        typical = best.typical_ranges
        scale = rng.choice([0.05, 0.15, 0.4])
        for formula in rng.choice(formulas, size=rng.integers(1, 3)):
            lowest, highest = mineral.end_members[formula]
            moved = np.array(typical[formula])
            moved[rng.integers(2)] += rng.normal(scale=scale * (highest - lowest))
            low, high = np.sort(np.clip(np.round(moved * 200) / 200, lowest, highest)) + 0.0
            typical[formula] = (float(low), float(high))
        try:
            tried = replace(best, typical=typical)
        except MineralError:
            continue
        if (tried_loss := loss(tried, measured))[1] < best_loss[1]:
            best, best_loss = tried, tried_loss
    return best


def fitted(mineral: Mineral, analyses: list[Analysis], steps: int) -> Mineral:
    """Return the mineral with typical ranges that hold these analyses best."""
    measured = np.array([own_values(mineral, analysis) for analysis in analyses])
    fractions, _ = taken_apart(mineral, analyses)
    tried = [candidate(mineral, fractions, tail) for tail in TAILS]
    starts = filter(None, [mineral, replace(mineral, typical={}), *tried])
    best = min(starts, key=lambda one: loss(one, measured)[1])
    return improved(best, measured, np.random.default_rng(1), steps)


def fit_half(mineral: Mineral, analyses: list[Analysis], steps: int) -> float:
    """Coverage of every second analysis by ranges fitted to the others alone."""
    rest = np.array([own_values(mineral, analysis) for analysis in analyses[1::2]])
    blank = replace(mineral, typical={})
    held = held_shares(fitted(blank, analyses[::2], steps), rest, np.random.default_rng(5))
    return float(np.mean([one.share for one in held]))


def show_fit(mineral: Mineral, analyses: list[Analysis], steps: int) -> None:
    """Print a mineral's ranges as the library's files take them, and what they reach."""
    measured = np.array([own_values(mineral, analysis) for analysis in analyses])
    best = fitted(mineral, analyses, steps)
    _, misfit = taken_apart(mineral, analyses)
    worst = sorted(misfit, key=lambda symbol: -abs(misfit[symbol]))[:3]
    missed = [loss(one, measured)[0] for one in (mineral, best)]
    print(f"# {mineral.name}: {missed[0]} -> {missed[1]} not held, misfit", end=" ")
    print(", ".join(f"{symbol} {misfit[symbol]:+.1f}" for symbol in worst))
    if best.typical:
        print(f"{mineral.name}:")
        for formula, (low, high) in best.typical.items():
            print(f"    {formula}: [{low:g}, {high:g}]", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="georoc_analyses.csv")
    parser.add_argument("--only", default="", help="names of minerals, by commas")
    parser.add_argument("--steps", type=int, default=400, help="moves tried for each mineral")
    parser.add_argument(
        "--half", action="store_true", help="fit to half of the analyses, check with the others"
    )
    args = parser.parse_args()
    chosen = [name for name in args.only.split(",") if name]
    kept, _ = sort_out(read_analyses(args.data))
    least = 2 * LEAST_ANALYSES if args.half else LEAST_ANALYSES
    shares = []
    for name in sorted(kept):
        mineral, analyses = load_library().get(name), kept[name]
        if len(analyses) < least or len(mineral.end_members) < 2:
            continue
        if chosen and name not in chosen:
            continue
        if args.half:
            shares.append(fit_half(mineral, analyses, args.steps))
            print(f"{name}: {shares[-1]:.2f} of the analyses left out", flush=True)
        else:
            show_fit(mineral, analyses, args.steps)
    if shares:
        print(f"{len(shares)} minerals, {np.mean(shares):.3f} of what was left out is held")


if __name__ == "__main__":
    main()
