"""What all ways to a new model share: fit a network, and save it with its card."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from lithoscope.models.checkpoint import Checkpoint, save_checkpoint
from lithoscope.models.registry import build_network
from lithoscope.preprocess.chain import Chain
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.workflows.model_notes import card_of_model
from lithoscope.workflows.recipe import Recipe

if TYPE_CHECKING:
    from lithoscope.training.loop import Batches
    from lithoscope.training.validation import Validation

Progress = Callable[[str, int, int, str], None]


def fitted_network(
    recipe: Recipe,
    batches: Batches,
    axis: ModelAxis,
    folder: Path,
    *,
    validation: Validation | None = None,
    progress: Progress = lambda stage, done, total, note: None,
) -> tuple[Chain, nn.Module]:
    """Return the preprocessing of a recipe and a new network, both fitted.

    Parameters
    ----------
    recipe
        Network, seed, and how long to train at which rate.
    batches
        Spectra on `axis`, in batches of the recipe's size.
    axis
        The model's axis.
    folder
        Where the model will be; the log goes beside it, to ``<folder>-log``.
    validation
        Spectra by which the best weights are chosen; the last are taken without.
    progress
        Called with stage, spectra done, spectra in all, and the accuracy.
    """
    # Imported here: Lightning takes seconds, and nothing but training needs it.
    from lithoscope.training.fit import fit_network, seed_weights
    from lithoscope.training.fit_chain import fit_chain
    from lithoscope.training.loop import FitSettings

    settings = FitSettings(
        spectra=recipe.spectra,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
    )
    seed_weights(recipe.seed)
    chain = fit_chain(
        recipe.chain(),
        batches,
        axis.edges_keV,
        settings,
        log_folder=folder.with_name(folder.name + "-log-preprocessing"),
        progress=lambda seen, _: progress("train the preprocessing", seen, recipe.spectra, ""),
    )
    bound = chain.on(axis.edges_keV)
    network = build_network(
        recipe.network,
        n_inputs=bound.leaves.channels,
        n_bins=bound.leaves.length,
        n_classes=len(batches.labels),
    )

    def report(seen: int, accuracy: float) -> None:
        progress("train", seen, recipe.spectra, f"accuracy {accuracy:.1%}")

    log_folder = folder.with_name(folder.name + "-log")
    fit_network(
        network,
        batches,
        settings,
        log_folder=log_folder,
        chain=bound,
        validation=validation,
        asked=recipe.training(),
        progress=report,
    )
    return chain, network


def save_with_card(checkpoint: Checkpoint, folder: Path, timings: dict[str, float]) -> Checkpoint:
    """Save a model, and beside it its card as Markdown; return it with its timings."""
    checkpoint = dataclasses.replace(checkpoint, card={**checkpoint.card, "timings": timings})
    save_checkpoint(checkpoint, folder)
    (folder / "CARD.md").write_text(card_of_model(checkpoint), encoding="utf-8")
    return checkpoint
