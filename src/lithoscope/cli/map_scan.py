"""``lithoscope map``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lithoscope.cli.options import (
    AnswerProbabilityOption,
    EnergyAxisOption,
    FalseAlarmsOption,
    InstrumentOption,
    JsonOption,
    MineralsOption,
    ModelOrAutoOption,
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
    staged_progress,
)

if TYPE_CHECKING:
    from lithoscope.workflows.map_files import MapOptions
    from lithoscope.workflows.map_outcome import Outcome
    from lithoscope.workflows.mineral_map import MineralMap

# What follows the last pixel, and takes longer than it on a small map.
PICTURES = "pictures and report"


def map_scan(
    scans: Annotated[list[Path], typer.Argument(metavar="SCAN...", help="Scans to map.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder for the result; ./<stem>-lithoscope if left out."
        ),
    ] = None,
    model: ModelOrAutoOption = "auto",
    instrument: InstrumentOption = None,
    minerals: MineralsOption = None,
    no_smooth: Annotated[
        bool, typer.Option("--no-smooth", help="Show the map as classified, pixel by pixel.")
    ] = False,
    smooth: Annotated[
        str,
        typer.Option("--smooth", help="potts, unet, majority, opening, closing or none."),
    ] = "potts",
    smooth_radius: Annotated[
        str,
        typer.Option("--smooth-radius", help="Of opening and closing, such as 40um or 2px."),
    ] = "1px",
    smallest_grain: Annotated[
        str,
        typer.Option("--smallest-grain", help="Remove smaller ones but if certain: 60um, 3px."),
    ] = "0px",
    energy_axis: EnergyAxisOption = None,
    allow_electron_beam: Annotated[
        bool,
        typer.Option("--allow-electron-beam", help="Map scans from electron microscopes too."),
    ] = False,
    salvage: SalvageOption = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Map with so many processes on this machine."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Map on a Dask cluster."),
    ] = None,
    false_alarms: FalseAlarmsOption = None,
    answer_probability: AnswerProbabilityOption = 0.8,
    bragg_test: Annotated[
        bool,
        typer.Option(
            "--bragg-test",
            help="Take out peaks that only one of two detectors sees: diffraction, no element.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Map the minerals of scans: pictures, percentages, and a report each.

    What was broken off goes on when the same command is given again.

    Example: lithoscope map sample.bcf -o sample-map
    """
    from lithoscope.segmentation.smoothing import Smoothing, size_from_text
    from lithoscope.workflows.map_files import MapOptions, output_folders

    chosen = minerals_from_option(minerals)
    options = MapOptions(
        model=model,
        minerals=None if chosen is None else [mineral.name for mineral in chosen],
        instrument=instrument,
        smooth=not no_smooth and smooth != "none",
        smoothing=Smoothing(smooth, size_from_text(smooth_radius), size_from_text(smallest_grain)),
        energy_axis=axis_from_option(energy_axis),
        allow_electron_beam=allow_electron_beam,
        salvage=salvage,
        false_alarms=false_alarms,
        answer_probability=answer_probability,
        bragg_test=bragg_test,
        command=shlex.join(["lithoscope", *sys.argv[1:]]),
    )
    folders = output_folders(scans, output)
    if len(scans) == 1 and workers is None and scheduler is None:
        _map_one(scans[0], folders[0], options, as_json)
        return
    outcomes = []
    with map_run(options, workers, scheduler) as run:
        for outcome in run(scans, folders):
            print_warnings([f"{outcome.scan}: {line}" for line in outcome.warnings])
            outcomes.append(outcome)
    _tell(sorted(outcomes, key=lambda outcome: scans.index(outcome.scan)), output, as_json)


def _map_one(scan: Path, folder: Path, options: MapOptions, as_json: bool) -> None:
    from lithoscope.workflows.map_files import map_file

    with progress_bar(scan.name, "pixels", after=PICTURES) as progress:
        result, files = map_file(scan, folder, progress=progress, **vars(options))
    print_warnings(result.warnings)
    if as_json:
        print_json(_document(result.percentages(), files))
    else:
        print_result(result, files)


@contextmanager
def map_run(
    options: MapOptions, workers: int | None, scheduler: str | None
) -> Iterator[Callable[[list[Path], list[Path]], Iterator[Outcome]]]:
    """Give a function that maps many scans here, in processes of this machine, or elsewhere."""
    with staged_progress("pixels") as report:

        def progress(name: str, done: int, total: int) -> None:
            report(name, done, total, "")

        if workers is None and scheduler is None:
            from lithoscope.workflows.map_files import map_each

            yield lambda scans, folders: map_each(scans, folders, options, progress)
            return
        from lithoscope.workflows.map_client import cluster_client
        from lithoscope.workflows.map_cluster import ClusterMapper

        with cluster_client(workers=workers, scheduler=scheduler) as client:
            yield ClusterMapper(client, options, progress)


def _tell(outcomes: list[Outcome], output: Path | None, as_json: bool) -> None:
    """Print and write the summary; leave with the status of the worst outcome."""
    from lithoscope.workflows.map_outcome import FAULT, write_summary

    # A lone scan's result fills the folder that -o names.
    stem = Path("lithoscope-summary")
    if output is not None and len(outcomes) > 1:
        output.mkdir(parents=True, exist_ok=True)
        stem = output / "summary"
    table, _ = write_summary(outcomes, stem)
    if as_json:
        print_json([{**one.row(), **_document(one.rows, one.files)} for one in outcomes])
    else:
        columns = [("scan", "left"), ("outcome", "left"), ("pixels", "right")]
        columns += [("unknown %", "right"), ("where, or why not", "left")]
        print_table(columns, [_summary_cells(one) for one in outcomes])
        print_line(f"summary: {table}")
    if not all(one.ok for one in outcomes):
        raise typer.Exit(1 if any(one.outcome == FAULT for one in outcomes) else 2)


def _summary_cells(outcome: Outcome) -> list[str]:
    row = outcome.row()
    unknown = row["unknown_percent"]
    return [
        row["scan"],
        row["outcome"],
        "" if row["pixels"] is None else f"{row['pixels']}",
        "" if unknown is None else f"{unknown:.2f}",
        row["folder"] or outcome.reason.split("\n")[0],
    ]


def _document(rows: Sequence[Mapping[str, Any]], files: dict[str, Path]) -> dict[str, Any]:
    return {"minerals": list(rows), "files": {name: str(path) for name, path in files.items()}}


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
