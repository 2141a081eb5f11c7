"""Make a model from nothing: simulate, fit, test, and keep it all together."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.evaluation.by_counts import (
    accuracy_by_counts,
    fit_unknown_threshold,
    templates_from_stream,
)
from lithoscope.minerals import load_library
from lithoscope.minerals.groups import joined_groups, label_set_from_groups
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold, check_model_folder
from lithoscope.synthesis.conditions import CONDITIONS, Condition
from lithoscope.workflows.calibrate import TEST_CONDITIONS, TEST_SEED, with_calibration
from lithoscope.workflows.card_ceiling import with_ceiling
from lithoscope.workflows.fit_unknown import with_detector
from lithoscope.workflows.identify import identify_minerals
from lithoscope.workflows.model_spectra import TEST_BATCH, ModelSpectra
from lithoscope.workflows.new_model import fitted_network, save_with_card
from lithoscope.workflows.recipe import Recipe

# Added to the recipe's seed for what must not be seen in training: thresholds and templates.
_THRESHOLD, _TEMPLATE = 2_000_003, 1_000_003
_FALSE_ALARMS = 0.01
# Templates of spectral angle mapping for each mineral, and how they vary: as natural grains on real
# machines do, without noise and what is foreign.
_TEMPLATES = 30
_TEMPLATE_CONDITION = Condition(
    "templates",
    dict.fromkeys(
        ("voltage", "filter", "optic", "air", "resolution", "tail", "coherent", "thickness"), 2.0
    ),
)

# What a card says in words.
_TRAINED_ON = (
    "Lithoscope's own simulation under the condition '{condition}' (docs/distortions.md): natural "
    "compositions, each spectrum with its own, on machines drawn anew; {undistorted:.0%} of the "
    "spectra undistorted (single thick minerals, instruments as described), {pure:.0%} of the "
    "grains without traces, every other one of these at its ideal formula"
)
_TESTED_ON = (
    "Lithoscope's own simulation, compositions and machines drawn anew: 'poisson' is single thick "
    "minerals with counting noise on the instruments as described, 'realistic' has every "
    "distortion at severity 2, mixtures among them; not on measured spectra. A class is a group "
    "of minerals that the instrument cannot tell apart"
)
NOT_MODELLED = "fluorescence excited by scattered radiation, diffraction of the sample's own lines"

Progress = Callable[[str, int, int, str], None]


def make_model(
    recipe: Recipe,
    folder: Path,
    *,
    minerals: Sequence[Mineral] | None = None,
    progress: Progress = lambda stage, done, total, note: None,
) -> Checkpoint:
    """Train a model by a recipe and save it, with its card, to a folder.

    Parameters
    ----------
    recipe
        What to train, on what, and how long.
    folder
        Where the model goes; its training log goes beside it, to ``<folder>-log``.
    minerals
        Classes to learn; the whole shipped library when left out.
    progress
        Called with stage, steps done, steps in all, and a remark.
    """
    check_model_folder(folder)
    started = time.perf_counter()
    chosen = list(minerals if minerals is not None else load_library())
    labels = _separable_classes(chosen, recipe, progress)
    grouped = time.perf_counter()
    axis = recipe.axis()
    spectra = ModelSpectra(recipe, chosen, labels, axis)
    chain, network = fitted_network(recipe, spectra.for_training(), axis, folder, progress=progress)
    fitted = time.perf_counter()
    untested = Checkpoint(
        name=folder.name,
        network_name=recipe.network,
        network=network,
        axis=spectra.axis,
        labels=labels,
        condition=recipe.measured_under(),
        instruments=tuple(recipe.instruments),
        voltages_kV=spectra.voltages_kV,
        threshold=UnknownThreshold((1.0,), ((np.inf,) * len(labels),), _FALSE_ALARMS),
        preprocessing=chain,
    )
    tested = _with_threshold_and_card(untested, spectra, progress)
    tested = with_ceiling(with_calibration(tested, spectra, progress), spectra, progress)
    tested = with_detector(tested, spectra, progress)
    timings = {
        "group_s": round(grouped - started, 1),
        "train_s": round(fitted - grouped, 1),
        "test_s": round(time.perf_counter() - fitted, 1),
    }
    return save_with_card(tested, folder, timings)


def _separable_classes(minerals: Sequence[Mineral], recipe: Recipe, progress: Progress) -> LabelSet:
    """Classes as fine as the first of the recipe's instruments can separate.

    Minerals that the recipe wants in one class are put there.
    """
    if len(minerals) == 1:
        return LabelSet.of_minerals([minerals[0].name])
    found = identify_minerals(
        minerals, recipe.instruments[0], advice=False, seed=recipe.seed, progress=progress
    )
    groups = joined_groups(found.groups, recipe.one_class)
    return label_set_from_groups(groups, [mineral.name for mineral in minerals])


def _with_threshold_and_card(
    checkpoint: Checkpoint, spectra: ModelSpectra, progress: Progress
) -> Checkpoint:
    recipe = spectra.recipe
    progress("test", 0, 1 + len(TEST_CONDITIONS), "thresholds")
    threshold = fit_unknown_threshold(
        checkpoint,
        spectra.stream(recipe.measured_under(), seed=_THRESHOLD, batch_size=TEST_BATCH),
        false_alarms=_FALSE_ALARMS,
        spectra_per_class=recipe.threshold_spectra,
    )
    count = _TEMPLATES * len(spectra.minerals)
    templates = templates_from_stream(spectra.for_tests(_TEMPLATE_CONDITION, seed=_TEMPLATE), count)
    accuracy = {}
    for number, name in enumerate(TEST_CONDITIONS):
        progress("test", 1 + number, 1 + len(TEST_CONDITIONS), name)
        stream = spectra.for_tests(CONDITIONS[name], seed=TEST_SEED)
        levels = accuracy_by_counts(checkpoint, stream, templates, spectra=recipe.test_spectra)
        accuracy[name] = [dataclasses.asdict(level) for level in levels]
    progress("test", 1 + len(TEST_CONDITIONS), 1 + len(TEST_CONDITIONS), "")
    card: dict[str, Any] = {
        "trained_on": _TRAINED_ON.format(
            condition=checkpoint.condition.name,
            undistorted=recipe.undistorted_share,
            pure=recipe.pure_share,
        ),
        "tested_on": _TESTED_ON,
        "classes": len(checkpoint.labels),
        "parameters": sum(weight.numel() for weight in checkpoint.network.parameters()),
        "recipe": recipe.model_dump(),
        "accuracy": accuracy,
        "baseline": f"spectral angle mapping (SAM) against {count} expected spectra of natural "
        "compositions on drawn machines, on the same test spectra",
        "not_modelled": NOT_MODELLED,
    }
    return dataclasses.replace(checkpoint, threshold=threshold, card=card)
