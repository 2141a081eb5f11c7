"""``lithoscope demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.map_scan import PICTURES, print_result
from lithoscope.cli.terminal import print_line, print_warnings, progress_bar


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path(
        "lithoscope-demo"
    ),
) -> None:
    """Map two scans that ship: a real one, and a simulated pegmatite whose truth is known.

    Example: lithoscope demo
    """
    from lithoscope.io.aside import check_free
    from lithoscope.workflows.demo import map_pegmatite_demo, map_real_demo

    check_free(output)
    with progress_bar("Laguna Salinas", "pixels", after=PICTURES) as progress:
        result, files = map_real_demo(output / "laguna-salinas", progress=progress)
    print_warnings(result.warnings)
    print_result(result, files)
    print_line("")
    with progress_bar("pegmatite", "pixels", after=PICTURES) as progress:
        score = map_pegmatite_demo(output / "pegmatite", progress=progress)
    print_result(score.result, score.files)
    print_line(
        f"pixel accuracy: {score.accuracy:.1%} as classified, {score.accuracy_smoothed:.1%} "
        f"smoothed, of {score.pixels} pixels (own simulation, "
        f"{score.counts:,.0f} counts a pixel, natural compositions, mixed pixels, Bragg peaks)"
    )
