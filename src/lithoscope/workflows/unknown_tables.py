"""The benchmark of the unknown as Markdown and a figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lithoscope.figures.detection_plot import DetectionPanel, detection_figure
from lithoscope.figures.save import save_figure

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
        counts = sorted({row["counts"] for row in own})
        number = own[0]["unknown_n"]
        yield f"{kind} ({number} spectra): AUROC / % detected at 1 % and at 5 % false alarms\n"
        found = {(row["detector"], row["counts"]): row for row in own}
        yield _table(
            ["detector", *(f"{level:,.0f}" for level in counts)],
            (
                [name, *(_separation(found[name, level]) for level in counts)]
                for name in dict.fromkeys(row["detector"] for row in own)
            ),
        )
    at = f"At {_SHOWN_COUNTS:,.0f} counts"
    yield f"{at}, the combination: AUPR and false alarms at 95 % detected\n"
    yield _table(
        ["unknown", "AUPR", "FPR at 95 % (%)"],
        (
            [row["unknown"], f"{row['aupr']:.3f}", f"{100 * row['fpr_at_95']:.1f}"]
            for row in separations
            if row["detector"] == "combined" and row["counts"] == _SHOWN_COUNTS
        ),
    )
    yield "Known `realistic` spectra called unknown, in percent\n"
    alarms = _of(rows, "false alarms")
    levels = sorted({row["counts"] for row in alarms})
    shares = {(row["model"], row["counts"]): row["share"] for row in alarms}
    yield _table(
        ["model", *(f"{level:,.0f}" for level in levels)],
        (
            [name, *(f"{100 * shares[name, level]:.2f}" for level in levels)]
            for name in dict.fromkeys(row["model"] for row in alarms)
        ),
    )
    for kind, text in (
        ("outside", "Known, from outside, called unknown, in percent"),
        ("left out, measured", "Left out, measured, called unknown, in percent"),
    ):
        own = _of(rows, kind)
        if own:
            yield f"{text}\n"
            yield _by_counts(own)
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


def _separation(row: Row) -> str:
    return (
        f"{row['auroc']:.3f} / {100 * row['detected_at_1']:.0f}, {100 * row['detected_at_5']:.0f}"
    )


def _by_counts(rows: Sequence[Row]) -> str:
    levels = sorted({row["counts"] for row in rows})
    shares = {(row["sample"], row["counts"]): row["share"] for row in rows}
    return _table(
        ["sample", *(f"{level:,.0f}" for level in levels)],
        (
            [name, *(f"{100 * shares[name, level]:.1f}" for level in levels)]
            for name in dict.fromkeys(row["sample"] for row in rows)
        ),
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
