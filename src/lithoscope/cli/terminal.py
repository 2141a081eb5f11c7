"""What commands print: messages, tables, progress, JSON."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table


def print_error(message: str) -> None:
    """Print a message about the user's input on stderr."""
    first, *rest = message.split("\n")
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(
        f"lithoscope: {first}", *rest, sep="\n"
    )


def print_warnings(lines: Sequence[str]) -> None:
    """Print warnings on stderr, a line each."""
    for line in lines:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(
            f"warning: {line}"
        )


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def print_table(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], *, title: str = ""
) -> None:
    """Print a table on stdout; columns are (heading, ``left`` or ``right``)."""
    console = Console(highlight=False)
    # Above the table and not in it: a narrow table would break it into many short lines.
    if title:
        console.print(title, markup=False)
    table = Table(box=None, pad_edge=False)
    for heading, side in columns:
        table.add_column(heading, justify="right" if side == "right" else "left")
    for row in rows:
        table.add_row(*(str(cell).replace("[", r"\[") for cell in row))
    console.print(table)


def broken_between(parts: Sequence[str], separator: str, taken: int) -> str:
    """Join parts by a separator, with line breaks only between parts.

    `taken` is how many columns of the terminal other columns of the table take.
    """
    width = max(Console().width - taken, 20)
    # Only an ordinary blank is a place where textwrap breaks a line.
    text = separator.join(part.replace(" ", "\u00a0") for part in parts)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\u00a0", " ")


def print_line(text: str) -> None:
    """Print a line of text on stdout."""
    Console(highlight=False, markup=False, soft_wrap=True).print(text)


@contextmanager
def progress_bar(
    label: str, unit: str = "", *, after: str = ""
) -> Iterator[Callable[[int, int], None]]:
    """Give a function that draws steps done of all on stderr; silent unless it is a terminal.

    `after` says what is being done when the last step is done, where that takes long.
    """
    with staged_progress(unit) as report:
        yield lambda done, total: report(label, done, total, after if done == total else "")


@contextmanager
def staged_progress(unit: str = "") -> Iterator[Callable[[str, int, int, str], None]]:
    """Give a function of (stage, done, total, note) that draws one bar a stage on stderr.

    `unit` says what is counted, such as ``pixels``.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int, note: str) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, note="", rate="")
            task = bar.tasks[bar.task_ids.index(tasks[stage])]
            rate = _rate(task.speed, unit) if task.speed else ""
            bar.update(tasks[stage], completed=done, total=total, note=note, rate=rate)

        yield report


def _rate(speed: float, unit: str) -> str:
    """Return steps a second; slow ones with a decimal, so that none is ``0/s``."""
    number = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
    return f"{number} {unit}/s" if unit else f"{number}/s"


def limit_blas_threads() -> None:
    """Keep matrix products of this process on one core; call it before NumPy is imported.

    The products of `minerals.class_likelihood` are small: on a busy machine two threads of
    OpenBLAS that wait for each other took 35 s for what one does in 4 s.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
