"""The page of results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.line_intensities.measure import (
    ABSENT,
    LEVELS,
    OF_OVERLAPS,
    OVERLAP_LEVELS,
    OVERLAPS,
    SPECTRA,
    TESTED,
    THERE,
)
from benchmarks.physics.tables import percent, table

Row = dict[str, Any]
_METHODS = ("cnn-lines", "NNLS, all elements", "NNLS, elements known")
_CONDITIONS = {
    "poisson": "`poisson`: the ideal M4 Tornado, for which the templates of the fits were made; "
    "counting noise alone",
    "realistic": "`realistic` without thin grains and rough surfaces: drawn machines, calibration "
    "errors, mixtures, foreign elements, Bragg peaks, pile-up; the fits keep the ideal templates "
    "and axis",
}
_OPENING = """\
# Line intensities

Written by `python -m benchmarks.line_intensities`; do not edit. Everything here is measured on
Lithoscope's own simulation of the whole library (M4 Tornado), on compositions and machines that
were not trained on; nothing on measured spectra.

The net counts of a group of lines (an element's K, L or M lines) are the counts that its photons
give on the model's axis: peaks, tails, shelf and escape peaks. The simulation knows their
expectation, and that is the truth here. `cnn-lines` ({groups} groups) was trained on {spectra:,}
spectra, seed {seed}, in {minutes:.0f} minutes on one thread of a busy machine, under the second
condition below. NNLS is weighted least squares without negative intensities, with templates of
pure elements in the exact response of the ideal instrument and the scatter of twelve
elements as background: once with all groups but the anode's, as the network must choose among
all, and once told which groups are there, which no analyst knows so well. All see the same spectra,
seed {test_seed}.
"""
_HOW_TO_READ = f"""\
Errors of groups that are there ({THERE:g} counts or more) are in σ, the square root of a group's
net counts: 1 is the noise of the line's own counts. Whoever fits a line without knowing more does
no better than that. Less is possible for the network, which has seen what minerals there are: its
estimates lean on them, and on an unknown composition they would mislead. After ± the
standard error, from the scatter of eight parts of the spectra. The bias is that of the sum. False
counts are what a spectrum is given in groups that are not there (below {ABSENT:g} counts).
"""


def page(rows: Sequence[Row]) -> str:
    """Markdown of all results."""
    training = next(row for row in rows if row["part"] == "training")
    opening = _OPENING.format(
        groups=training["groups"],
        spectra=training["spectra"],
        seed=training["seed"],
        minutes=training["seconds"] / 60,
        test_seed=next(row["seed"] for row in rows if row["part"] == "all"),
    )
    parts = [opening, _HOW_TO_READ, *_by_counts(rows), *_overlaps(rows)]
    return "\n".join(parts)


def _by_counts(rows: Sequence[Row]) -> Iterator[str]:
    for condition in TESTED:
        yield f"## By counts, {condition}\n\n{_CONDITIONS[condition]}.\n"
        yield f"{SPECTRA:,} spectra a level; the bias in %.\n"
        yield table(
            ["counts", *_METHODS, *(f"bias, {name}" for name in _METHODS)],
            [
                [
                    f"{level:,.0f}",
                    *(_sigma(_one(rows, "all", condition, level, name)) for name in _METHODS),
                    *(_bias(_one(rows, "all", condition, level, name)) for name in _METHODS),
                ]
                for level in LEVELS
            ],
        )
        yield "Median relative error of what is there, in %, and false counts a spectrum:\n"
        shown = _METHODS[:2]
        yield table(
            ["counts", *_METHODS, *(f"false, {name}" for name in shown)],
            [
                [
                    f"{level:,.0f}",
                    *(
                        percent(_one(rows, "all", condition, level, name)["median_relative_error"])
                        for name in _METHODS
                    ),
                    *(
                        f"{_one(rows, 'all', condition, level, name)['false_counts']:.1f}"
                        for name in shown
                    ),
                ]
                for level in LEVELS
            ],
        )


def _overlaps(rows: Sequence[Row]) -> Iterator[str]:
    yield (
        "## Overlaps\n\nMinerals that hold the one or the other of elements whose lines overlap, "
        f"{OF_OVERLAPS} spectra a row; in σ and % as above, and the mean false counts of a group "
        "in spectra that are without it. A fit that is told the elements has none.\n"
    )
    for condition in TESTED:
        yield f"### {condition}\n"
        yield table(
            [
                "overlap, group, counts",
                *(f"{name}, σ" for name in _METHODS),
                *(f"bias, {name}" for name in _METHODS),
                *(f"false, {name}" for name in _METHODS[:2]),
            ],
            list(_overlap_rows(rows, condition)),
        )
    for overlap, (_, minerals) in OVERLAPS.items():
        yield f"- {overlap}: {', '.join(minerals)}"
    yield ""


def _overlap_rows(rows: Sequence[Row], condition: str) -> Iterator[list[str]]:
    for overlap, (groups, _) in OVERLAPS.items():
        for group in groups:
            for level in OVERLAP_LEVELS:
                found = [
                    _one(rows, overlap, condition, level, name, group=group) for name in _METHODS
                ]
                yield [
                    f"{overlap}: {group}, {level:,.0f}",
                    *(_sigma(row) for row in found),
                    *(_bias(row) for row in found),
                    *(_false(row) for row in found[:2]),
                ]


def _one(
    rows: Sequence[Row], part: str, condition: str, counts: float, method: str, **more: str
) -> Row:
    wanted = {"part": part, "condition": condition, "counts": counts, "method": method, **more}
    return next(row for row in rows if wanted.items() <= row.items())


def _sigma(row: Row) -> str:
    if row["rms_sigma"] is None:
        return "–"
    error = row["rms_sigma_error"]
    return f"{row['rms_sigma']:.2f}" + ("" if error is None else f" ± {error:.2f}")


def _bias(row: Row) -> str:
    return "–" if row["bias"] is None else f"{100 * row['bias']:+.1f}"


def _false(row: Row) -> str:
    # `false_counts` is the sum over all spectra's absent groups, per spectrum of the row.
    return "–" if not row["absent"] else f"{row['false_counts'] * OF_OVERLAPS / row['absent']:.1f}"
