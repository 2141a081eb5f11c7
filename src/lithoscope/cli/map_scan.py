"""``lithoscope map``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lithoscope.cli.options import (
    EnergyAxisOption,
    InstrumentOption,
    JsonOption,
    MineralsOption,
    ModelOption,
    SalvageOption,
    axis_from_option,
    minerals_from_option,
)
from lithoscope.cli.terminal import (
    print_json,
    print_line,
    print_table,
    print_warnings,
    progress_bar,
)

if TYPE_CHECKING:
    from lithoscope.workflows.mineral_map import MineralMap


def map_scan(
    scans: Annotated[list[Path], typer.Argument(metavar="SCAN...", help="Scans to map.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder for the result; ./<stem>-lithoscope if left out."
        ),
    ] = None,
    model: ModelOption = "default",
    instrument: InstrumentOption = None,
    minerals: MineralsOption = None,
    no_smooth: Annotated[
        bool, typer.Option("--no-smooth", help="Show the map as classified, pixel by pixel.")
    ] = False,
    energy_axis: EnergyAxisOption = None,
    allow_electron_beam: Annotated[
        bool,
        typer.Option("--allow-electron-beam", help="Map scans from electron microscopes too."),
    ] = False,
    salvage: SalvageOption = False,
    bragg_test: Annotated[
        bool,
        typer.Option(
            "--bragg-test",
            help="Take out peaks that only one of two detectors sees: diffraction, no element.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Map the minerals of a scan: a picture, percentages, and a report.

    Example: lithoscope map sample.bcf -o sample-map
    """
    from lithoscope.workflows.map_files import map_file, output_folders

    chosen = minerals_from_option(minerals)
    folders = output_folders(scans, output)
    documents = []
    for scan, folder in zip(scans, folders, strict=True):
        with progress_bar(scan.name) as progress:
            result, files = map_file(
                scan,
                folder,
                model=model,
                minerals=None if chosen is None else [mineral.name for mineral in chosen],
                instrument=instrument,
                smooth=not no_smooth,
                energy_axis=axis_from_option(energy_axis),
                allow_electron_beam=allow_electron_beam,
                salvage=salvage,
                bragg_test=bragg_test,
                command=shlex.join(["lithoscope", *sys.argv[1:]]),
                progress=progress,
            )
        print_warnings(result.warnings)
        documents.append(
            {
                "minerals": result.percentages(),
                "files": {name: str(path) for name, path in files.items()},
            }
        )
        if not as_json:
            print_result(result, files)
    if as_json:
        print_json(documents[0] if len(scans) == 1 else documents)


def print_result(result: MineralMap, files: dict[str, Path]) -> None:
    """Print the table of a mineral map and where its files are."""
    columns = [
        ("mineral", "left"),
        ("pixels", "right"),
        ("area %", "right"),
        ("95 % interval", "right"),
        ("weight %", "right"),
    ]
    print_table(columns, [_cells(row) for row in result.percentages()], title=result.title)
    print_line(f"report: {files['report']}")


def _cells(row: dict[str, Any]) -> list[str]:
    def percent(key: str) -> str:
        return "" if row[key] is None else f"{row[key]:.2f}"

    interval = ""
    if row["area_percent_low"] is not None:
        interval = f"{row['area_percent_low']:.2f} - {row['area_percent_high']:.2f}"
    return [
        row["mineral"],
        f"{row['pixels']}",
        percent("area_percent"),
        interval,
        percent("weight_percent"),
    ]
