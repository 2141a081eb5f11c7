"""A small model that lacks some minerals, to see whether it calls them unknown."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

import numpy as np

from lithoscope.core.labels import Group, LabelSet
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold, save_checkpoint
from lithoscope.workflows.model_spectra import ModelSpectra
from lithoscope.workflows.new_model import Progress, fitted_network
from lithoscope.workflows.recipe import Recipe


def model_without(
    checkpoint: Checkpoint,
    left_out: Collection[str],
    folder: Path,
    *,
    spectra: int,
    progress: Progress = lambda stage, done, total, note: None,
) -> Checkpoint:
    """Train a model as another was made, on fewer classes and fewer spectra, and save it.

    Parameters
    ----------
    checkpoint
        The model; its card holds its recipe.
    left_out
        Minerals that the new one is not to know; groups lose these members.
    folder
        Where it goes.
    spectra
        Spectra to train on.
    progress
        As of `fitted_network`.
    """
    recipe = Recipe.model_validate(checkpoint.card["recipe"]).model_copy(
        update={"spectra": spectra}
    )
    kept = (
        tuple(name for name in group.members if name not in left_out) for group in checkpoint.labels
    )
    labels = LabelSet(tuple(Group(members) for members in kept if members))
    library = load_library()
    known = ModelSpectra(
        recipe, [library.get(name) for name in labels.members], labels, checkpoint.axis
    )
    stream = known.stream(recipe.measured_under(), seed=0, batch_size=recipe.batch_size)
    chain, network = fitted_network(recipe, stream, checkpoint.axis, folder, progress=progress)
    model = dataclasses.replace(
        checkpoint,
        name=folder.name,
        network=network,
        labels=labels,
        condition=recipe.measured_under(),
        threshold=UnknownThreshold(
            (1.0,), ((np.inf,) * len(labels),), checkpoint.threshold.false_alarms
        ),
        preprocessing=chain,
        card={"recipe": recipe.model_dump(), "left_out": sorted(left_out)},
    ).with_network(network, name=folder.name)
    save_checkpoint(model, folder)
    return model
