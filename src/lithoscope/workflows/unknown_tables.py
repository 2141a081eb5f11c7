"""The benchmark of the unknown as Markdown and a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lithoscope.figures.detection_plot import DetectionPanel, detection_figure
from lithoscope.figures.save import save_figure
from lithoscope.workflows.unlike_tables import (
    markdown_table,
    sample_tables,
    table_by_counts,
    table_by_detector,
    unlike_tables,
)

Row = Mapping[str, Any]

_SHOWN_COUNTS = 3_000.0


def write_tables(rows: Sequence[Row], folder: Path) -> tuple[Path, Path]:
    """Write ``unknown.md`` and ``unknown.png`` to a folder, and return their paths.

    Parameters
    ----------
    rows
        Of `benchmark_unknown`.
    folder
        Where they go.
    """
    page, figure = folder / "unknown.md", folder / "unknown.png"
    page.write_text("\n".join(tables(rows)), encoding="utf-8")
    title = "Unknown spectra told from known ones, under 'realistic'"
    save_figure(detection_figure(panels(rows), title=title), figure)
    return page, figure


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """Yield Markdown tables of what was measured, each after a line that says what it shows."""
    separations = _of(rows, "separation")
    for kind in dict.fromkeys(row["unknown"] for row in separations):
        own = [row for row in separations if row["unknown"] == kind]
        number = own[0]["unknown_n"]
        yield f"{kind} ({number} spectra): AUROC / % detected at 1 % and at 5 % false alarms\n"
        yield table_by_detector(own)
    yield from sample_tables(rows)
    at = f"At {_SHOWN_COUNTS:,.0f} counts"
    yield f"{at}, the combination: AUPR and false alarms at 95 % detected\n"
    yield markdown_table(
        ["unknown", "AUPR", "FPR at 95 % (%)"],
        (
            [row["unknown"], f"{row['aupr']:.3f}", f"{100 * row['fpr_at_95']:.1f}"]
            for row in separations
            if row["detector"] == "combined" and row["counts"] == _SHOWN_COUNTS
        ),
    )
    yield "Known `realistic` spectra called unknown, in percent\n"
    alarms = _of(rows, "false alarms")
    yield table_by_counts(alarms, "model", lambda row: f"{100 * row['share']:.2f}")
    for kind, text in (
        ("outside", "Known, from outside, called unknown, in percent"),
        ("left out, measured", "Left out, measured, called unknown, in percent"),
    ):
        own = _of(rows, kind)
        if own:
            yield f"{text}\n"
            yield table_by_counts(own, "sample", lambda row: f"{100 * row['share']:.1f}")
    yield from unlike_tables(rows)
    for row in _of(rows, "cost"):
        yield (
            f"Prediction takes {row['without_us']:.1f} µs a spectrum without the detector and "
            f"{row['with_us']:.1f} with it, {100 * row['ratio']:.0f} % more.\n"
        )


def panels(rows: Sequence[Row]) -> list[DetectionPanel]:
    """Return the panels of the figure, one for each kind of unknown."""
    separations = _of(rows, "separation")
    found: list[DetectionPanel] = []
    for kind in dict.fromkeys(row["unknown"] for row in separations):
        lines: dict[str, list[tuple[float, float]]] = {}
        for row in separations:
            if row["unknown"] == kind:
                lines.setdefault(row["detector"], []).append((row["counts"], row["auroc"]))
        found.append(DetectionPanel(kind, lines))
    return found


def _of(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]
