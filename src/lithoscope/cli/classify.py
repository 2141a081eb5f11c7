"""``lithoscope classify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lithoscope.cli.options import (
    EnergyAxisOption,
    InstrumentOption,
    JsonOption,
    MineralsOption,
    ModelOption,
    axis_from_option,
    minerals_from_option,
)
from lithoscope.cli.terminal import print_json, print_table, print_warnings


def classify(
    files: Annotated[list[Path], typer.Argument(metavar="SPECTRUM...", help="Spectra to name.")],
    model: ModelOption = "default",
    instrument: InstrumentOption = None,
    minerals: MineralsOption = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many answers to list.")] = 3,
    energy_axis: EnergyAxisOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name the mineral of single spectra.

    Example: lithoscope classify point1.msa point2.spx --top 5
    """
    from lithoscope.io import open_spectra
    from lithoscope.workflows.classify import classify_spectra

    chosen = minerals_from_option(minerals)
    answers: list[dict[str, Any]] = []
    for file in files:
        spectra = open_spectra(file, energy_axis=axis_from_option(energy_axis))
        said = classify_spectra(
            spectra,
            model=model,
            minerals=None if chosen is None else [mineral.name for mineral in chosen],
            instrument=instrument,
            top=top,
        )
        for line in sorted({line for answer in said for line in answer["warnings"]}):
            print_warnings([f"{file}: {line}"])
        answers += [{"file": str(file), **answer} for answer in said]
    if as_json:
        print_json(answers)
        return
    columns = [("file", "left"), ("counts", "right"), ("answers", "left"), ("unknown", "left")]
    print_table(columns, [_cells(answer) for answer in answers])


def _cells(answer: dict[str, Any]) -> list[str]:
    name = Path(answer["file"]).name
    label = name if answer["index"] == 0 else f"{name} #{answer['index']}"
    ranked = ", ".join(f"{row['mineral']} {row['probability']:.1%}" for row in answer["top"])
    return [
        label,
        f"{answer['counts']:.0f}",
        ranked or "too few counts",
        "yes" if answer["unknown"] else "",
    ]
