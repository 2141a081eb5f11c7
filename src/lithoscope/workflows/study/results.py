"""The lines of one arm as numbers: means and spreads over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from lithoscope.workflows.study.arm import Arm
from lithoscope.workflows.study.runs import Run, RunLine

Spread = tuple[float, float]
NOTHING = "–"


@dataclass(frozen=True, eq=False)
class ArmResults:
    """What is known of one arm.

    Parameters
    ----------
    name, arm
        The arm.
    lines
        By case, the lines that have a result, seeds rising.
    missing
        What has none, and why.
    """

    name: str
    arm: Arm
    lines: dict[str, list[RunLine]]
    missing: list[str]

    @classmethod
    def of(
        cls,
        name: str,
        arm: Arm,
        found: dict[Run, RunLine | None],
        stale: Collection[Run] = (),
    ) -> ArmResults:
        """Take the lines of an arm's runs; of those without, some had one that is stale."""
        lines: dict[str, list[RunLine]] = {}
        missing = []
        for run, line in found.items():
            if run.arm != name:
                continue
            if line is None or line.missing is not None:
                why = line.missing if line is not None else _why_none(run, stale)
                missing.append(f"{name}: {run.case_name}, seed {run.seed}: {why}")
            else:
                lines.setdefault(run.case_name, []).append(line)
        ordered = {case: lines[case] for case in arm.cases() if case in lines}
        return cls(name, arm, ordered, missing)

    def values(self, case: str, *keys: str) -> list[float]:
        """The number at a path of keys in each line of a case; lines without it are left out."""
        found = [number_at(line.result, keys) for line in self.lines.get(case, [])]
        return [value for value in found if value is not None]

    def has(self, measure: str) -> bool:
        """Whether some line holds a measure."""
        return any(measure in line.result for lines in self.lines.values() for line in lines)

    def columns(self) -> list[tuple[str, str]]:
        """Conditions and levels that accuracies of some case are known for, in order."""
        found: dict[tuple[str, str], None] = {}
        for lines in self.lines.values():
            for line in lines:
                of_line = line.result.get("accuracy") or line.result.get("ceiling") or {}
                for condition, levels in of_line.items():
                    found.update(dict.fromkeys((condition, level) for level in levels))
        return list(found)


def _why_none(run: Run, stale: Collection[Run]) -> str:
    if run in stale:
        return "of another simulator, library or arm's file; to be run again"
    return "not run: needs --data" if run.lacks_data else "not run"


def number_at(values: Any, keys: Sequence[str]) -> float | None:
    """The number at a path of keys, or nothing."""
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return float(values) if isinstance(values, int | float) else None


def spread(values: Sequence[float]) -> Spread:
    """Mean and standard deviation, 0 of one value."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return statistics.fmean(values), deviation


def shown(values: Sequence[float], *, factor: float = 100.0, digits: int = 1) -> str:
    """Mean ± standard deviation; a dash for nothing, whole numbers that are all alike alone."""
    if not values:
        return NOTHING
    mean, deviation = spread([factor * value for value in values])
    text = f"{mean:,.{digits}f}"
    counted_alike = digits == 0 and deviation == 0
    return text if len(values) == 1 or counted_alike else f"{text} ± {deviation:,.{digits}f}"


def seeds_said(number: int) -> str:
    """Say how many seeds."""
    return f"{number} seed" if number == 1 else f"{number} seeds"
