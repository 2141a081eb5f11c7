"""Maps of phantoms: a table, and what each way of smoothing brings."""

from __future__ import annotations

from collections.abc import Iterator

from lithoscope.report.study_page import Block, Paragraph, StudyTable
from lithoscope.workflows.study.results import ArmResults, number_at, shown
from lithoscope.workflows.study.seeds_compared import SIGNIFICANT, points_between

_DIRECT = "direct"
MAP_RULES = (
    "Maps: shares of pixels right are averaged over rocks and counts for each seed, and compared "
    f"with naming pixel by pixel ('{_DIRECT}') by a paired t-test over seeds, if there are two or "
    f"more; a difference is shown if p < {SIGNIFICANT}."
)


def phantom_blocks(results: ArmResults) -> Iterator[Block]:
    """One table of all rocks, counts and ways."""
    yield Paragraph(
        "Maps of phantoms: share of pixels right, mean intersection over union, and half the sum "
        "of differences of area percents:"
    )
    rows = []
    for case, lines in results.lines.items():
        for rock, levels in lines[0].result.get("phantoms", {}).items():
            for level, ways in levels.items():
                for way in ways:
                    place = ("phantoms", rock, level, way)
                    cells = [
                        shown(results.values(case, *place, name))
                        for name in ("accuracy", "mean_iou", "area_error")
                    ]
                    rows.append([case, rock, f"{float(level):,.0f}", way, *cells])
    heads = ["", "rock", "counts a pixel", "way", "right, %", "mean IoU, %", "area error, points"]
    yield StudyTable(heads, rows)


def map_sentences(results: ArmResults) -> Iterator[str]:
    """What each way brings beside naming pixel by pixel."""
    for case in results.lines:
        shares = _mean_shares(results, case)
        direct = shares.pop(_DIRECT, [])
        for way, values in shares.items():
            if len(values) == len(direct) > 1:
                about = f"{case}: maps by {way} against {_DIRECT}, pixels right"
                yield f"{about}: {points_between(values, direct)}"


def _mean_shares(results: ArmResults, case: str) -> dict[str, list[float]]:
    """Mean share of pixels right over rocks and counts, of each way, one for each seed."""
    found: dict[str, list[float]] = {}
    for line in results.lines[case]:
        maps = [
            ways for levels in line.result.get("phantoms", {}).values() for ways in levels.values()
        ]
        for way in maps[0] if maps else ():
            values = [number_at(one, (way, "accuracy")) for one in maps]
            known = [value for value in values if value is not None]
            found.setdefault(way, []).append(sum(known) / len(known))
    return found
