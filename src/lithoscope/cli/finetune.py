"""``lithoscope finetune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lithoscope.cli.options import EnergyAxisOption, ModelOption, axis_from_option
from lithoscope.cli.terminal import print_line, print_table, print_warnings, staged_progress

if TYPE_CHECKING:
    from lithoscope.evaluation.agreement import Score


def finetune(
    files: Annotated[
        list[Path], typer.Argument(metavar="SCAN...", help="Scans or spectra that are labelled.")
    ],
    labels: Annotated[
        Path,
        typer.Option(
            "--labels",
            help="Table: y,x,mineral of pixels (and file), or file,index,mineral of spectra; "
            "region if you like.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the new model.")],
    model: ModelOption = "default",
    spectra: Annotated[
        int, typer.Option("--spectra", min=1, help="Spectra to train on, a quarter measured.")
    ] = 40_000,
    most_loss: Annotated[
        float,
        typer.Option(
            "--most-loss", help="Points of accuracy on simulated spectra that may be lost."
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all draws.")] = 0,
    energy_axis: EnergyAxisOption = None,
) -> None:
    """Adapt a model to a few labelled measurements, its old accuracy guarded.

    Example: lithoscope finetune --labels labelled.csv sample.bcf -o our-model
    """
    from lithoscope.workflows.finetune import finetune as adapt

    with staged_progress() as progress:
        done = adapt(
            files,
            labels,
            output,
            model=model,
            spectra=spectra,
            most_loss=most_loss,
            seed=seed,
            energy_axis=axis_from_option(energy_axis),
            progress=progress,
        )
    before, after = done.intervals
    columns = [("accuracy on", "left"), ("before", "right"), ("after", "right")]
    rows = [
        [f"{after.number} measured, kept apart", _text(before.accuracy), _text(after.accuracy)],
        ["simulated, held out", f"{done.simulated.before:.1%}", f"{done.simulated.after:.1%}"],
        ["(measured, marked unknown)", f"{done.unknown.before:.1%}", f"{done.unknown.after:.1%}"],
    ]
    print_table(columns, rows)
    for line in done.notes:
        print_line(line)
    if done.measured.after < done.measured.before:
        print_warnings(["the new model names fewer of the measured spectra right than the old"])
    print_line(f"model: {output}")


def _text(score: Score) -> str:
    if score.low is None or score.high is None:
        return f"{score.value:.1%}"
    return f"{score.value:.1%} ({100 * score.low:.0f} to {100 * score.high:.0f})"
