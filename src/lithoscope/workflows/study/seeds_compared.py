"""Two ways at the same seeds, said in one sentence's end."""

from __future__ import annotations

from collections.abc import Sequence

from lithoscope.evaluation.paired_test import paired_t_test

SIGNIFICANT = 0.05


def points_between(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """What a paired test says of ours less theirs, in points.

    Parameters
    ----------
    ours, theirs
        Shares of the same seeds, two or more, shape (seed,).
    """
    test = paired_t_test(ours, theirs)
    says = "none shown"
    if test.p < SIGNIFICANT:
        says = "a gain" if test.mean > 0 else "a loss"
    return (
        f"{100 * test.mean:+.1f} ± {100 * test.deviation:.1f} points "
        f"({test.pairs} seeds, paired t-test, p = {test.p:.2g}): {says}."
    )
