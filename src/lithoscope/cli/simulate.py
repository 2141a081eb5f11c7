"""``lithoscope simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.terminal import print_line


def simulate(
    mineral: Annotated[str, typer.Argument(help="Name of a mineral, or a formula.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to write: .msa, .hspy, .npz or .png.")
    ],
    instrument: Annotated[
        str, typer.Option("--instrument", help="Name of an instrument or its file.")
    ] = "m4-tornado",
    counts: Annotated[
        float | None,
        typer.Option("--counts", help="Total counts of a Poisson draw; noise-free if left out."),
    ] = None,
    sampled: Annotated[
        bool, typer.Option("--sampled", help="Draw a natural composition, not the ideal one.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is drawn.")] = 0,
) -> None:
    """Simulate the spectrum of a mineral.

    Example: lithoscope simulate spodumene --counts 3000 -o spodumene.png
    """
    from lithoscope.workflows.simulate import simulate as simulate_spectrum
    from lithoscope.workflows.simulate import write_spectrum

    spectrum = simulate_spectrum(
        mineral, instrument=instrument, counts=counts, sampled=sampled, seed=seed
    )
    write_spectrum(spectrum, output, mineral)
    print_line(f"{spectrum.title}: {spectrum.counts.sum():.4g} counts, written to {output}")
