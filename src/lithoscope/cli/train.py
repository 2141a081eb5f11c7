"""``lithoscope train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.options import MineralsOption, minerals_from_option
from lithoscope.cli.terminal import print_line, print_table, staged_progress
from lithoscope.errors import InvalidValueError


def train(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the model.")],
    model: Annotated[
        str | None, typer.Option("--model", help="Network to train; the recipe's if left out.")
    ] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", help="Name of a recipe (default, quick) or a YAML file.")
    ] = "default",
    minerals: MineralsOption = None,
    instrument: Annotated[
        list[str] | None,
        typer.Option("--instrument", help="Instrument to train for; give it again for more."),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            "--condition", help="Condition to train under: ideal, poisson, ..., realistic, harsh."
        ),
    ] = None,
    spectra: Annotated[
        int | None, typer.Option("--spectra", min=1, help="Spectra to train on.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all draws.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of a data set to train on instead.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Times to see each spectrum of --data.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience", min=1, help="Epochs of --data without a better one until it stops."
        ),
    ] = None,
) -> None:
    """Train a network on simulated spectra, or on those of a data set.

    Example: lithoscope train --model cnn --recipe quick -o my-model
    """
    if data is None and (epochs is not None or patience is not None):
        raise InvalidValueError(
            f"{'--epochs' if epochs is not None else '--patience'} without --data.",
            expected="simulated spectra are seen once; --spectra says how many",
        )
    decided = {"--minerals": minerals, "--condition": condition, "--spectra": spectra}
    named = [name for name, value in decided.items() if value is not None]
    if data is not None and (named or len(instrument or ()) > 1):
        raise InvalidValueError(
            f"{', '.join(named) or 'Several --instrument'} with --data.",
            expected="what a data set does not decide: --model, --recipe, --epochs, --seed, and "
            "one --instrument",
            remedy="leave it out, or make the data set anew with lithoscope dataset",
        )

    from lithoscope.workflows.make_model import make_model
    from lithoscope.workflows.recipe import adjust_recipe, load_recipe

    adjusted = adjust_recipe(
        load_recipe(recipe),
        network=model,
        instruments=instrument,
        condition=condition,
        spectra=spectra,
        seed=seed,
    )
    with staged_progress() as progress:
        if data is None:
            chosen = minerals_from_option(minerals)
            checkpoint = make_model(adjusted, output, minerals=chosen, progress=progress)
        else:
            from lithoscope.synthesis.datasets.reading import load_dataset
            from lithoscope.workflows.train_on_data import DEFAULT_EPOCHS, train_on_data

            checkpoint = train_on_data(
                load_dataset(data),
                adjusted,
                output,
                epochs=epochs or DEFAULT_EPOCHS,
                patience=patience,
                instrument=instrument[0] if instrument else None,
                progress=progress,
            )
    columns = [
        ("condition", "left"),
        ("counts", "right"),
        ("network %", "right"),
        ("SAM %", "right"),
    ]
    rows = [
        [name, f"{row['counts']:,.0f}", f"{100 * row['network']:.1f}", f"{100 * row['sam']:.1f}"]
        for name, levels in checkpoint.card["accuracy"].items()
        for row in levels
    ]
    print_table(columns, rows, title=f"accuracy on {checkpoint.card['tested_on']}")
    print_line(f"model: {output}")
