"""Runs as JSON lines of one file, which is all that a study remembers."""

from __future__ import annotations

import dataclasses
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
_READ = (".py", ".yaml", ".json", ".csv")
# Made-up samples of the shipped model's detector, which no study fits.
_NOT_SIMULATOR = ("surrogates.py",)


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
    # By the clock, and of the processor.
    seconds: float
    processor_s: float
    # Why there is no result, where there is none.
    missing: str | None = None
    # Of other makers' spectra, where some were measured on.
    data: str | None = None
    # Whether another run's training, or all of another arm's line, was taken over.
    shared: bool = False
    copied: bool = False
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
    # Short hash of other makers' spectra, where there are some.
    data: str | None = None

    @property
    def recipe(self) -> str:
        """Short hash of all that the run is made from but the simulator and others' spectra."""
        return self._hashed(self.case.asked())

    @property
    def training(self) -> str:
        """Short hash of all that fitting depends on but the simulator."""
        return self._hashed(self.case.training())

    @property
    def lacks_data(self) -> bool:
        """Whether it cannot be done for want of other makers' spectra."""
        return self.case.needs_data and self.data is None

    def _hashed(self, case: dict[str, Any]) -> str:
        # How long a run may take says nothing of what comes of it.
        size = dataclasses.replace(self.size, limit_s=0.0)
        asked = {"case": case, "seed": self.seed, "size": repr(size)}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]


@cache
def simulator_version() -> str:
    """Short hash of the simulator's and the library's files."""
    digest = hashlib.sha256()
    root = Path(str(resources.files("lithoscope")))
    for package in _SIMULATOR:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in _READ and path.name not in _NOT_SIMULATOR:
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
        self._cut_off = self.read_again()

    def read_again(self) -> bool:
        """Take the lines that are there now, another study's of the same folder among them.

        Returns
        -------
        bool
            Whether there is one more that is not whole.
        """
        whole, _, cut_off = self._content().rpartition(b"\n")
        self.lines = []
        for number, text in enumerate(whole.splitlines(), start=1):
            try:
                self.lines.append(RunLine.model_validate_json(text))
            except ValidationError as error:
                raise OutputError(
                    f"Line {number} of {self.path} is no run: {error.errors()[0]['msg']}.",
                    expected="one JSON object a line, as `lithoscope study` writes it",
                    remedy="take the line out; its run is then done again",
                ) from error
        return bool(cut_off)

    def _content(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b""

    def find(self, run: Run) -> RunLine | None:
        """Return the newest line of a run that is not stale."""
        for line in reversed(self.lines):
            if self._is_named(line, run) and self.is_of(line, run):
                return line
        return None

    def has_stale(self, run: Run) -> bool:
        """Whether a run has lines, all of them of another simulator, recipe or data."""
        return self.find(run) is None and any(self._is_named(line, run) for line in self.lines)

    @staticmethod
    def is_of(line: RunLine, run: Run) -> bool:
        """Whether a line holds what a run would give, in whatever arm.

        A run without other makers' spectra takes what was measured on any.
        """
        same = (line.recipe, line.simulator) == (run.recipe, simulator_version())
        if run.case.needs_data:
            return same and line.data is not None and run.data in (None, line.data)
        return same

    @staticmethod
    def _is_named(line: RunLine, run: Run) -> bool:
        named = (line.arm, line.case, line.seed, line.size)
        return named == (run.arm, run.case_name, run.seed, str(run.size))

    def add(self, line: RunLine) -> None:
        """Append a line at once, in one write that is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._cut_off:
            # As it is now: another study may have added lines since it was opened.
            kept, end, _ = self._content().rpartition(b"\n")
            with written_aside(self.path) as aside:
                aside.write_bytes(kept + end)
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
