"""``lithoscope info``."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

from lithoscope.cli.options import (
    EnergyAxisOption,
    JsonOption,
    SalvageOption,
    axis_from_option,
)
from lithoscope.cli.terminal import print_json, print_line, progress_bar

_WIDTH = 80
_INDENT = 14


def info(
    file: Annotated[Path, typer.Argument(help="A scan, or one or several spectra.")],
    energy_axis: EnergyAxisOption = None,
    salvage: SalvageOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a file holds: size, energy axis, instrument, live time, counts, warnings.

    Example: lithoscope info sample.bcf
    """
    from lithoscope.workflows.describe_file import describe_file

    axis = axis_from_option(energy_axis)
    with progress_bar(file.name, "rows") as progress:
        facts = describe_file(file, axis, salvage=salvage, progress=progress)
    if as_json:
        print_json(facts)
        return
    for name, text in lines(facts):
        print_line(
            textwrap.fill(
                text,
                _WIDTH,
                initial_indent=name.ljust(_INDENT),
                subsequent_indent=" " * _INDENT,
            )
        )


def lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the facts of a file as names and texts."""
    shown = [("title", facts["title"] or "none"), *_size(facts), ("energy axis", _axis(facts))]
    if "detectors" in facts:
        shown.append(("detectors", f"{facts['detectors']}"))
    if facts.get("electron_beam"):
        shown.append(("excited by", "electrons: no X-ray tube stands in the file"))
    shown.append(("instrument", facts["instrument"] or "not known"))
    shown.append(("live time", _live_time(facts)))
    each = "pixel" if facts["kind"] == "scan" else "spectrum"
    counts = _quantiles(facts[f"counts_per_{each}"], ",.0f")
    shown.append(("counts", f"{counts} a {each}, above 0.8 keV"))
    if facts.get("empty_pixels"):
        shown.append(("", f"{facts['empty_pixels']:,} pixels are empty"))
    return [*shown, *(("warning", line) for line in facts["warnings"])]


def _size(facts: dict[str, Any]) -> list[tuple[str, str]]:
    if facts["kind"] == "spectra":
        return [("spectra", f"{facts['spectra']}")]
    text = f"{facts['rows']} x {facts['columns']} pixels (rows x columns)"
    if facts["size_mm"] is None:
        return [("size", f"{text}, of unknown size")]
    height, width = facts["size_mm"]
    steps = " x ".join(f"{1000 * step:.4g}" for step in facts["pixel_size_mm"])
    return [("size", f"{text}, {height:.4g} x {width:.4g} mm, in steps of {steps} µm")]


def _axis(facts: dict[str, Any]) -> str:
    offset, gain = facts["offset_keV"], facts["gain_keV"]
    last = offset + gain * (facts["channels"] - 1)
    return (
        f"{facts['channels']} channels of {1000 * gain:.4g} eV, from {offset:.4g} to {last:.4g} keV"
    )


def _live_time(facts: dict[str, Any]) -> str:
    if facts["live_time_s"] is None:
        return "not known"
    each = " a pixel" if facts["kind"] == "scan" else ""
    text = f"{_quantiles(facts['live_time_s'], '.4g')} s{each}"
    return f"{text}, from the zero peak" if facts.get("live_time_from") == "zero peak" else text


def _quantiles(quantiles: dict[str, float], layout: str) -> str:
    if quantiles["min"] == quantiles["max"]:
        return format(quantiles["median"], layout)
    names = {"p5": "5 %", "p95": "95 %"}
    return ", ".join(
        f"{names.get(name, name)} {value:{layout}}" for name, value in quantiles.items()
    )
