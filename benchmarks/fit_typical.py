"""Fit the typical ranges of the library's end members to the measured analyses.

    python benchmarks/fit_typical.py --data /work/shared/data/chemistry/georoc_analyses.csv

Each analysis is taken apart into end members (bounded least squares within the entry's ranges);
their quantiles over all analyses are candidates for its typical ranges, and the best of several
widths is then improved bound by bound while that holds more oxides. Printed with the worst misfits
of an element, in mole % of all that is analysed: where they are large the entry lacks an end
member. The fit and the check use the same few analyses; what it shows is that the ranges can be
right, not that they are right elsewhere.
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

from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.errors import MineralError
from lithoscope.minerals import load_library
from lithoscope.minerals.measured import analysed_elements, held_shares

TAILS = (0.005, 0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16)
STEPS = 200


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


def score(mineral: Mineral, measured: list[list[float]]) -> tuple[int, float, int]:
    """How many constituents are held, how near the shares are to 0.9, and of how many."""
    held = held_shares(mineral, measured, np.random.default_rng(4), n_sampled=1500)
    shares = np.array([one.share for one in held])
    within = int(((shares >= HELD_FROM) & (shares <= HELD_TO)).sum())
    return within, -float(np.abs(shares - 0.88).sum()), len(held)


def improved(mineral: Mineral, measured: list[list[float]], rng: np.random.Generator) -> Mineral:
    """Move one bound of one typical range at a time while the score rises."""
    best, best_score = mineral, score(mineral, measured)
    ranges = mineral.typical_ranges
    for _ in range(STEPS):
        if best_score[0] == best_score[2]:
            break
        formula = str(rng.choice(list(ranges)))
        lowest, highest = mineral.end_members[formula]
        moved = np.array(best.typical_ranges[formula])
        moved[rng.integers(2)] += rng.normal(scale=0.15 * (highest - lowest))
        low, high = np.round(np.clip(moved, lowest, highest) * 200) / 200
        if low > high:
            continue
        try:
            tried = replace(best, typical=best.typical_ranges | {formula: (low, high)})
        except MineralError:
            continue
        if (tried_score := score(tried, measured)) > best_score:
            best, best_score = tried, tried_score
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="georoc_analyses.csv")
    parser.add_argument("--only", default="", help="names of minerals, by commas")
    args = parser.parse_args()
    chosen = [name for name in args.only.split(",") if name]
    kept, _ = sort_out(read_analyses(args.data))
    library = load_library()
    for name in sorted(kept):
        mineral, analyses = library.get(name), kept[name]
        if len(analyses) < LEAST_ANALYSES or len(mineral.end_members) < 2:
            continue
        if chosen and name not in chosen:
            continue
        measured = [own_values(mineral, analysis) for analysis in analyses]
        fractions, misfit = taken_apart(mineral, analyses)
        tried = [candidate(mineral, fractions, tail) for tail in TAILS]
        before = score(mineral, measured)
        best = max(
            filter(None, [mineral, replace(mineral, typical={}), *tried]),
            key=lambda one: score(one, measured),
        )
        best = improved(best, measured, np.random.default_rng(1))
        after = score(best, measured)
        worst = sorted(misfit, key=lambda symbol: -abs(misfit[symbol]))[:3]
        print(f"# {name}: {before[0]} -> {after[0]} of {after[2]}, misfit", end=" ", flush=True)
        print(", ".join(f"{symbol} {misfit[symbol]:+.1f}" for symbol in worst))
        if best.typical:
            print(f"{name}:")
            for formula, (low, high) in best.typical.items():
                print(f"    {formula}: [{low:g}, {high:g}]")


if __name__ == "__main__":
    main()
