"""The whole study: what is to be run, in which order, within a budget; then the report."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from lithoscope.errors import InvalidValueError
from lithoscope.workflows.study.arm import Arm, load_arms
from lithoscope.workflows.study.runs import Run, RunFile, RunLine
from lithoscope.workflows.study.size import FULL, QUICK, StudySize

RUNS, REPORT_HTML, REPORT_MD = "runs.jsonl", "report.html", "report.md"
_SECONDS_AN_HOUR = 3600.0

Progress = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class StudyMade:
    """What a study has come to.

    Parameters
    ----------
    done, planned
        Runs with a line, and in all.
    made_now
        Runs that this call did.
    report
        The page.
    """

    done: int
    planned: int
    made_now: int
    report: Path


def make_study(
    folder: Path,
    *,
    arms: Collection[str] | None = None,
    quick: bool = False,
    budget_hours: float | None = None,
    report_only: bool = False,
    data: Path | None = None,
    progress: Progress = lambda stage, done, total, note: None,
) -> StudyMade:
    """Do what runs are missing, and write the report of all that are there.

    Parameters
    ----------
    folder
        Where ``runs.jsonl``, the report and its figures are.
    arms
        Some arms; all when left out.
    quick
        All arms at toy size: a test of the machinery.
    budget_hours
        No run is begun that would not end within it.
    report_only
        Whether nothing is run.
    data
        Folder with XMI-MSIM's and measured spectra; runs that need them are left out without.
    progress
        Called with stage, runs done, runs in all, and which.

    Raises
    ------
    CheckpointError
        If there is no such arm.
    InvalidValueError
        If the budget is no positive number, or the folder of data holds none.
    OutputError
        If a line of ``runs.jsonl`` is no run.
    """
    from lithoscope.workflows.study.report import write_report
    from lithoscope.workflows.study.transfer import data_version

    if budget_hours is not None and not budget_hours > 0:
        raise InvalidValueError(f"A budget of {budget_hours} h.", expected="above 0")
    size = QUICK if quick else FULL
    chosen, lines = load_arms(arms), RunFile(folder / RUNS)
    runs = list(planned_runs(chosen, size, None if data is None else data_version(data)))
    made = 0
    if not report_only:
        until = time.monotonic() + _SECONDS_AN_HOUR * (budget_hours or 1e6)
        made = _do(runs, lines, until, data, progress)
    found = {run: lines.find(run) for run in runs}
    stale = {run for run in runs if lines.has_stale(run)}
    report = write_report(folder, chosen, found, size, stale)
    done = sum(line is not None for line in found.values())
    return StudyMade(done, len(runs), made, report)


def planned_runs(arms: dict[str, Arm], size: StudySize, data: str | None = None) -> Iterator[Run]:
    """All runs: arms in their order, and the first seed of all cases of an arm before the next."""
    for name, arm in arms.items():
        cases = arm.cases()
        # A quick study repeats only what a paired test needs twice.
        most = max(case.seeds for case in cases.values())
        seeds = range(min(most, 2 if arm.paired else 1) if size.is_quick else most)
        for seed, (case_name, case) in itertools.product(seeds, cases.items()):
            if seed < case.seeds:
                own = data if case.needs_data else None
                yield Run(name, case_name, case, seed, size, own)


def _do(
    runs: list[Run], lines: RunFile, until: float, data: Path | None, progress: Progress
) -> int:
    from lithoscope.workflows.study.one_run import lines_of_runs

    made = 0
    for number, run in enumerate(runs):
        progress("runs", number, len(runs), f"{run.arm}: {run.case_name}, seed {run.seed}")
        lines.read_again()
        if run.lacks_data or lines.find(run) is not None:
            continue
        twin = _twin(lines, run)
        if twin is not None:
            lines.add(twin)
            continue
        if time.monotonic() + lines.expected_seconds(run, run.size.limit_s) > until:
            break
        # Fitting takes longest: all that is still to be measured of what it gives is measured now.
        for line in lines_of_runs(_alike(runs[number:], run, lines), data):
            lines.add(line)
            made += 1
    progress("runs", len(runs), len(runs), "")
    return made


def _alike(runs: list[Run], first: Run, lines: RunFile) -> list[Run]:
    """The runs that have no line and are fitted as one is, once each."""
    found: dict[str, Run] = {}
    for run in runs:
        if run.training == first.training and not run.lacks_data and lines.find(run) is None:
            found.setdefault(run.recipe, run)
    return list(found.values())


def _twin(lines: RunFile, run: Run) -> RunLine | None:
    """The line of the same run of another arm, under this run's names."""
    for line in reversed(lines.lines):
        if lines.is_of(line, run) and line.missing is None:
            names = {"arm": run.arm, "case": run.case_name, "copied": True}
            return line.model_copy(update=names)
    return None
