"""``lithoscope dataset``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.options import JsonOption, minerals_from_option
from lithoscope.cli.terminal import print_json, print_line, print_table, staged_progress
from lithoscope.errors import InvalidValueError


def dataset(
    minerals: Annotated[
        str, typer.Option("--minerals", help="Classes: a,b,c or a YAML file of minerals.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the data set.")],
    spectra: Annotated[
        int, typer.Option("-n", "--spectra", min=1, help="Spectra of all classes and splits.")
    ],
    instrument: Annotated[
        str,
        typer.Option(
            "--instrument", help="Name of an instrument, a YAML file, or a .spx or .bcf header."
        ),
    ] = "m4-tornado",
    split: Annotated[
        str,
        typer.Option("--split", help="Percent of training, validation, test; or training, test."),
    ] = "70,15,15",
    condition: Annotated[
        str,
        typer.Option("--condition", help="ideal, poisson, ..., realistic, harsh, or bragg@3."),
    ] = "realistic",
    counts: Annotated[
        str | None,
        typer.Option("--counts", metavar="LOW,HIGH", help="Range of total counts."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is drawn.")] = 0,
    json: JsonOption = False,
) -> None:
    """Write a data set of simulated spectra with training, validation and test splits.

    Example: lithoscope dataset --minerals quartz,albite,calcite -n 3000 --seed 1 -o three
    """
    chosen = minerals_from_option(minerals) or []
    limits = _counts(counts)

    from lithoscope.io import load_instrument
    from lithoscope.io.aside import check_free
    from lithoscope.synthesis.conditions import find_condition
    from lithoscope.synthesis.datasets.splits import Splits
    from lithoscope.workflows.dataset import DatasetPlan, make_dataset

    chosen_condition = find_condition(condition)
    if limits is not None:
        chosen_condition = dataclasses.replace(chosen_condition, counts=limits)
    plan = DatasetPlan(
        tuple(chosen),
        load_instrument(instrument),
        chosen_condition,
        Splits.from_text(split),
        spectra,
        seed,
    )
    check_free(output)
    with staged_progress() as progress:
        facts = make_dataset(plan, output, progress=progress)
    if json:
        print_json({**facts, "folder": str(output)})
        return
    columns = [("mineral", "left"), *((name, "right") for name in facts["splits"])]
    rows = [
        [name, *(f"{count:,}" for count in by_split.values())]
        for name, by_split in facts["minerals"].items()
    ]
    print_table(columns, rows, title=f"{spectra:,} simulated spectra, '{condition}'")
    print_line(f"data set: {output} (its card: {output / 'CARD.md'})")


def _counts(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    parts = text.split(",")
    try:
        low, high = (float(part) for part in (parts * 2 if len(parts) == 1 else parts))
    except ValueError:
        raise InvalidValueError(
            f"--counts {text}.", expected="lowest and highest total counts, such as 30,1000000"
        ) from None
    return low, high
