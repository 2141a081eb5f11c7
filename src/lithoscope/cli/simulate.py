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
        str,
        typer.Option(
            "--instrument", help="Name of an instrument, a YAML file, or a .spx or .bcf header."
        ),
    ] = "m4-tornado",
    counts: Annotated[
        float | None,
        typer.Option("--counts", help="Total counts of a Poisson draw; noise-free if left out."),
    ] = None,
    sampled: Annotated[
        bool, typer.Option("--sampled", help="Draw a natural composition, not the ideal one.")
    ] = False,
    thickness: Annotated[
        float | None,
        typer.Option("--thickness", metavar="UM", help="Thickness in µm; thick if left out."),
    ] = None,
    density: Annotated[
        float | None,
        typer.Option("--density", metavar="G_CM3", help="Density in g/cm³, for a formula."),
    ] = None,
    bragg: Annotated[
        bool, typer.Option("--bragg", help="Add Bragg peaks of a grain in random orientation.")
    ] = False,
    pile_up: Annotated[
        bool, typer.Option("--pile-up", help="Let photons pile up into sum peaks.")
    ] = False,
    zero_peak: Annotated[
        bool, typer.Option("--zero-peak", help="Add the electronics' pulses at 0 keV.")
    ] = False,
    stray_lines: Annotated[
        bool, typer.Option("--stray-lines", help="Add lines of the instrument's own parts.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is drawn.")] = 0,
) -> None:
    """Simulate the spectrum of a mineral.

    Example: lithoscope simulate spodumene --counts 3000 -o spodumene.png
    """
    from lithoscope.workflows.simulate import simulate as simulate_spectrum
    from lithoscope.workflows.simulate import write_spectrum

    spectrum = simulate_spectrum(
        mineral,
        instrument=instrument,
        counts=counts,
        sampled=sampled,
        seed=seed,
        thickness_um=thickness,
        density_g_cm3=density,
        bragg=bragg,
        pile_up=pile_up,
        zero_peak=zero_peak,
        stray_lines=stray_lines,
    )
    write_spectrum(spectrum, output, mineral)
    print_line(f"{spectrum.title}: {spectrum.counts.sum():.4g} counts, written to {output}")
