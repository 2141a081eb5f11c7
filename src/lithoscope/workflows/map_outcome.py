"""What became of each of many scans, and the tables that say so."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lithoscope.errors import LithoscopeError
from lithoscope.io.aside import written_aside
from lithoscope.workflows.mineral_map import MineralMap, files_in

MAPPED, THERE, FAILED, FAULT = "mapped", "already there", "failed", "fault of Lithoscope"
_COLUMNS = ("scan", "outcome", "pixels", "void", "unknown_percent", "seconds", "folder", "reason")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one scan.

    Parameters
    ----------
    scan, folder
        Its file, and the folder of its result.
    outcome
        `MAPPED`, `THERE` if an earlier run of the same job had mapped it, `FAILED` for what the
        user can mend, or `FAULT`.
    reason
        Why it failed.
    seconds
        From the first of its blocks to its last file.
    rows
        The rows of ``minerals.csv``, where this run made them.
    warnings
        What a reader of the map must know, a line each.
    files
        Paths of its files by purpose.
    """

    scan: Path
    folder: Path
    outcome: str
    reason: str = ""
    seconds: float | None = None
    rows: Sequence[Mapping[str, Any]] = ()
    warnings: tuple[str, ...] = ()
    files: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def of_map(cls, scan: Path, folder: Path, result: MineralMap, seconds: float) -> Outcome:
        """Say that a scan was mapped; of its layers nothing is kept."""
        return cls(
            *(scan, folder, MAPPED),
            seconds=seconds,
            rows=result.percentages(),
            warnings=result.warnings,
            files=files_in(folder),
        )

    @classmethod
    def of_error(cls, scan: Path, folder: Path, error: Exception) -> Outcome:
        """Say that a scan could not be mapped."""
        if isinstance(error, LithoscopeError):
            return cls(scan, folder, FAILED, reason=str(error))
        return cls(scan, folder, FAULT, reason=f"{type(error).__name__}: {error}")

    @property
    def ok(self) -> bool:
        """Whether there is a map."""
        return self.outcome in (MAPPED, THERE)

    def row(self) -> dict[str, Any]:
        """Return a row of the summary as plain values."""
        special = {str(row["mineral"]): row for row in self.rows}
        return {
            "scan": str(self.scan),
            "outcome": self.outcome,
            "pixels": sum(row["pixels"] for row in self.rows) if self.rows else None,
            "void": special.get("void", {}).get("pixels"),
            "unknown_percent": special.get("unknown", {}).get("area_percent"),
            "seconds": None if self.seconds is None else round(self.seconds, 2),
            "folder": str(self.folder) if self.ok else None,
            "reason": self.reason or None,
        }


def write_summary(outcomes: Sequence[Outcome], stem: Path) -> tuple[Path, Path]:
    """Write the summary of many scans as ``<stem>.csv`` and ``<stem>.json``.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    rows = [outcome.row() for outcome in outcomes]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    paths = stem.with_name(f"{stem.name}.csv"), stem.with_name(f"{stem.name}.json")
    texts = stream.getvalue(), json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    for path, text in zip(paths, texts, strict=True):
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")
    return paths
