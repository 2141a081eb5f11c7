"""``lithoscope phantom``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.terminal import print_line, print_table, progress_bar
from lithoscope.errors import InvalidValueError


def phantom(
    rock: Annotated[str, typer.Argument(help="Name of a rock, such as granite.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to write: .bcf, .hspy or .zarr.")
    ],
    size: Annotated[
        str, typer.Option("--size", metavar="ROWSxCOLUMNS", help="Pixels of the map.")
    ] = "128x128",
    step: Annotated[float, typer.Option("--step-um", help="Distance of pixels in µm.")] = 20.0,
    spot: Annotated[
        float, typer.Option("--spot-um", help="Width of the beam's spot (FWHM) in µm.")
    ] = 20.0,
    counts: Annotated[
        float, typer.Option("--counts", help="Mean counts of a pixel, all detectors together.")
    ] = 2000.0,
    detectors: Annotated[
        int, typer.Option("--detectors", help="Detectors that are recorded apart, 1 or 2.")
    ] = 1,
    instrument: Annotated[
        str,
        typer.Option(
            "--instrument", help="Name of an instrument, a YAML file, or a .spx or .bcf header."
        ),
    ] = "m4-tornado",
    bragg: Annotated[
        bool, typer.Option("--bragg/--no-bragg", help="Let grains show Bragg peaks.")
    ] = True,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is drawn.")] = 0,
) -> None:
    """Simulate a scan of a rock whose truth is known.

    Example: lithoscope phantom granite --size 128x128 -o granite.bcf
    """
    from lithoscope.synthesis.phantoms import ScanRecipe
    from lithoscope.workflows.phantom import make_phantom

    scan = ScanRecipe(
        shape=_shape(size),
        step_um=step,
        spot_um=spot,
        counts=counts,
        detectors=detectors,
        bragg=bragg,
    )
    with progress_bar("rows") as progress:
        made = make_phantom(
            rock, output, scan=scan, instrument=instrument, seed=seed, progress=progress
        )
    shares = made.phantom.area_shares()
    print_table(
        [("mineral", "left"), ("area %", "right")],
        [(name, f"{100 * share:.2f}") for name, share in shares.items()],
        title=made.phantom.title,
    )
    print_line(f"scan: {made.scan}\ntruth: {made.truth}")


def _shape(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise InvalidValueError(
            f"--size {text}.", expected="rows and columns, such as 128x128 or 500x400"
        )
    return int(parts[0]), int(parts[1])
