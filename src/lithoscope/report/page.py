"""The report as one HTML file that needs nothing else: no network, no scripts, no other files."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from lithoscope.errors import InvalidValueError
from lithoscope.figures.map_key import SPECIAL_ROWS, MapKey
from lithoscope.io.aside import written_aside

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SPECIAL_NOTES = {
    "unknown": "unlike what the model was trained on, by its own score",
    "void": "no sample or too few counts",
}


@dataclass(frozen=True)
class ReportContent:
    """What a report says.

    Parameters
    ----------
    title
        Heading of the page.
    facts
        Names and values: file, size, instrument, model, energy axis, date.
    rows
        The result's table: dicts with `mineral`, `members`, `pixels`, `area_percent`,
        `area_percent_low`, `area_percent_high`, `area_percent_smoothed`, `weight_percent`, and
        perhaps `area_percent_corrected` with `scan_low`, `scan_high`, `rock_low`, `rock_high`,
        the most abundant first; a number may be ``None``.
    figures
        Caption, alternative text and PNG of each figure; the first is the scan overview.
    interval_note
        What the interval of the area percent covers, and what it does not.
    model_notes
        What the model's accuracy was measured on, and what it does not know.
    how_to_repeat
        Command line that makes this result again.
    versions
        Package to version.
    warnings
        What the reader must know before trusting the numbers.
    unexplained
        Peaks that no mineral explains: dicts with `region`, `energy_keV`, `significance`, `lines`
        and `note`.
    confusions
        Mineral, and what its pixels may be besides.
    answer_levels
        How fine the answers are: level, pixels, and area percent or ``None``.
    answers_note
        What these levels are.

    Raises
    ------
    InvalidValueError
        If the title is empty, or a figure is no PNG.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    rows: Sequence[Mapping[str, Any]]
    figures: Sequence[tuple[str, str, bytes]]
    interval_note: str
    model_notes: Sequence[str]
    how_to_repeat: str
    versions: Mapping[str, str]
    warnings: Sequence[str] = field(default_factory=tuple)
    unexplained: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    confusions: Sequence[tuple[str, str]] = field(default_factory=tuple)
    answer_levels: Sequence[tuple[str, int, float | None]] = field(default_factory=tuple)
    answers_note: str = ""

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise InvalidValueError("A report without a title.", expected="what was scanned")
        for caption, _, image in self.figures:
            if not image.startswith(_PNG_SIGNATURE):
                raise InvalidValueError(
                    f"The figure '{caption}' is no PNG.", expected="the bytes of a PNG file"
                )


def write_report(path: str | os.PathLike[str], *, content: ReportContent) -> None:
    """Write a report to one HTML file; the same content gives the same bytes.

    Raises
    ------
    OutputError
        If the path cannot be written to.
    """
    # Names of files may hold bytes that are no UTF-8; a report must not fail for them.
    page = _page(content).encode("utf-8", errors="replace")
    with written_aside(Path(path)) as aside:
        aside.write_bytes(page)


def _page(content: ReportContent) -> str:
    source = resources.files("lithoscope.report") / "templates" / "report.html.j2"
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(
        content=content,
        figures=[
            (caption, alternative, base64.b64encode(image).decode("ascii"))
            for caption, alternative, image in content.figures
        ],
        rows=_shown_rows(content.rows),
        answer_levels=[
            (level, _pixels(pixels), _number(percent))
            for level, pixels, percent in content.answer_levels
            if pixels
        ],
        has_smoothed=_has_any(content.rows, "area_percent_smoothed"),
        has_weight=_has_any(content.rows, "weight_percent"),
        has_corrected=_has_any(content.rows, "area_percent_corrected"),
    )


def _has_any(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    return any(row.get(column) is not None for row in rows)


def _shown_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as text, with the colours of the mineral map."""
    key = MapKey.of(rows)
    scale = _bar_scale(rows)
    return [
        {
            "name": row["mineral"],
            "note": _note(row),
            "special": row["mineral"] in SPECIAL_ROWS,
            "colour": key.colour(row["mineral"]),
            "pixels": _pixels(row["pixels"]),
            "area": _number(row["area_percent"]),
            "interval": _interval(row["area_percent_low"], row["area_percent_high"]),
            "smoothed": _number(row["area_percent_smoothed"]),
            "weight": _number(row["weight_percent"]),
            "corrected": _number(row.get("area_percent_corrected")),
            "bar": _bar(row, scale),
        }
        for row in rows
    ]


def _pixels(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _ends(row: Mapping[str, Any]) -> dict[str, float | None]:
    """The value that a bar marks, and the intervals around it, in percent."""
    names: tuple[str | None, ...]
    if row.get("area_percent_corrected") is None:
        names = ("area_percent", None, None, "area_percent_low", "area_percent_high")
    else:
        names = tuple(
            f"area_percent_{what}"
            for what in ("corrected", "scan_low", "scan_high", "rock_low", "rock_high")
        )
    values = [None if name is None else row.get(name) for name in names]
    return dict(zip(("at", "low", "high", "widest_low", "widest_high"), values, strict=True))


def _bar_scale(rows: Sequence[Mapping[str, Any]]) -> float:
    """The percentage at which bars end."""
    found = [value for row in rows for value in _ends(row).values() if value is not None]
    return max([*found, 1.0])


def _bar(row: Mapping[str, Any], scale: float) -> dict[str, str] | None:
    """Places of a bar's parts in percent of its length; ``None`` without an interval."""
    ends = _ends(row)
    at, low, high = ends["at"], ends["widest_low"], ends["widest_high"]
    if at is None or low is None or high is None:
        return None

    def span(start: float, end: float) -> str:
        return f"left:{100 * start / scale:.2f}%;width:{100 * (end - start) / scale:.2f}%"

    inner = ""
    if ends["low"] is not None and ends["high"] is not None:
        inner = span(ends["low"], ends["high"])
    return {"outer": span(low, high), "inner": inner, "at": f"left:{100 * at / scale:.2f}%"}


def _note(row: Mapping[str, Any]) -> str:
    if row["mineral"] in _SPECIAL_NOTES:
        return _SPECIAL_NOTES[row["mineral"]]
    count = len(row["members"])
    return f"one of these {count}, which were not told apart" if count > 1 else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _interval(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.2f} – {high:.2f}"
