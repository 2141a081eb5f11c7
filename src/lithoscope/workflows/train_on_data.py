"""Make a model of a data set: fit to its training split, test on its test split."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.on_data import (
    accuracy_on_split,
    templates_from_split,
    threshold_from_split,
)
from lithoscope.io import load_instrument, shipped_instruments
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold, check_model_folder
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.datasets.reading import Dataset, hash_of_dataset
from lithoscope.synthesis.distortions.voltage import voltage_range
from lithoscope.training.on_data import BinnedSplit, DatasetBatches, counted_once, split_on_axis
from lithoscope.training.validation import Validation
from lithoscope.workflows.make_model import NOT_MODELLED
from lithoscope.workflows.new_model import Progress, fitted_network, save_with_card
from lithoscope.workflows.recipe import Recipe

DEFAULT_EPOCHS = 30
_FALSE_ALARMS = 0.01
# Few spectra go in smaller batches, so that an epoch has this many steps, down to this size.
_STEPS_OF_EPOCH, _SMALLEST_BATCH = 20, 8
_HELD_OUT = {"validation": 1, "test": 2}


def train_on_data(
    dataset: Dataset,
    recipe: Recipe,
    folder: Path,
    *,
    epochs: int = DEFAULT_EPOCHS,
    patience: int | None = None,
    instrument: str | None = None,
    progress: Progress = lambda stage, done, total, note: None,
) -> Checkpoint:
    """Train a model on a data set and save it, with its card, to a folder.

    The minerals that the data set names are the classes. Noise is put on expected spectra of
    Lithoscope alone, anew whenever one is seen; all others are taken as they are.

    Parameters
    ----------
    dataset
        The spectra.
    recipe
        Network, batch size, learning rate and seed; for expected spectra the counts as well. The
        rest of it plays no part.
    folder
        Where the model goes; its training log goes beside it, to ``<folder>-log``.
    epochs
        How often each training spectrum is seen.
    patience
        Epochs in a row that are no better on the validation split, after which training stops.
    instrument
        Name or file of what the spectra were measured with; the data set's when left out, or the
        recipe's first where the data set does not say or names one that does not ship.
    progress
        Called with stage, steps done, steps in all, and a remark.
    """
    if epochs < 1:
        raise InvalidValueError(f"{epochs} epochs.", expected="one or more")
    check_model_folder(folder)
    started = time.perf_counter()
    name, source = _instrument(dataset, recipe, instrument)
    axis = recipe.axis()
    digest = hash_of_dataset(dataset)
    splits = {split: split_on_axis(dataset, split, axis) for split in dataset.splits}
    condition = _measured_under(dataset, recipe, splits["training"], digest)
    if dataset.is_noise_free:
        splits |= _counted_held_out(splits, condition, recipe.seed)
    batches = _batches(dataset, splits["training"], condition, recipe)
    spectra = epochs * batches.per_epoch * batches.batch_size
    shown = recipe.model_copy(update={"spectra": spectra, "batch_size": batches.batch_size})
    validation = _validation(splits, batches.per_epoch, patience)
    chain, network = fitted_network(
        shown, batches, axis, folder, validation=validation, progress=progress
    )
    fitted = time.perf_counter()
    untested = Checkpoint(
        name=folder.name,
        network_name=recipe.network,
        network=network,
        axis=axis,
        labels=dataset.labels,
        condition=condition,
        instruments=(name,),
        voltages_kV=voltage_range(load_instrument(name), condition.distortions),
        threshold=UnknownThreshold((1.0,), ((np.inf,) * len(dataset.labels),), _FALSE_ALARMS),
        preprocessing=chain,
    )
    tested = _tested(untested, splits, progress)
    card = {
        **tested.card,
        "trained_on": _trained_on(dataset, digest, source),
        "seen": f"{'up to ' if patience else ''}{epochs} epochs of {len(splits['training']):,} "
        f"spectra in batches of {batches.batch_size}",
        "recipe": shown.model_dump(),
        "dataset": {"name": dataset.folder.name, "sha256": digest},
        "not_modelled": NOT_MODELLED if dataset.condition else "not known, not of Lithoscope",
    }
    timings = {
        "group_s": 0.0,
        "train_s": round(fitted - started, 1),
        "test_s": round(time.perf_counter() - fitted, 1),
    }
    return save_with_card(dataclasses.replace(tested, card=card), folder, timings)


def _measured_under(
    dataset: Dataset, recipe: Recipe, training: BinnedSplit, digest: str
) -> Condition:
    """Say how the spectra that the network sees were measured, under a name of this data set."""
    stated = dataset.condition or Condition("measured elsewhere")
    name = f"{stated.name} of data set {digest[:12]}"
    if dataset.is_noise_free:
        return Condition(name, {**stated.severities, "poisson": 2.0}, recipe.counts)
    low, high = training.totals.min(), training.totals.max()
    return Condition(name, stated.severities, (max(float(low), 1.0), max(float(high), 1.0)))


def _counted_held_out(
    splits: dict[str, BinnedSplit], condition: Condition, seed: int
) -> dict[str, BinnedSplit]:
    """Return the splits that are not trained on, counted once."""
    return {
        name: counted_once(splits[name], condition, seed=seed, turn=turn)
        for name, turn in _HELD_OUT.items()
        if name in splits
    }


def _batches(
    dataset: Dataset, training: BinnedSplit, condition: Condition, recipe: Recipe
) -> DatasetBatches:
    smaller = max(_SMALLEST_BATCH, len(training) // _STEPS_OF_EPOCH)
    return DatasetBatches(
        training,
        dataset.labels,
        condition,
        batch_size=min(recipe.batch_size, len(training), smaller),
        seed=recipe.seed,
        noisy=dataset.is_noise_free,
    )


def _validation(
    splits: dict[str, BinnedSplit], every: int, patience: int | None
) -> Validation | None:
    if "validation" not in splits:
        if patience is not None:
            raise InvalidValueError(
                f"Patience of {patience} epochs, and no validation split.",
                expected="a data set with spectra to validate on",
                remedy="leave --patience out, or make the data set with --split 70,15,15",
            )
        return None
    split = splits["validation"]
    counts, classes = torch.from_numpy(split.counts), torch.from_numpy(split.classes)
    return Validation(counts, classes, every, patience)


def _instrument(dataset: Dataset, recipe: Recipe, given: str | None) -> tuple[str, str]:
    """Return the instrument's name or file, and where that is known from."""
    if given is not None:
        load_instrument(given)
        return given, "as --instrument says"
    if dataset.instrument in shipped_instruments():
        return str(dataset.instrument), "as the data set says"
    return recipe.instruments[0], "assumed, for want of one that ships in the data set"


