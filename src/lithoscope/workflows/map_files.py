"""Mapping of files: where results go, what they rest on, and many of them one after the other."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import OutputError
from lithoscope.inference.answer import ANSWER_PROBABILITY
from lithoscope.io import open_scan
from lithoscope.io.aside import check_free, os_errors_told
from lithoscope.io.resumable import BLOCKS, resumable_folder
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint, shipped_models
from lithoscope.segmentation.smoothing import DEFAULT_SMOOTHING, Smoothing
from lithoscope.workflows.choose_model import AUTO
from lithoscope.workflows.find_diffraction import find_diffraction, with_diffraction
from lithoscope.workflows.map_minerals import map_planned
from lithoscope.workflows.map_outcome import THERE, Outcome
from lithoscope.workflows.map_partial import FolderBlocks
from lithoscope.workflows.map_plan import MapPlan, plan_map
from lithoscope.workflows.mineral_map import FILES, MineralMap, files_in

_CHUNK = 1 << 20
_MAX_RUN_BYTES = 1 << 24

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class MapOptions:
    """How files are mapped; see `map_minerals` and `open_scan`.

    Parameters
    ----------
    energy_axis
        For files that lack one.
    salvage
        Map what is left of a damaged file.
    model, minerals, instrument, smooth, smoothing, allow_electron_beam, false_alarms,
    answer_probability
        As in `map_minerals`.
    bragg_test
        Take diffraction out first, by comparing two detectors that are kept apart.
    command
        The command line that asked for this, for the record.
    """

    energy_axis: EnergyAxis | None = None
    salvage: bool = False
    model: str | Checkpoint = AUTO
    minerals: Sequence[str] | None = None
    instrument: str | None = None
    smooth: bool = True
    smoothing: Smoothing = DEFAULT_SMOOTHING
    allow_electron_beam: bool = False
    false_alarms: float | None = None
    answer_probability: float = ANSWER_PROBABILITY
    bragg_test: bool = False
    command: str = ""

    def models(self) -> list[Checkpoint]:
        """Return the models that files may be mapped with, loaded."""
        if isinstance(self.model, Checkpoint):
            return [self.model]
        names = shipped_models() if self.model == AUTO else (self.model,)
        return [find_checkpoint(name) for name in names]

    def plan(self, path: Path) -> MapPlan:
        """Open a file and settle how it is mapped."""
        return plan_map(
            open_scan(path, energy_axis=self.energy_axis, salvage=self.salvage),
            model=self.model,
            minerals=self.minerals,
            instrument=self.instrument,
            smoothing=self.smoothing,
            allow_electron_beam=self.allow_electron_beam,
            false_alarms=self.false_alarms,
            answer_probability=self.answer_probability,
        )

    def job(self, path: Path, plan: MapPlan) -> dict[str, Any]:
        """Return all that the blocks of a file's map depend on, as plain values by name."""
        return {
            "scan": sha256_of_input(path),
            "salvage": self.salvage,
            "bragg test": self.bragg_test,
            **plan.job(),
        }

    def provenance(self, path: Path, job: dict[str, Any]) -> dict[str, Any]:
        """Return what is to be kept in ``run.json`` about where a result came from."""
        return {
            "input": str(path),
            "input_sha256": job["scan"],
            "command": self.command,
            "job": job,
        }


def output_folders(scans: Sequence[Path], output: Path | None) -> list[Path]:
    """Return one result folder for each scan.

    One scan goes to `output` itself, several to ``output/<stem>``; without `output` each goes to
    ``./<stem>-lithoscope``.

    Raises
    ------
    OutputError
        If two scans would share a folder.
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
    return folders


def map_file(
    path: Path,
    folder: Path,
    *,
    progress: Progress = lambda done, total: None,
    **options: Any,
) -> tuple[MineralMap, dict[str, Path]]:
    """Map one file and save the result, whole or not at all.

    Work that was broken off in ``<folder>.partial`` is taken up again.

    Parameters
    ----------
    path
        The scan's file.
    folder
        Where the result goes.
    progress
        Called with pixels done and pixels in all.
    **options
        The fields of `MapOptions`.

    Returns
    -------
    result : MineralMap
    files : dict
        Paths of what was written, by purpose.
    """
    check_free(folder)
    chosen = MapOptions(**options)
    plan = chosen.plan(path)
    job = chosen.job(path, plan)
    with resumable_folder(folder, job) as partial:
        found = None
        if chosen.bragg_test:
            scan, found = find_diffraction(
                path, energy_axis=chosen.energy_axis, salvage=chosen.salvage, progress=progress
            )
            plan = dataclasses.replace(plan, scan=scan)
        result = map_planned(
            plan,
            FolderBlocks(partial / BLOCKS),
            smooth=chosen.smooth,
            provenance=chosen.provenance(path, job),
            progress=progress,
        )
        if found is not None:
            result = with_diffraction(result, found)
        with os_errors_told(folder):
            result.write_into(partial)
    return result, files_in(folder)


def map_each(
    scans: Sequence[Path],
    folders: Sequence[Path],
    options: MapOptions,
    progress: Callable[[str, int, int], None],
) -> Iterator[Outcome]:
    """Map files one after the other in this process; a bad one does not stop the rest.

    Parameters
    ----------
    scans, folders
        Files, and where their results go.
    options
        How they are mapped.
    progress
        Called with a file's name, pixels done and pixels in all.
    """
    for path, folder in zip(scans, folders, strict=True):
        started = time.perf_counter()
        try:
            if is_done(path, folder, options):
                yield Outcome(path, folder, THERE, files=files_in(folder))
                continue
            result, _ = map_file(
                path,
                folder,
                progress=functools.partial(progress, path.name),
                **vars(options),
            )
        # Whatever is wrong with one of hundreds of files, the others are to be mapped.
        except Exception as error:
            yield Outcome.of_error(path, folder, error)
            continue
        seconds = time.perf_counter() - started
        yield Outcome.of_map(path, folder, result, seconds)


def is_done(path: Path, folder: Path, options: MapOptions) -> bool:
    """Whether a folder holds the whole result of the same job."""
    run = folder / FILES["run"]
    if not run.is_file() or run.stat().st_size > _MAX_RUN_BYTES:
        return False
    try:
        found = json.loads(run.read_text(encoding="utf-8"))
        job, told = found["job"], found["options"]
        after = (told["smooth"], told["smoothing"], told["answer_probability"])
    except (ValueError, KeyError, TypeError):
        return False
    if after != (options.smooth, options.smoothing.as_data(), options.answer_probability):
        return False
    return bool(job == json.loads(json.dumps(options.job(path, options.plan(path)))))


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
