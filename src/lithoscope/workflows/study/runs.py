"""Runs as JSON lines of one file, which is all that a study remembers."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lithoscope.errors import OutputError
from lithoscope.io.aside import written_aside
from lithoscope.workflows.study.arm import Case
from lithoscope.workflows.study.size import StudySize

# Packages on which it depends what a spectrum looks like, and which minerals there are.
_SIMULATOR = ("core", "physics", "minerals", "synthesis")


class RunLine(BaseModel):
    """One run that is over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arm: str
    case: str
    seed: int
    # Of what was asked, and of the simulator and the library.
    recipe: str
    simulator: str
    size: str
    seconds: float
    # Why there is no result, where there is none.
    missing: str | None = None
    spectra: int = 0
    result: dict[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Run:
    """One run that may have to be done."""

    arm: str
    case_name: str
    case: Case
    seed: int
    size: StudySize

    @property
    def recipe(self) -> str:
        """Short hash of all that the run is made from but the simulator."""
        asked = {"case": self.case.model_dump(), "seed": self.seed, "size": repr(self.size)}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]


@cache
def simulator_version() -> str:
    """Short hash of the simulator's and the library's files."""
    digest = hashlib.sha256()
    root = Path(str(resources.files("lithoscope")))
    for package in _SIMULATOR:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".yaml", ".json", ".csv"):
                digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


class RunFile:
    """The lines of a study's folder.

    A line that was cut off when its writing was, without an end of line, is dropped; any other
    line that is no run is refused.

    Parameters
    ----------
    path
        ``runs.jsonl``; made with the first run.

    Raises
    ------
    OutputError
        If a line is no run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[RunLine] = []
        whole, _, cut_off = self._content().rpartition(b"\n")
        for number, text in enumerate(whole.splitlines(), start=1):
            try:
                self.lines.append(RunLine.model_validate_json(text))
            except ValidationError as error:
                raise OutputError(
                    f"Line {number} of {path} is no run: {error.errors()[0]['msg']}.",
                    expected="one JSON object a line, as `lithoscope study` writes it",
                    remedy="take the line out; its run is then done again",
                ) from error
        self._cut_off = bool(cut_off)
        self._whole = whole + b"\n" if whole else b""

    def _content(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b""

    def find(self, run: Run) -> RunLine | None:
        """Return the newest line of a run that is not stale."""
        for line in reversed(self.lines):
            named_alike = (line.arm, line.case) == (run.arm, run.case_name)
            if named_alike and self.is_of(line, run):
                return line
        return None

    @staticmethod
    def is_of(line: RunLine, run: Run) -> bool:
        """Whether a line holds what a run would give, in whatever arm."""
        return (line.recipe, line.simulator) == (run.recipe, simulator_version())

    def add(self, line: RunLine) -> None:
        """Append a line at once, in one write that is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._cut_off:
            with written_aside(self.path) as aside:
                aside.write_bytes(self._whole)
            self._cut_off = False
        data = (line.model_dump_json() + "\n").encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.lines.append(line)

    def expected_seconds(self, run: Run, otherwise: float) -> float:
        """Longest time of runs of the same arm and size; something else where there are none."""
        times = [
            line.seconds
            for line in self.lines
            if line.size == str(run.size) and line.arm == run.arm and line.missing is None
        ]
        return max(times, default=otherwise)
