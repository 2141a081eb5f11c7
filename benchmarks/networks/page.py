"""The page of results."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.networks.spectra import CONDITIONS, EACH_CLASS, LEVELS, Size
from benchmarks.physics.tables import table
from benchmarks.preprocessing.results import Results

_OPENING = """\
# Networks and classical baselines

Written by `python -m benchmarks.networks -o docs`; do not edit. Measured on Lithoscope's own
simulation alone (M4 Tornado, the shipped model's {classes} classes), on compositions and machines
that nothing was fitted to; not on measured spectra. `ideal` is single thick minerals on the machine
as described, with counting noise; `realistic` has every distortion at severity 2, mixtures among
them. What stands under a condition was fitted under it and tested under it.

Networks were trained on {spectra:,} spectra, each seen once, a twentieth of what the shipped model
saw, so that all can be compared; with more, their order may be another. Learners were fitted to
{each} spectra of each class of the same stream; templates are 16 expected spectra of a class (their
mean for NNLS). Share named right in %, by total counts; mean and standard deviation over seeds
(their number in the second column), of {tested:,} spectra a level (2 000 for NNLS). Fits ran
beside other work and some were paused: the fastest one stands there.
"""
_KEYS = [f"{level:g}" for level in LEVELS]


def page(results: Results, size: Size, classes: int) -> str:
    opening = _OPENING.format(
        classes=classes, spectra=size.spectra, tested=size.tested, each=EACH_CLASS
    )
    parts = [part for name in CONDITIONS for part in _condition(results, size, name)]
    return "\n".join([opening, *parts])


def _condition(results: Results, size: Size, condition: str) -> Iterator[str]:
    rows = {
        **results.of(f"networks, {condition}", size.key()),
        **results.of(f"baselines, {condition}", size.key()),
    }
    if not rows:
        return
    ordered = sorted(rows.items(), key=lambda item: -_mean(item[1], "1000"))
    ceilings = results.of(f"ceiling, {condition}", size.key())
    yield f"## {condition.capitalize()}\n"
    yield table(
        ["", "seeds", *(f"{level:,.0f}" for level in LEVELS), "fitted to", "fastest fit, s"],
        [
            *(_ceiling(found[-1]) for found in ceilings.values()),
            *(
                [
                    case,
                    str(len(found)),
                    *(_share([row["accuracy"][level] for row in found]) for level in _KEYS),
                    f"{found[0]['fitted_to']:,}",
                    f"{min(row['fitted_s'] for row in found):,.0f}",
                ]
                for case, found in ordered
            ),
        ],
    )
    for found in ceilings.values():
        yield _about(found[-1])


def _ceiling(row: dict[str, Any]) -> list[str]:
    return ["**the best possible**", "", *(_bracket(row, level) for level in _KEYS), "", ""]


def _bracket(row: dict[str, Any], level: str) -> str:
    low, high = 100 * row["estimates"][level][-1], 100 * row["upper"][level]
    return f"{low:.1f}" if row["converged"][level] else f"{low:.1f} to {high:.1f}"


def _about(row: dict[str, Any]) -> str:
    steps = "; ".join(
        f"{float(level):,.0f} counts: "
        + ", ".join(f"{100 * share:.1f}" for share in row["estimates"][level])
        + f", mean largest posterior {100 * row['mean_posterior'][level]:.1f}"
        for level in _KEYS
    )
    return (
        f"The best that any classifier could do, on {row['tested']:,} of the spectra: the "
        f"posterior under the generator over {row['templates']} templates of a class. A range is a "
        "bracket, without and with the draw's own spectrum among them, where templates do not "
        f"suffice. With a quarter, half and all of the templates, in %: {steps}.\n"
    )


def _mean(found: list[dict[str, Any]], level: str) -> float:
    return statistics.fmean(row["accuracy"][level] for row in found)


def _share(values: list[float]) -> str:
    shares = [100 * value for value in values]
    spread = f" ± {statistics.stdev(shares):.1f}" if len(shares) > 1 else ""
    return f"{statistics.fmean(shares):.1f}{spread}"
