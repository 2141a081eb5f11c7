"""``lithoscope study``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.terminal import print_line, staged_progress


def study(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of runs and report.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="All arms at toy size: a test of the machinery.")
    ] = False,
    arms: Annotated[
        str | None, typer.Option("--arms", help="Some arms, by commas; all if left out.")
    ] = None,
    budget_hours: Annotated[
        float | None,
        typer.Option("--budget-hours", help="Begin no run that would not end within it."),
    ] = None,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="Run nothing; write the report again.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder with xmimsim/ and bruker_xs52/, for carrying over."),
    ] = None,
) -> None:
    """Run the study: which network, which training, which preprocessing; resumable.

    Example: lithoscope study --quick -o runs/quick-study
    """
    from lithoscope.workflows.study.study import make_study

    names = None if arms is None else [name.strip() for name in arms.split(",") if name.strip()]
    with staged_progress() as progress:
        made = make_study(
            output,
            arms=names,
            quick=quick,
            budget_hours=budget_hours,
            report_only=report_only,
            data=data,
            progress=progress,
        )
    print_line(f"{made.done} of {made.planned} runs, {made.made_now} now\n{made.report}")
