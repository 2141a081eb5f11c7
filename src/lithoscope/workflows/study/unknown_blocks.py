"""Tables and figures of the unknown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lithoscope.figures.study_plots import matrix_figure
from lithoscope.report.study_page import Block, Paragraph, StudyTable
from lithoscope.workflows.study.pictures import picture
from lithoscope.workflows.study.results import ArmResults, number_at, shown, spread
from lithoscope.workflows.study.unknowns import KNOWN

_ABOUT = (
    "What was never learnt, by scores that were fitted to known spectra alone. AUROC is the "
    "probability, in percent, that an unknown spectrum is stranger than a known one (50 is "
    "guessing); found is the share of unknown spectra above what 1 % of other known spectra under "
    "the condition of training exceed; called unknown is the share of the test's known spectra "
    "above it, 1 % if the test is like training. Both sides of every AUROC have the same counts, "
    "and unknown minerals are distorted and mixed as known ones are. Materials have elements that "
    "minerals have; some cannot be told from a mineral at all (docs/unknown.md)."
)


def unknown_blocks(results: ArmResults) -> Iterator[Block]:
    """One table for each kind of unknown under each condition, and a figure for each case."""
    yield Paragraph(_ABOUT)
    for condition, kind in _places(results):
        yield Paragraph(f"{kind.capitalize()}, under '{condition}', %, by total counts:")
        yield _table(results, condition, kind)
    for case in results.lines:
        yield from _matrix(results, case)


def _table(results: ArmResults, condition: str, kind: str) -> StudyTable:
    held = [
        line.result.get("unknown", {}).get(condition, {}).get(kind, {})
        for lines in results.lines.values()
        for line in lines
    ]
    detectors = dict.fromkeys(name for values in held for name in values)
    levels = dict.fromkeys(level for values in held for one in values.values() for level in one)
    columns = {"auroc": "AUROC", "detected": "found"}
    if kind == KNOWN:
        columns = {"false_alarms": "called unknown"}
    rows = []
    for case in results.lines:
        for name in detectors:
            place = ("unknown", condition, kind, name)
            found = [
                results.values(case, *place, level, column)
                for column in columns
                for level in levels
            ]
            if any(found):
                rows.append([case, name, *(shown(values) for values in found)])
    heads = [f"{head} at {float(level):,.0f}" for head in columns.values() for level in levels]
    return StudyTable(["", "score", *heads], rows)


def _places(results: ArmResults) -> list[tuple[str, str]]:
    """Conditions and kinds of which some line holds something, in order."""
    lines = [line for found in results.lines.values() for line in found]
    pairs = [
        (condition, kind)
        for line in lines
        for condition, kinds in line.result.get("unknown", {}).items()
        for kind in kinds
    ]
    return list(dict.fromkeys(pairs))


def mean_aurocs(
    results: ArmResults, case: str, condition: str, kind: str
) -> dict[str, list[float]]:
    """AUROC of each detector, the mean over levels, one for each seed.

    Parameters
    ----------
    results
        The arm's.
    case, condition, kind
        Of which lines, under which condition, on which kind of unknown.
    """
    found: dict[str, list[float]] = {}
    for line in results.lines.get(case, []):
        detectors = line.result.get("unknown", {}).get(condition, {}).get(kind, {})
        for name, levels in detectors.items():
            values = [number_at(one, ("auroc",)) for one in levels.values()]
            known = [value for value in values if value is not None]
            if known:
                found.setdefault(name, []).append(sum(known) / len(known))
    return found


def _matrix(results: ArmResults, case: str) -> Iterator[Block]:
    places = [
        (condition, kind)
        for condition, kind in _places(results)
        if mean_aurocs(results, case, condition, kind)
    ]
    if not places:
        return
    by_place = [mean_aurocs(results, case, *place) for place in places]
    detectors = list(by_place[0])
    values = np.full((len(detectors), len(places)), np.nan)
    for column, aurocs in enumerate(by_place):
        for row, name in enumerate(detectors):
            values[row, column] = 100 * spread(aurocs[name])[0] if name in aurocs else np.nan
    columns = [f"{kind}, {condition}" for condition, kind in places]
    figure = matrix_figure(detectors, columns, values, title=case, unit="AUROC, %")
    caption = f"Mean AUROC over counts and seeds, {case}; 50 is guessing; own simulation."
    yield picture(results, f"auroc-{case}", figure, caption)
