"""Sentences drawn from numbers, by rules that the report states."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lithoscope.evaluation.corruption_error import mean_corruption_error
from lithoscope.evaluation.paired_test import paired_t_test
from lithoscope.workflows.study.results import ArmResults, number_at, spread
from lithoscope.workflows.study.size import StudySize
from lithoscope.workflows.study.trust import trust_sentences

LEVEL_WANTED = 1_000.0
SIGNIFICANT = 0.05
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
    compared = [_compared(results, *pair, size) for pair in (*pairs, *results.arm.compared)]
    found = [sentence for sentences in compared for sentence in sentences]
    return [*found, *_ledger(results), *_robust(results), *trust_sentences(results)]


def _compared(results: ArmResults, first: str, second: str, size: StudySize) -> Iterator[str]:
    by_condition: dict[str, list[str]] = {}
    for condition, level in results.columns():
        by_condition.setdefault(condition, []).append(level)
    for condition in results.arm.compared_under:
        if condition not in by_condition:
            continue
        level = min(
            by_condition[condition], key=lambda one: abs(math.log(float(one) / LEVEL_WANTED))
        )
        yield _sentence(results, first, second, condition, level, size)


def _sentence(
    results: ArmResults, first: str, second: str, condition: str, level: str, size: StudySize
) -> str:
    paired = _same_seeds(results, first, second, condition, level)
    about = f"{first} against {second}, {condition}, {float(level):,.0f} counts"
    if not paired:
        return f"{about}: nothing to compare."
    ours, theirs = (list(values) for values in zip(*paired, strict=True))
    if len(paired) > 1:
        test = paired_t_test(ours, theirs)
        says = "none shown"
        if test.p < SIGNIFICANT:
            says = "a gain" if test.mean > 0 else "a loss"
        return (
            f"{about}: {100 * test.mean:+.1f} ± {100 * test.deviation:.1f} points "
            f"({test.pairs} seeds, paired t-test, p = {test.p:.2g}): {says}."
        )
    difference = ours[0] - theirs[0]
    error = math.sqrt(sum(share * (1 - share) / size.tested for share in (ours[0], theirs[0])))
    says = "larger than" if abs(difference) > 2 * error else "within"
    return (
        f"{about}: {100 * difference:+.1f} points (1 seed), {says} two standard errors of counting "
        f"({200 * error:.1f})."
    )


def _same_seeds(
    results: ArmResults, first: str, second: str, condition: str, level: str
) -> list[tuple[float, float]]:
    keys = ("accuracy", condition, level)
    by_seed = [
        {line.seed: number_at(line.result, keys) for line in results.lines.get(case, [])}
        for case in (first, second)
    ]
    seeds = sorted(by_seed[0].keys() & by_seed[1].keys())
    pairs = [(by_seed[0][seed], by_seed[1][seed]) for seed in seeds]
    return [(one, other) for one, other in pairs if one is not None and other is not None]


def steps_of_ledger(results: ArmResults, case: str, level: str) -> dict[str, list[float]]:
    """Mean share over materials at each step, one for each seed."""
    steps: dict[str, list[float]] = {}
    for line in results.lines.get(case, []):
        for step, materials in line.result.get("carrying over", {}).items():
            shares = [shares[level] for shares in materials.values() if level in shares]
            if shares:
                steps.setdefault(step, []).append(sum(shares) / len(shares))
    return steps


def _ledger(results: ArmResults) -> Iterator[str]:
    for case in results.lines:
        steps = {name: spread(values) for name, values in _at_level(results, case).items()}
        for own, other in (
            ("minerals, own simulation", "minerals, XMI-MSIM"),
            ("elements, own simulation", "elements, measured"),
        ):
            if own in steps and other in steps:
                yield (
                    f"{case}: from {own} to {other.split(', ')[1]}, 1,000 counts: "
                    f"{100 * steps[own][0]:.1f} to {100 * steps[other][0]:.1f} %, "
                    f"{100 * (steps[other][0] - steps[own][0]):+.1f} points."
                )


def _at_level(results: ArmResults, case: str) -> dict[str, list[float]]:
    return steps_of_ledger(results, case, f"{LEVEL_WANTED:g}")


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
                f"({len(values)} seeds): {says} errors than SAM under distortions on average."
            )
