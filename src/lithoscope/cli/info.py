"""``lithoscope info``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithoscope.cli.options import EnergyAxisOption, JsonOption, axis_from_option
from lithoscope.cli.terminal import print_json, print_line


def info(
    file: Annotated[Path, typer.Argument(help="A scan.")],
    energy_axis: EnergyAxisOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a scan's file holds: size, energy axis, instrument, counts.

    Example: lithoscope info sample.bcf
    """
    from lithoscope.workflows.describe import describe_scan

    facts = describe_scan(file, axis_from_option(energy_axis))
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        text = value
        if isinstance(value, dict):
            text = ", ".join(f"{name} {number:,.0f}" for name, number in value.items())
        print_line(f"{key.replace('_', ' ')}: {'not known' if text is None else text}")
