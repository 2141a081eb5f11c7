"""``lithoscope benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.options import JsonOption, ModelOption
from lithoscope.cli.terminal import print_json, print_line, staged_progress

app = typer.Typer(help="Measure what parts of the program are worth.", no_args_is_help=True)


@app.callback()
def _benchmarks() -> None:
    """Stands here so that the name of the one benchmark is not left out."""


@app.command("unknown")
def unknown(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for tables, figure and a small model.")
    ],
    model: ModelOption = "default",
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Folder of measured elements and XMI-MSIM's minerals (../shared/data)."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Test the detectors of the unknown: what they find, what they call unknown, what they cost.

    Trains a small model that lacks some minerals and keeps it in the folder; takes some 20 minutes.

    Example: lithoscope benchmark unknown -o unknown --data ../shared/data
    """
    from lithoscope.workflows.benchmark_unknown import benchmark_unknown
    from lithoscope.workflows.unknown_tables import write_tables

    with staged_progress() as progress:
        rows = benchmark_unknown(output, model=model, data=data, progress=progress)
    page, figure = write_tables(rows, output)
    if as_json:
        print_json(rows)
        return
    print_line(f"tables: {page}")
    print_line(f"figure: {figure}")
