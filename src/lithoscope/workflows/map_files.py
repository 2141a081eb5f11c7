"""Mapping of files: where results go, and what is recorded about the input."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import OutputError
from lithoscope.io import open_scan
from lithoscope.io.aside import check_free
from lithoscope.workflows.find_diffraction import find_diffraction, with_diffraction
from lithoscope.workflows.map_minerals import map_minerals
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
    bragg_test: bool = False,
    command: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
    **options: Any,
) -> tuple[MineralMap, dict[str, Path]]:
    """Map one file and save the result, whole or not at all.

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
    bragg_test
        Take diffraction out first, by comparing two detectors that are kept apart.
    command
        The command line that asked for this, for the record.
    progress
        Called with rows done and rows in all.
    **options
        Passed to `map_minerals`.

    Returns
    -------
    result : MineralMap
    files : dict
        Paths of what was written, by purpose.
    """
    check_free(folder)
    found = None
    if bragg_test:
        scan, found = find_diffraction(
            path, energy_axis=energy_axis, salvage=salvage, progress=progress
        )
    else:
        scan = open_scan(path, energy_axis=energy_axis, salvage=salvage)
    provenance = {
        "input": str(path),
        "input_sha256": sha256_of_file(path),
        "command": command,
    }
    result = map_minerals(scan, provenance=provenance, progress=progress, **options)
    if found is not None:
        result = with_diffraction(result, found)
    return result, result.save(folder)


def sha256_of_file(path: Path) -> str | None:
    """Return the SHA-256 of a file; ``None`` for a folder, such as a zarr store."""
    if path.is_dir():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
