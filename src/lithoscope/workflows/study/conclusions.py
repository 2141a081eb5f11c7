"""Sentences drawn from numbers, by rules that the report states."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from lithoscope.evaluation.corruption_error import mean_corruption_error
from lithoscope.workflows.study.data_size import data_size_sentences
from lithoscope.workflows.study.phantom_blocks import map_sentences
from lithoscope.workflows.study.results import ArmResults, number_at, seeds_said, spread
from lithoscope.workflows.study.seeds_compared import SIGNIFICANT, points_between
from lithoscope.workflows.study.size import StudySize
from lithoscope.workflows.study.trust import trust_sentences

LEVEL_WANTED = 1_000.0
RULES = (
    "Two ways are compared by the share named right under the condition and at the level that the "
    "sentence names (1,000 counts, or the nearest there is). With two seeds or more of both, a "
    f"paired t-test over seeds decides: a difference is shown if p < {SIGNIFICANT}. With one seed, "
    "a difference is called larger than counting statistics only if it exceeds two standard errors "
    "of two binomial shares of the spectra tested; what another seed would have given is then not "
    "known, and nothing is shown."
)


def conclusions(results: ArmResults, size: StudySize) -> list[str]:
    """All sentences of an arm."""
    pairs = [results.arm.paired] if results.arm.paired else []
    pairs += results.arm.compared
    compared = {pair: list(_compared(results, *pair, size)) for pair in pairs}
    return [
        *(sentence for sentences in compared.values() for sentence in sentences),
        *_not_compared([pair for pair, sentences in compared.items() if not sentences]),
        *_below_best_possible(results),
        *_ledger(results),
        *_ledgers_compared(results),
        *_robust(results),
        *trust_sentences(results),
        *_gaps_compared(results, size),
        *map_sentences(results),
        *_more_spectra(results),
    ]


def _compared(results: ArmResults, first: str, second: str, size: StudySize) -> Iterator[str]:
    by_condition: dict[str, list[str]] = {}
    for condition, level in results.columns():
        by_condition.setdefault(condition, []).append(level)
    for condition in results.arm.compared_under:
        if condition in by_condition:
            level = _wanted_level(by_condition[condition])
            paired = _same_seeds(results, first, second, condition, level)
            if paired:
                about = f"{first} against {second}, {condition}, {float(level):,.0f} counts"
                yield f"{about}: {_difference(paired, size)}"


def _not_compared(pairs: list[tuple[str, str]]) -> Iterator[str]:
    if pairs:
        names = "; ".join(f"{first} against {second}" for first, second in pairs)
        yield f"Not compared for want of runs: {names}."


def _wanted_level(levels: Iterable[str]) -> str:
    return min(levels, key=lambda one: abs(math.log(float(one) / LEVEL_WANTED)))


def _difference(paired: list[tuple[float, float]], size: StudySize) -> str:
    ours, theirs = (list(values) for values in zip(*paired, strict=True))
    if len(paired) > 1:
        return points_between(ours, theirs)
    difference = ours[0] - theirs[0]
    error = math.sqrt(sum(share * (1 - share) / size.tested for share in (ours[0], theirs[0])))
    says = "larger than" if abs(difference) > 2 * error else "within"
    return (
        f"{100 * difference:+.1f} points (1 seed), {says} two standard errors of counting "
        f"({200 * error:.1f})."
    )


def _same_seeds(
    results: ArmResults, first: str, second: str, condition: str, level: str
) -> list[tuple[float, float]]:
    return _pairs(results, first, second, ("accuracy", condition, level))


def _pairs(
    results: ArmResults, first: str, second: str, keys: tuple[str, ...]
) -> list[tuple[float, float]]:
    by_seed = [
        {line.seed: number_at(line.result, keys) for line in results.lines.get(case, [])}
        for case in (first, second)
    ]
    seeds = sorted(by_seed[0].keys() & by_seed[1].keys())
    pairs = [(by_seed[0][seed], by_seed[1][seed]) for seed in seeds]
    return [(one, other) for one, other in pairs if one is not None and other is not None]


def _gaps_compared(results: ArmResults, size: StudySize) -> Iterator[str]:
    """Pairs where the widest range is missing."""
    for first, second in results.arm.compared:
        for condition in results.arm.compared_under:
            lines = results.lines.get(first, [])
            gaps = lines[0].result.get("missing ranges", {}).get(condition) if lines else None
            if gaps:
                level = _wanted_level(gaps)
                width = max(gaps[level], key=float)
                keys = ("missing ranges", condition, level, width)
                if paired := _pairs(results, first, second, keys):
                    yield (
                        f"{first} against {second}, {condition}, {float(level):,.0f} counts, "
                        f"{width} keV missing: {_difference(paired, size)}"
                    )


def _more_spectra(results: ArmResults) -> Iterator[str]:
    if columns := results.columns():
        yield from data_size_sentences(results, _wanted_level(level for _, level in columns))


def steps_of_ledger(results: ArmResults, case: str, level: str) -> dict[str, dict[int, float]]:
    """Mean share over materials at each step, by seed."""
    steps: dict[str, dict[int, float]] = {}
    for line in results.lines.get(case, []):
        for step, materials in line.result.get("carrying over", {}).items():
            shares = [shares[level] for shares in materials.values() if level in shares]
            if shares:
                steps.setdefault(step, {})[line.seed] = sum(shares) / len(shares)
    return steps


def _ledger(results: ArmResults) -> Iterator[str]:
    for case in results.lines:
        at_level = steps_of_ledger(results, case, f"{LEVEL_WANTED:g}")
        steps = {name: spread(list(by_seed.values())) for name, by_seed in at_level.items()}
        drops = [
            f"{materials} {100 * steps[own][0]:.1f} to {100 * steps[other][0]:.1f} % from own "
            f"simulation to {goal} ({100 * (steps[other][0] - steps[own][0]):+.1f} points)"
            for materials, goal in (("minerals", "XMI-MSIM"), ("elements", "measured"))
            if (own := f"{materials}, own simulation") in steps
            and (other := f"{materials}, {goal}") in steps
        ]
        if drops:
            yield f"{case}, {LEVEL_WANTED:,.0f} counts: {'; '.join(drops)}."


def _ledgers_compared(results: ArmResults) -> Iterator[str]:
    level = f"{LEVEL_WANTED:g}"
    for pair in results.arm.compared:
        first, second = (steps_of_ledger(results, case, level) for case in pair)
        for step in ("minerals, XMI-MSIM", "elements, measured"):
            ours, theirs = first.get(step, {}), second.get(step, {})
            seeds = sorted(ours.keys() & theirs.keys())
            if len(seeds) > 1:
                shares = [[found[seed] for seed in seeds] for found in (ours, theirs)]
                yield (
                    f"{pair[0]} against {pair[1]}, {step}, {LEVEL_WANTED:,.0f} counts: "
                    f"{points_between(*shares)}"
                )


def _below_best_possible(results: ArmResults) -> Iterator[str]:
    by_condition: dict[str, list[str]] = {}
    for condition, level in results.columns():
        by_condition.setdefault(condition, []).append(level)
    for condition, levels in by_condition.items():
        level = _wanted_level(levels)
        means = {
            case: spread(values)[0]
            for case in results.lines
            if (values := results.values(case, "accuracy", condition, level))
        }
        bracket = [
            value
            for case in results.lines
            for side in ("low", "high")
            for value in results.values(case, "ceiling", condition, level, side)
        ]
        if bracket and means:
            best = max(means, key=lambda case: means[case])
            low, high = min(bracket), max(bracket)
            possible = f"{100 * low:.1f}" + (f" to {100 * high:.1f}" if high > low else "")
            yield (
                f"Of {len(means)} ways under {condition} at {float(level):,.0f} counts, {best} is "
                f"best with {100 * means[best]:.1f} %; the best possible is {possible} %."
            )


def corruption_means(results: ArmResults, reference: str = "SAM") -> dict[str, list[float]]:
    """Mean corruption error of each case, one for each seed, in units of a case of the arm."""
    theirs = next(
        (line.result.get("corruption") for line in results.lines.get(reference, [])), None
    )
    if not theirs:
        return {}
    return {
        case: [
            mean_corruption_error(line.result["corruption"], theirs)
            for line in lines
            if "corruption" in line.result
        ]
        for case, lines in results.lines.items()
    }


def _robust(results: ArmResults) -> Iterator[str]:
    for case, values in corruption_means(results).items():
        if case != "SAM" and values:
            mean, deviation = spread(values)
            says = "fewer" if mean < 1 else "more"
            yield (
                f"{case}: mean corruption error {mean:.2f} ± {deviation:.2f} of SAM's "
                f"({seeds_said(len(values))}): {says} errors than SAM under distortions on average."
            )