def _tested(
    checkpoint: Checkpoint, splits: dict[str, BinnedSplit], progress: Progress
) -> Checkpoint:
    known = "validation" if "validation" in splits else "training"
    progress("test", 0, 2, "thresholds")
    threshold = threshold_from_split(checkpoint, splits[known], false_alarms=_FALSE_ALARMS)
    progress("test", 1, 2, "test split")
    templates = templates_from_split(splits["training"])
    overall, levels = accuracy_on_split(checkpoint, splits["test"], templates)
    progress("test", 2, 2, "")
    card: dict[str, Any] = {
        "tested_on": f"the data set's test split, {overall.spectra:,} spectra, of which the "
        f"network named {overall.network:.1%} ± {overall.standard_error:.1%} right and SAM "
        f"{overall.sam:.1%}; in the table each spectrum stands at the count level nearest to its "
        f"own. Thresholds of 'unknown' are from the {known} split",
        "classes": len(checkpoint.labels),
        "parameters": sum(weight.numel() for weight in checkpoint.network.parameters()),
        "accuracy": {"test split": [dataclasses.asdict(level) for level in levels]},
        "accuracy_overall": dataclasses.asdict(overall),
        "baseline": f"spectral angle mapping (SAM) against {len(templates.classes)} spectra of the "
        "training split, those of most counts of each class",
    }
    return dataclasses.replace(checkpoint, threshold=threshold, card=card)


def _trained_on(dataset: Dataset, digest: str, source: str) -> str:
    made = "spectra that are not Lithoscope's simulation, taken as they are"
    if dataset.condition is not None:
        made = f"Lithoscope's own simulation under the condition '{dataset.condition.name}'"
    noise = "; counting noise was put on, anew for each epoch" if dataset.is_noise_free else ""
    return (
        f"data set '{dataset.folder.name}' (SHA-256 {digest}): {made}{noise}. A class is a mineral "
        f"that the data name; whether the instrument can tell them apart was not asked. The "
        f"instrument is {source}"
    )
