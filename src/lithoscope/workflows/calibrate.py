"""Give a model its temperature and conformal thresholds, and measure what they are worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.evaluation.by_counts import COUNT_LEVELS
from lithoscope.evaluation.calibration import calibration_from_probabilities, held_out_from_stream
from lithoscope.evaluation.confusions import most_frequent_confusions
from lithoscope.inference.calibration import (
    HeldOut,
    fit_conformal,
    fit_temperature,
    prediction_sets,
    probabilities_from_logits,
)
from lithoscope.models.checkpoint import Checkpoint, check_model_folder, find_checkpoint
from lithoscope.models.confidence import UNCALIBRATED, ConformalThresholds, Temperature
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.workflows.fit_unknown import with_detector
from lithoscope.workflows.model_spectra import ModelSpectra, spectra_of_model
from lithoscope.workflows.new_model import save_with_card

# Added to the recipe's seed for spectra that no training, threshold or other test has seen.
TEST_SEED, _CALIBRATION_SEED = 3_000_017, 5_000_011
TEST_CONDITIONS = ("poisson", "realistic")
# Most spectra at each level by which a model is calibrated, and tested. Their machines are drawn as
# for tests, many with few spectra each: those of thresholds share some thirty machines, and a set's
# coverage on the next machine would hang on them.
_SPECTRA = 12_288
_TESTED_COVERAGE = 0.95
# Pairs of classes that a card names.
_CONFUSIONS = 20

Progress = Callable[[str, int, int, str], None]


def with_calibration(
    checkpoint: Checkpoint,
    spectra: ModelSpectra,
    progress: Progress = lambda stage, done, total, note: None,
    *,
    count: int | None = None,
    levels: Sequence[float] = COUNT_LEVELS,
) -> Checkpoint:
    """Return a model with temperature and conformal thresholds, and both tested in its card.

    Parameters
    ----------
    checkpoint
        The model; what calibration it has is replaced, its weights and thresholds of the unknown
        stay.
    spectra
        Where held-out spectra come from.
    progress
        Called with stage, steps done, steps in all and a remark.
    count
        Spectra at each level to calibrate by, and to test with (of which there are at least the
        recipe's `test_spectra`); when left out, as many as for thresholds and
        12 288 at most.
    levels
        Total counts.
    """
    recipe = spectra.recipe
    count = count or min(_SPECTRA, recipe.threshold_spectra * len(checkpoint.labels))
    steps = 1 + len(TEST_CONDITIONS)
    progress("calibrate", 0, steps, "")
    stream = spectra.for_tests(checkpoint.condition, seed=_CALIBRATION_SEED)
    held_out = held_out_from_stream(checkpoint, stream, spectra=count, levels=levels)
    temperature = fit_temperature(held_out)
    conformal = fit_conformal(held_out, temperature)
    tested: dict[str, list[dict[str, Any]]] = {}
    confusions: dict[str, list[dict[str, Any]]] = {}
    for number, name in enumerate(TEST_CONDITIONS):
        progress("calibrate", 1 + number, steps, f"test, {name}")
        stream = spectra.for_tests(CONDITIONS[name], seed=TEST_SEED)
        unseen = held_out_from_stream(
            checkpoint, stream, spectra=max(count, recipe.test_spectra), levels=levels
        )
        tested[name] = [_row(level, temperature, conformal) for level in unseen]
        confusions[name] = _confusions(unseen, checkpoint.labels)
    progress("calibrate", steps, steps, "")
    card = {
        **checkpoint.card,
        "calibration": tested,
        "confusions": confusions,
        "calibrated_on": f"{conformal.spectra:,} spectra at each count level of the condition it "
        "was trained under, on machines drawn anew, apart from those of the test",
    }
    return dataclasses.replace(checkpoint, temperature=temperature, conformal=conformal, card=card)


def recalibrate(
    model: str,
    folder: Path,
    *,
    count: int | None = None,
    progress: Progress = lambda stage, done, total, note: None,
) -> Checkpoint:
    """Fit calibration and detector of a trained model anew, and save it; its weights stay.

    Parameters
    ----------
    model
        Name of a shipped model, or a folder.
    folder
        Where the calibrated model goes; may be the folder of the model itself.
    count
        Spectra at each level of counts to calibrate by, as for `with_calibration`.
    progress
        As for `with_calibration`.

    Raises
    ------
    CheckpointError
        If the model's card lacks the recipe by which spectra are drawn.
    MineralError
        If the model has minerals that are not in the library.
    """
    check_model_folder(folder)
    checkpoint = find_checkpoint(model)
    spectra = spectra_of_model(checkpoint)
    calibrated = with_calibration(checkpoint, spectra, progress, count=count)
    calibrated = with_detector(calibrated, spectra, progress, count=count)
    return save_with_card(calibrated, folder, calibrated.card["timings"])


def _row(
    level: HeldOut, temperature: Temperature, conformal: ConformalThresholds
) -> dict[str, Any]:
    """Calibration before and after at one level, and what the sets of 95 % are like."""
    counts = np.full(len(level.classes), level.counts)
    before, after = (
        probabilities_from_logits(logits=level.logits, counts=counts, temperature=one)
        for one in (UNCALIBRATED, temperature)
    )
    sets = prediction_sets(
        conformal=conformal, probabilities=after, counts=counts, coverage=_TESTED_COVERAGE
    )
    return {
        "counts": level.counts,
        "spectra": len(level.classes),
        **_figures(before, level.classes, "before"),
        **_figures(after, level.classes, "after"),
        "coverage_asked": _TESTED_COVERAGE,
        "coverage": float(sets[np.arange(len(sets)), level.classes].mean()),
        "set_size": float(sets.sum(axis=1).mean()),
    }


def _confusions(unseen: Sequence[HeldOut], labels: LabelSet) -> list[dict[str, Any]]:
    """The most frequent confusions at the level whose counts are nearest to a thousand."""
    level = min(unseen, key=lambda one: abs(np.log(one.counts / 1000)))
    found = most_frequent_confusions(
        truth=level.classes,
        named=level.logits.argmax(axis=1),
        n_classes=len(labels),
        count=_CONFUSIONS,
    )
    return [
        {
            "counts": level.counts,
            "truth": labels.labels[one.truth],
            "named": labels.labels[one.named],
            "share": one.share,
            "spectra": one.spectra,
        }
        for one in found
    ]


def _figures(
    probabilities: NDArray[np.float32], classes: NDArray[np.integer], when: str
) -> dict[str, Any]:
    found = calibration_from_probabilities(probabilities=probabilities, classes=classes)
    return {
        f"ece_{when}": found.ece,
        f"brier_{when}": found.brier,
        f"nll_{when}": found.nll,
        f"reliability_{when}": [
            [round(one.confidence, 5), round(one.accuracy, 5), one.spectra] for one in found.bins
        ],
    }
