"""Mapping of files: where results go, and what is recorded about the input."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import OutputError
from lithoscope.io import open_scan
from lithoscope.io.aside import check_free, os_errors_told
from lithoscope.io.resumable import BLOCKS, resumable_folder
from lithoscope.models.checkpoint import DEFAULT_MODEL, Checkpoint
from lithoscope.workflows.map_minerals import map_planned
from lithoscope.workflows.map_partial import FolderBlocks
from lithoscope.workflows.map_plan import MapPlan, plan_map
from lithoscope.workflows.mineral_map import MineralMap

_CHUNK = 1 << 20


def output_folders(scans: Sequence[Path], output: Path | None) -> list[Path]:
    """Return one result folder for each scan, all of which can be made.

    One scan goes to `output` itself, several to ``output/<stem>``; without `output` each goes to
    ``./<stem>-lithoscope``.

    Raises
    ------
    OutputError
        If two scans would share a folder, or a folder exists and is not empty.
    """
    if output is None:
        folders = [Path(f"{scan.stem}-lithoscope") for scan in scans]
    elif len(scans) == 1:
        folders = [output]
    else:
        folders = [output / scan.stem for scan in scans]
    twice = sorted({str(folder) for folder in folders if folders.count(folder) > 1})
    if twice:
        raise OutputError(
            f"Several scans would be written to {', '.join(twice)}.",
            expected="scans of different names",
            remedy="map them one by one, each with its own -o",
        )
    for folder in folders:
        check_free(folder)
    return folders


def map_file(
    path: Path,
    folder: Path,
    *,
    energy_axis: EnergyAxis | None = None,
    salvage: bool = False,
    model: str | Checkpoint = DEFAULT_MODEL,
    minerals: Sequence[str] | None = None,
    instrument: str | None = None,
    smooth: bool = True,
    allow_electron_beam: bool = False,
    command: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[MineralMap, dict[str, Path]]:
    """Map one file and save the result, whole or not at all.

    Work that was broken off in ``<folder>.partial`` is taken up again.

    Parameters
    ----------
    path
        The scan's file.
    folder
        Where the result goes.
    energy_axis
        For files that lack one.
    salvage
        Map what is left of a damaged file.
    model, minerals, instrument, smooth, allow_electron_beam
        As in `map_minerals`.
    command
        The command line that asked for this, for the record.
    progress
        Called with pixels done and pixels in all.

    Returns
    -------
    result : MineralMap
    files : dict
        Paths of what was written, by purpose.
    """
    check_free(folder)
    scan = open_scan(path, energy_axis=energy_axis, salvage=salvage)
    plan = plan_map(
        scan,
        model=model,
        minerals=minerals,
        instrument=instrument,
        allow_electron_beam=allow_electron_beam,
    )
    job = job_of_file(path, plan, salvage=salvage)
    provenance = {"input": str(path), "input_sha256": job["scan"], "command": command}
    with resumable_folder(folder, job) as partial:
        store = FolderBlocks(partial / BLOCKS)
        result = map_planned(plan, store, smooth=smooth, provenance=provenance, progress=progress)
        with os_errors_told(folder):
            result.write_into(partial)
    return result, result.files_in(folder)


def job_of_file(path: Path, plan: MapPlan, *, salvage: bool) -> dict[str, Any]:
    """Return all that the blocks of a file's map depend on, as plain values by name."""
    return {"scan": sha256_of_input(path), "salvage": salvage, **plan.job()}


def sha256_of_input(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files in a folder."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if path.is_dir():
            digest.update(f"{file.relative_to(path).as_posix()}\0".encode())
        if file.is_file():
            with file.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()
