"""What detectors make of spectra unlike training, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_SHOWN_COUNTS = 3_000.0
_TITLES = {
    "instrument": "known minerals measured by an instrument unlike training",
    "mixture": "mixtures of known minerals, none of which dominates",
    "corrupted": "known minerals, spectra corrupted",
}


def unlike_tables(rows: Sequence[Row]) -> Iterator[str]:
    """Yield Markdown tables of what is not unknown, and yet unlike training.

    Parameters
    ----------
    rows
        Of `benchmark_unknown`.
    """
    unlike = [row for row in rows if row["kind"] == "unlike"]
    for name in dict.fromkeys(row["set"] for row in unlike):
        own = [row for row in unlike if row["set"] == name]
        yield (
            f"{name}: {_TITLES[own[0]['what']]} ({own[0]['n']} spectra), not unknown: AUROC / % "
            "flagged at 1 % and at 5 % false alarms\n"
        )
        yield table_by_detector(own)
    answers = [row for row in rows if row["kind"] == "answers"]
    if answers:
        yield (
            "Named right (a mixture: as one of its minerals) / called unknown by the model at its "
            "1 % / neither: wrong and not called unknown, in percent\n"
        )
        yield table_by_counts(answers, "set", _answer)
    if any(row["what"] == "mixture" for row in answers):
        yield "Mixtures named as the mineral that gives most counts, in percent\n"
        mixed = [row for row in answers if row["what"] == "mixture"]
        yield table_by_counts(mixed, "set", lambda row: f"{100 * row['right_first']:.0f}")


def sample_tables(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a table of the share of each material that the model calls unknown.

    Parameters
    ----------
    rows
        Of `benchmark_unknown`.
    """
    named = [row for row in rows if row["kind"] == "by sample" and "names" in row]
    shown = [row for row in named if row["counts"] == _SHOWN_COUNTS]
    if shown:
        yield f"Materials called unknown by the model at {_SHOWN_COUNTS:,.0f} counts, in percent\n"
        yield markdown_table(
            ["kind", "called unknown"],
            (
                [
                    row["unknown"],
                    ", ".join(
                        f"{name} {100 * share:.0f}"
                        for name, share in zip(row["names"], row["flagged"], strict=True)
                    ),
                ]
                for row in shown
            ),
        )


def table_by_detector(rows: Sequence[Row]) -> str:
    """Return AUROC and shares detected as a table, a row a detector, a column a count level."""
    return table_by_counts(rows, "detector", _separation)


def table_by_counts(rows: Sequence[Row], key: str, cell: Callable[[Row], str]) -> str:
    """Return a table, a row for each value of a key, a column a count level.

    Parameters
    ----------
    rows
        With `key` and ``counts``, one for each pair.
    key
        What tells rows of the table.
    cell
        Function that makes a cell of a row.
    """
    counts = sorted({row["counts"] for row in rows})
    found = {(row[key], row["counts"]): row for row in rows}
    return markdown_table(
        [key, *(f"{level:,.0f}" for level in counts)],
        (
            [name, *(cell(found[name, level]) for level in counts)]
            for name in dict.fromkeys(row[key] for row in rows)
        ),
    )


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is words."""
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _separation(row: Row) -> str:
    return (
        f"{row['auroc']:.3f} / {100 * row['detected_at_1']:.0f}, {100 * row['detected_at_5']:.0f}"
    )


def _answer(row: Row) -> str:
    return (
        f"{100 * row['right']:.0f} / {100 * row['flagged']:.0f} / "
        f"{100 * row['wrong_unflagged']:.0f}"
    )
