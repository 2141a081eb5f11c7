"""What is measured of something that names spectra, on spectra it was not fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.evaluation.calibration import calibration_from_probabilities
from lithoscope.evaluation.ceiling import ceiling_by_counts
from lithoscope.inference.calibration import (
    HeldOut,
    fit_temperature,
    probabilities_from_logits,
)
from lithoscope.models.confidence import Temperature
from lithoscope.synthesis.distortions import NAMES
from lithoscope.workflows.study import spectra
from lithoscope.workflows.study.arm import Case
from lithoscope.workflows.study.learners import Learnt
from lithoscope.workflows.study.size import StudySize

# Noise is in every test: what is asked is what comes on top of it.
CORRUPTIONS = tuple(name for name in NAMES if name != "poisson")
CORRUPTED_COUNTS = 1_000.0
# Solved one spectrum after the other, some hundred a second: fewer are tested.
_TESTED_BY_NNLS = 1_000
# Widths of a range of channels that is missing, and where it may begin.
MISSING_KEV = (0.0, 0.25, 0.5, 1.0, 2.0)
_FROM_KEV, _TO_KEV = 1.0, 12.0
_TEMPLATE_BATCH = 4_096

Measured = dict[str, Any]


def accuracy(learnt: Learnt, case: Case, size: StudySize) -> Measured:
    """Share named right under each condition at each level."""
    found: Measured = {}
    for condition in case.tests:
        sets = spectra.tests(case, condition, size, case.levels, size.tested)
        for level, (counts, classes) in sets.items():
            number = _TESTED_BY_NNLS if case.learner == "NNLS" else len(counts)
            share = _right(learnt, counts[:number], classes[:number])
            found.setdefault(condition, {})[f"{level:g}"] = share
    return found


def corruption(learnt: Learnt, case: Case, size: StudySize) -> Measured:
    """Share named wrong at each severity of each distortion, one at a time, with noise."""
    found: Measured = {}
    for name in CORRUPTIONS:
        for severity in size.severities:
            condition, levels = f"{name}@{severity}", (CORRUPTED_COUNTS,)
            sets = spectra.tests(case, condition, size, levels, size.corrupted)
            wrong = 1 - _right(learnt, *sets[CORRUPTED_COUNTS])
            found.setdefault(name, []).append(wrong)
    return found


def calibration(learnt: Learnt, case: Case, size: StudySize) -> Measured:
    """Calibration error, Brier score and likelihood at each level, as they are and scaled.

    The temperatures, one a level, are fitted under the condition of training, on compositions and
    machines of neither training nor tests; tests take them at each spectrum's own counts, as
    prediction does.
    """
    temperature = _temperature(learnt, case, size)
    found: Measured = {}
    for condition in case.tests:
        sets = spectra.tests(case, condition, size, case.levels, size.tested)
        for level, (counts, classes) in sets.items():
            scores = np.asarray(learnt.scores(counts), dtype=np.float32)
            raw = torch.softmax(torch.from_numpy(scores), dim=1).numpy()
            totals = counts.sum(dim=1).numpy()
            scaled = probabilities_from_logits(
                logits=scores, counts=totals, temperature=temperature
            )
            values: dict[str, float] = {}
            for ending, probabilities in (("", raw), ("_scaled", scaled)):
                one = calibration_from_probabilities(
                    probabilities=probabilities, classes=classes.numpy()
                )
                values |= {
                    f"ece{ending}": one.ece,
                    f"brier{ending}": one.brier,
                    f"nll{ending}": one.nll,
                }
            found.setdefault(condition, {})[f"{level:g}"] = values
    return found


def _temperature(learnt: Learnt, case: Case, size: StudySize) -> Temperature:
    return fit_temperature(
        [
            HeldOut(level, learnt.scores(counts), classes.numpy())
            for level, (counts, classes) in spectra.after_training(case, size).items()
        ]
    )


def missing_ranges(learnt: Learnt, case: Case, size: StudySize) -> Measured:
    """Share named right when a range of each spectrum is missing, at another place in each."""
    edges = spectra.edges_keV(case.axis)
    found: Measured = {}
    for condition in case.tests:
        sets = spectra.tests(case, condition, size, case.levels, size.tested)
        for level, (counts, classes) in sets.items():
            shares = {
                f"{width:g}": _right(learnt, without_range(counts, edges, width), classes)
                for width in MISSING_KEV
            }
            found.setdefault(condition, {})[f"{level:g}"] = shares
    return found


def without_range(
    counts: Tensor, edges_keV: NDArray[np.float64], width_keV: float, seed: int = 0
) -> Tensor:
    """Take a range of this width out of each spectrum, in whole bins.

    Parameters
    ----------
    counts
        Shape (spectrum, bin).
    edges_keV
        Shape (bin + 1,).
    width_keV
        A bin whose middle lies in the range is emptied.
    seed
        Seed of the ranges' places, from 1 to 12 keV.
    """
    start = np.random.default_rng(seed).uniform(_FROM_KEV, _TO_KEV, (len(counts), 1))
    middle = (edges_keV[:-1] + edges_keV[1:])[None, :] / 2
    gone = (middle >= start) & (middle < start + width_keV)
    return torch.where(torch.from_numpy(gone), torch.zeros_like(counts), counts)


def ceiling(case: Case, size: StudySize, seed: int) -> Measured:
    """What the best classifier would reach, as two bounds, under each condition."""
    found: Measured = {}
    number = min(1_000, size.tested)
    for condition in case.tests:
        for one in ceiling_by_counts(
            spectra.held_out(case, condition, size, number),
            spectra.held_out(case, condition, size, _TEMPLATE_BATCH, spectra.TEMPLATES + seed),
            levels=case.levels,
            templates_per_class=size.templates,
        ):
            found.setdefault(condition, {})[f"{one.counts:g}"] = {
                "low": one.estimates[-1],
                "high": one.estimates[-1] if one.converged else one.upper,
            }
    return found


def _right(learnt: Learnt, counts: Tensor, classes: Tensor) -> float:
    return float((learnt.scores(counts).argmax(axis=1) == classes.numpy()).mean())
