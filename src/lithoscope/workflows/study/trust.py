"""Sentences on whether confidence can be believed, and on what is unknown, drawn by rule."""

from __future__ import annotations

from collections.abc import Iterator

from lithoscope.evaluation.paired_test import paired_t_test
from lithoscope.workflows.study.results import ArmResults, spread
from lithoscope.workflows.study.seeds_compared import SIGNIFICANT
from lithoscope.workflows.study.unknown_blocks import mean_aurocs
from lithoscope.workflows.study.unknowns import LEFT_OUT

TRUST_RULES = (
    "Temperature: calibration errors of each seed are averaged over counts; they are called lower "
    "or higher after scaling if a paired t-test over two seeds or more gives "
    f"p < {SIGNIFICANT}, and no change is shown otherwise. The unknown: the best score is that of "
    "the highest AUROC on minerals left out, averaged over counts and seeds; it is called better "
    "than the next by the same test. It is chosen by the numbers that are told of it, so that "
    "others of nearly the same AUROC may be as good. One seed shows nothing."
)


def trust_sentences(results: ArmResults) -> list[str]:
    """All sentences of an arm that the rules of `TRUST_RULES` give."""
    return [*_temperature(results), *_best_detector(results)]


def _temperature(results: ArmResults) -> Iterator[str]:
    for case in results.lines:
        conditions = [
            condition
            for line in results.lines[case]
            for condition in line.result.get("calibration", {})
        ]
        for condition in dict.fromkeys(conditions):
            pairs = _calibration_errors(results, case, condition)
            if pairs:
                raw, scaled = (list(values) for values in zip(*pairs, strict=True))
                yield (
                    f"{case}, {condition}: temperature scaling takes the calibration error from "
                    f"{spread(raw)[0]:.3f} to {spread(scaled)[0]:.3f}, the mean over counts "
                    f"({_change(scaled, raw, 'lower', 'higher')})."
                )


def _calibration_errors(
    results: ArmResults, case: str, condition: str
) -> list[tuple[float, float]]:
    """Mean error over levels before and after scaling, of each seed that has both."""
    found = []
    for line in results.lines[case]:
        levels = line.result.get("calibration", {}).get(condition, {}).values()
        both = [(one["ece"], one["ece_scaled"]) for one in levels if "ece_scaled" in one]
        if both:
            raw, scaled = zip(*both, strict=True)
            found.append((sum(raw) / len(both), sum(scaled) / len(both)))
    return found


def _best_detector(results: ArmResults) -> Iterator[str]:
    for case, lines in results.lines.items():
        conditions = [one for line in lines for one in line.result.get("unknown", {})]
        for condition in dict.fromkeys(conditions):
            aurocs = mean_aurocs(results, case, condition, LEFT_OUT)
            ranked = sorted(aurocs, key=lambda name: -spread(aurocs[name])[0])
            if len(ranked) > 1:
                first, second = (aurocs[name] for name in ranked[:2])
                yield (
                    f"{case}, {condition}: minerals left out are told best by {ranked[0]}, with a "
                    f"mean AUROC of {spread(first)[0]:.3f}, next by {ranked[1]} with "
                    f"{spread(second)[0]:.3f} ({_change(first, second, 'worse', 'better')})."
                )


def _change(ours: list[float], theirs: list[float], less: str, more: str) -> str:
    """What a paired test says of ours against theirs."""
    if len(ours) != len(theirs) or len(ours) < 2:
        return "1 seed, nothing shown" if len(ours) == 1 else "seeds differ, nothing shown"
    test = paired_t_test(ours, theirs)
    says = "none shown"
    if test.p < SIGNIFICANT:
        says = less if test.mean < 0 else more
    return f"{test.pairs} seeds, paired t-test, p = {test.p:.2g}: {says}"
