"""What is looked at: a result with its scan, or a scan alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from lithoscope.core.scan import Scan
from lithoscope.errors import FileFormatError, ScanError
from lithoscope.io import open_scan, read_overview
from lithoscope.io.bruker.overview import Overview
from lithoscope.io.formats import read_bounded
from lithoscope.io.stored_results import StoredMap, open_stored_map

_MAX_RUN_BYTES = 16 << 20
_RUN = "run.json"
_WITH_OVERVIEW = ".bcf"
_ANOTHER = "name the scan that was mapped with --scan, or map this one anew"


@dataclass(frozen=True, eq=False)
class Source:
    """A scan, and what was made of it.

    Parameters
    ----------
    scan
        The scan; its rows are read when they are asked for.
    stored
        Its mineral map; ``None`` for a scan alone.
    run
        What ``run.json`` says of the map; empty for a scan alone.
    overview
        The picture that was taken before the scan, where the file holds one.

    Raises
    ------
    ScanError
        If map and scan have different shapes, or the map was made of other energies.
    """

    scan: Scan
    stored: StoredMap | None = None
    run: Mapping[str, Any] = field(default_factory=dict)
    overview: Overview | None = None

    def __post_init__(self) -> None:
        if self.stored is None:
            return
        mapped = self.stored.mineral.shape
        if mapped != self.scan.shape:
            raise ScanError(
                f"The map has {mapped[0]} x {mapped[1]} pixels and the scan "
                f"{self.scan.shape[0]} x {self.scan.shape[1]}.",
                expected="the scan that was mapped",
                remedy=_ANOTHER,
            )
        channels = self.run["energy_axis"]["channels"]
        if channels != self.scan.axis.n_channels:
            raise ScanError(
                f"The map was made of {channels} channels, and the scan has "
                f"{self.scan.axis.n_channels}.",
                expected="the scan that was mapped",
                remedy=_ANOTHER,
            )

    @property
    def title(self) -> str:
        """What to call it."""
        return str(self.run.get("title") or self.scan.title or "scan")


def open_source(path: Path, *, scan: Path | None = None) -> Source:
    """Open a folder that `map` wrote along with its scan, or a scan alone.

    Parameters
    ----------
    path
        A result's folder or a scan.
    scan
        Where a result's scan is now, if not where ``run.json`` says.

    Raises
    ------
    FileFormatError
        If the result is damaged or of another version.
    ScanError
        If the scan has moved, is another, or cannot be read.
    """
    if not (path / _RUN).is_file():
        if scan is not None:
            raise FileFormatError(
                f"{path} is no result, so that --scan {scan} has nothing to go with.",
                expected="a folder that `lithoscope map` wrote, or a scan without --scan",
            )
        return _source(path)
    run = _read_run(path)
    stored = open_stored_map(path)
    if scan is not None:
        return _source(scan, stored, run)
    given = Path(run["input"])
    # A relative path was meant from where `map` ran; beside the result is worth a look.
    places = (given, path.resolve().parent / given)
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise ScanError(
            f"The scan of {path}, {run['input']}, is not there.",
            expected="the scan where it was when it was mapped",
            remedy=f"say where it is now: lithoscope view {path} --scan PATH",
        )
    return _source(found, stored, run)


def _source(
    path: Path, stored: StoredMap | None = None, run: Mapping[str, Any] | None = None
) -> Source:
    scan = open_scan(path)
    overview = read_overview(path) if path.suffix.lower() == _WITH_OVERVIEW else None
    return Source(scan, stored, run or {}, overview)


def _read_run(folder: Path) -> dict[str, Any]:
    path = folder / _RUN
    raw = read_bounded(path, limit=_MAX_RUN_BYTES, error=FileFormatError)
    try:
        run = json.loads(raw)
        written_by = str(run["versions"]["lithoscope"])
        run["input"], run["model"] = str(run["input"]), str(run["model"])
        run["energy_axis"]["channels"] = int(run["energy_axis"]["channels"])
        run["options"] = dict(run.get("options") or {})
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise FileFormatError(
            f"{path} cannot be read ({type(problem).__name__}: {str(problem)[:120]}).",
            expected="what `lithoscope map` wrote",
            remedy="map the scan anew",
        ) from None
    own = version_of("lithoscope")
    if _series(written_by) != _series(own):
        raise FileFormatError(
            f"{folder} was written by lithoscope {written_by[:40]}, and this is {own}.",
            expected=f"a result of lithoscope {'.'.join(_series(own))}",
            remedy="map the scan anew, or install the version that wrote it",
        )
    return dict(run)


def _series(version: str) -> list[str]:
    """Major and minor number, within which results keep their layout."""
    return version.split(".")[:2]
