"""Fit the typical ranges of the library's end members to the measured analyses.

    python benchmarks/fit_typical.py --data /work/shared/data/chemistry/georoc_analyses.csv

Each analysis is taken apart into end members (bounded least squares within the entry's ranges);
their quantiles over all analyses are candidates for its typical ranges, and the best of several
widths are then moved bound by bound (`typical_search.py`). Printed with the worst misfits of an
element, in mole % of all that is
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
from typical_search import AIM, LEAST_WIDTH, Bounds, Judge, best_box, on_grid, tightened

from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.minerals import load_library
from lithoscope.minerals.measured import analysed_elements, held_shares

# Seed and blur of each search.
SEARCHES = ((1, 0.03), (2, 0.03), (3, 0.015), (4, 0.015))
WIDENED = (1.15, 1.35)
TAILS = (0.005, 0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16)


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


def whole_of(mineral: Mineral) -> Bounds:
    return np.array([*mineral.end_members.values()])


def candidates(mineral: Mineral, fractions: NDArray[np.float64]) -> list[Bounds]:
    """Return boxes to start a search from: present, widest, and quantiles of the analyses."""
    whole = whole_of(mineral)
    boxes = [np.array([*mineral.typical_ranges.values()]), whole]
    least = LEAST_WIDTH * np.ptp(whole, axis=1, keepdims=True)
    for tail in TAILS:
        box = np.quantile(fractions, [tail, 1 - tail], axis=0).T
        missing = np.maximum(least - np.ptp(box, axis=1, keepdims=True), 0)
        boxes.append(np.clip(on_grid(box + missing * [-0.5, 0.5]), *whole.T[..., None]))
    return boxes


def fitted(mineral: Mineral, analyses: list[Analysis], moves: int) -> Mineral:
    """Return the mineral with typical ranges that hold these analyses best.

    Of the searches' ends and the ranges it has, what `held_shares` finds best.
    """
    measured = np.array([own_values(mineral, analysis) for analysis in analyses])
    starts = candidates(mineral, taken_apart(mineral, analyses)[0])
    judges = [Judge.of(mineral, measured, seed, blur) for seed, blur in SEARCHES]
    boxes = [tightened(best_box(judge, starts, moves)) for judge in judges]
    tried = [
        with_typical(mineral, np.clip(on_grid(box), *whole_of(mineral).T[..., None]))
        for box in boxes
    ]
    if mineral.typical and judges[0].allows(starts[0]):
        tried.append(mineral)
    return widened(min(tried, key=lambda one: standing(one, measured)), measured)


def widened(mineral: Mineral, measured: NDArray[np.float64]) -> Mineral:
    """Spread the typical ranges where that holds as much and brings coverage nearer the aim.

    Ranges fitted to so few analyses end too close about them.
    """
    box = np.array([*mineral.typical_ranges.values()])
    middle = box.mean(axis=1, keepdims=True)
    spread = [on_grid(middle + factor * (box - middle)) for factor in WIDENED]
    whole = whole_of(mineral).T[..., None]
    tried = [mineral, *(with_typical(mineral, np.clip(wide, *whole)) for wide in spread)]
    return min(tried, key=lambda one: standing(one, measured))


def with_typical(mineral: Mineral, box: Bounds) -> Mineral:
    pairs = zip(mineral.end_members, box.tolist(), strict=True)
    return replace(mineral, typical={formula: (low, high) for formula, (low, high) in pairs})


def standing(mineral: Mineral, measured: NDArray[np.float64]) -> tuple[float, float]:
    """Constituents that are not held, and distance of coverage from the aim; over some draws."""
    draws = [not_held(mineral, measured, seed) for seed in (4, 5, 6)]
    missed, within = np.mean(draws, axis=0)
    return float(missed), abs(float(within) - AIM)


def not_held(mineral: Mineral, measured: NDArray[np.float64], seed: int = 4) -> tuple[int, float]:
    """How many constituents are not held, and the share of all values that are within."""
    held = held_shares(mineral, measured, np.random.default_rng(seed))
    missed = sum(not HELD_FROM <= one.share <= HELD_TO for one in held)
    return missed, float(np.mean([one.share for one in held]))


def fit_half(mineral: Mineral, analyses: list[Analysis], moves: int) -> float:
    """Coverage of every second analysis by ranges fitted to the others alone."""
    rest = np.array([own_values(mineral, analysis) for analysis in analyses[1::2]])
    blank = replace(mineral, typical={})
    held = held_shares(fitted(blank, analyses[::2], moves), rest, np.random.default_rng(5))
    return float(np.mean([one.share for one in held]))


def show_fit(mineral: Mineral, analyses: list[Analysis], moves: int) -> None:
    """Print a mineral's ranges as the library's files take them, and what they reach."""
    measured = np.array([own_values(mineral, analysis) for analysis in analyses])
    best = fitted(mineral, analyses, moves)
    _, misfit = taken_apart(mineral, analyses)
    worst = sorted(misfit, key=lambda symbol: -abs(misfit[symbol]))[:3]
    before, after = not_held(mineral, measured), not_held(best, measured)
    print(f"# {mineral.name}: {before[0]} -> {after[0]} not held,", end=" ")
    print(f"{before[1]:.2f} -> {after[1]:.2f} of values within, misfit", end=" ")
    print(", ".join(f"{symbol} {misfit[symbol]:+.1f}" for symbol in worst))
    print(f"{mineral.name}:")
    for formula, (low, high) in best.typical.items():
        print(f"    {formula}: [{low:g}, {high:g}]", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="georoc_analyses.csv")
    parser.add_argument("--only", default="", help="names of minerals, by commas")
    parser.add_argument("--moves", type=int, default=900, help="moves tried for each mineral")
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
            shares.append(fit_half(mineral, analyses, args.moves))
            print(f"{name}: {shares[-1]:.2f} of the analyses left out", flush=True)
        else:
            show_fit(mineral, analyses, args.moves)
    if shares:
        print(f"{len(shares)} minerals, {np.mean(shares):.3f} of what was left out is held")


if __name__ == "__main__":
    main()
