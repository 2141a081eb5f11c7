"""Do runs that share a training, from nothing to their lines."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lithoscope.errors import LithoscopeError
from lithoscope.workflows.study import measures
from lithoscope.workflows.study.arm import CEILING
from lithoscope.workflows.study.learners import Learnt, fitted, simulate
from lithoscope.workflows.study.phantom_maps import phantoms
from lithoscope.workflows.study.runs import Run, RunLine, simulator_version
from lithoscope.workflows.study.time_limit import OverTimeError, limited_to
from lithoscope.workflows.study.transfer import carrying_over
from lithoscope.workflows.study.unknowns import unknown


def lines_of_runs(runs: Sequence[Run], data: Path | None) -> Iterator[RunLine]:
    """Fit once, then measure what each run asks.

    A run that fails or takes too long gives a line that says why.

    Parameters
    ----------
    runs
        What to do; all with the same training.
    data
        Folder of other codes' and measured spectra.
    """
    learnt: Learnt | None = None
    unfit: LithoscopeError | None = None
    for run in runs:
        started, used, shared = time.monotonic(), time.process_time(), run is not runs[0]
        result, missing = {}, None
        try:
            if unfit is not None:
                # What could not be fitted once is not tried for each of the runs.
                raise unfit
            if learnt is None and run.case.is_network:
                # Others may be fitted to the same, so that it is not of this run's time.
                with limited_to(run.size.limit_s):
                    simulate(run.case, run.size, run.seed)
            with limited_to(run.size.limit_s):
                learnt = learnt or _fitted(run)
                result = _measured(learnt, run, data)
        except LithoscopeError as error:
            unfit = error if learnt is None else None
            over = (
                f"over its {run.size.limit_s:.0f} s: " if isinstance(error, OverTimeError) else ""
            )
            missing = over + str(error.problem)
        seconds = time.monotonic() - started, time.process_time() - used
        fitted_to = 0 if learnt is None else learnt.spectra
        yield _line(run, seconds, missing, result, shared=shared, spectra=fitted_to)


def _line(
    run: Run,
    seconds: tuple[float, float],
    missing: str | None,
    result: dict[str, measures.Measured],
    *,
    shared: bool,
    spectra: int,
) -> RunLine:
    return RunLine(
        arm=run.arm,
        case=run.case_name,
        seed=run.seed,
        recipe=run.recipe,
        simulator=simulator_version(),
        size=str(run.size),
        seconds=round(seconds[0], 2),
        processor_s=round(seconds[1], 2),
        missing=missing,
        data=run.data,
        shared=shared,
        spectra=spectra,
        result=result,
    )


def _fitted(run: Run) -> Learnt:
    # The best possible is no learner: it is worked out where it is measured.
    if run.case.learner == CEILING:
        return Learnt(lambda counts: np.empty((len(counts), 0)), are_logits=False, spectra=0)
    return fitted(run.case, run.size, run.seed)


def _measured(learnt: Learnt, run: Run, data: Path | None) -> dict[str, measures.Measured]:
    if run.case.learner == CEILING:
        return {"ceiling": measures.ceiling(run.case, run.size, run.seed)}
    found: dict[str, measures.Measured] = {"cost": learnt.cost}
    case, size = run.case, run.size
    for name in case.measures:
        if name == "accuracy":
            found[name] = measures.accuracy(learnt, case, size)
        elif name == "corruption":
            found[name] = measures.corruption(learnt, case, size)
        elif name == "calibration":
            found[name] = measures.calibration(learnt, case, size)
        elif name == "missing ranges":
            found[name] = measures.missing_ranges(learnt, case, size)
        elif name == "phantoms":
            found[name] = phantoms(learnt, case, size, run.seed)
        elif name == "unknown":
            found[name] = unknown(learnt, case, size, run.seed)
        else:
            found[name] = carrying_over(learnt, case, size, data)
    return found
