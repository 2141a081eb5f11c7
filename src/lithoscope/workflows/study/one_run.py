"""Do one run, from nothing to its line."""

from __future__ import annotations

import time
from pathlib import Path

from lithoscope.errors import LithoscopeError
from lithoscope.workflows.study import measures
from lithoscope.workflows.study.arm import CEILING
from lithoscope.workflows.study.learners import Learnt, OverTimeError, fitted
from lithoscope.workflows.study.phantom_maps import phantoms
from lithoscope.workflows.study.runs import Run, RunLine, simulator_version
from lithoscope.workflows.study.transfer import carrying_over
from lithoscope.workflows.study.unknowns import unknown


def line_of_run(run: Run, data: Path | None) -> RunLine:
    """Fit and measure; a run that fails or takes too long gives a line that says why.

    Parameters
    ----------
    run
        What to do.
    data
        Folder of other codes' and measured spectra.
    """
    started = time.monotonic()
    spectra, result, missing = 0, {}, None
    try:
        if run.case.learner == CEILING:
            result = {"ceiling": measures.ceiling(run.case, run.size, run.seed)}
        else:
            learnt = fitted(run.case, run.size, run.seed, started + run.size.limit_s)
            spectra, result = learnt.spectra, _measured(learnt, run, data)
    except OverTimeError as error:
        missing = f"over its {run.size.limit_s:.0f} s: {error.problem}"
    except LithoscopeError as error:
        missing = str(error.problem)
    return RunLine(
        arm=run.arm,
        case=run.case_name,
        seed=run.seed,
        recipe=run.recipe,
        simulator=simulator_version(),
        size=str(run.size),
        seconds=round(time.monotonic() - started, 2),
        missing=missing,
        spectra=spectra,
        result=result,
    )


def _measured(learnt: Learnt, run: Run, data: Path | None) -> dict[str, measures.Measured]:
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
