"""Make a model from nothing: simulate, fit, test, and keep it all together."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.evaluation.by_counts import accuracy_by_counts, fit_unknown_threshold
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.minerals.groups import joined_groups, label_set_from_groups
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold, save_checkpoint
from lithoscope.models.registry import build_network
from lithoscope.preprocess.chain import Chain
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.bank import SpectrumBank, bank_edges, build_bank
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.identify import identify_minerals
from lithoscope.workflows.model_notes import card_of_model
from lithoscope.workflows.recipe import Recipe

# Seeds of what must not be seen in training: held-out compositions, thresholds, tests.
_HELD_OUT, _THRESHOLD, _TEST = 1_000_003, 2_000_003, 3_000_017
_FALSE_ALARMS = 0.01

# What a card says in words.
_TRAINED_ON = (
    "Lithoscope's own simulation: natural compositions, Poisson noise, errors of energy gain and "
    "offset, machines of differing lens and voltage, half of the spectra with up to two fifths of "
    "their counts from other minerals, half with Bragg peaks at random energies"
)
_TESTED_ON = (
    "Lithoscope's own simulation: single minerals without Bragg peaks, compositions and machines "
    "drawn anew; not on measured spectra. A class is a group of minerals that the instrument "
    "cannot tell apart"
)
_NOT_MODELLED = "pile-up, stray lines"

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
    started = time.perf_counter()
    chosen = list(minerals if minerals is not None else load_library())
    labels = _separable_classes(chosen, recipe, progress)
    grouped = time.perf_counter()
    axis = ModelAxis(bins_per_fwhm=recipe.bins_per_fwhm)
    bank = _bank(recipe, chosen, labels, axis, recipe.seed, recipe.settings, progress)
    simulated = time.perf_counter()
    chain, network = _fitted_network(
        recipe, bank, axis, folder.with_name(folder.name + "-log"), progress
    )
    fitted = time.perf_counter()
    held_out = _bank(
        recipe, chosen, labels, axis, recipe.seed + _HELD_OUT, _held_out_settings(recipe), progress
    )
    untested = Checkpoint(
        name=folder.name,
        network_name=recipe.network,
        network=network,
        axis=axis,
        labels=labels,
        conditions=recipe.conditions(),
        instruments=tuple(recipe.instruments),
        threshold=UnknownThreshold((1.0,), ((np.inf,) * len(labels),), _FALSE_ALARMS),
        preprocessing=chain,
    )
    tested = _with_threshold_and_card(untested, recipe, bank, held_out)
    timings = {
        "group_s": round(grouped - started, 1),
        "simulate_s": round(simulated - grouped, 1),
        "train_s": round(fitted - simulated, 1),
        "test_s": round(time.perf_counter() - fitted, 1),
    }
    checkpoint = dataclasses.replace(tested, card={**tested.card, "timings": timings})
    save_checkpoint(checkpoint, folder)
    (folder / "CARD.md").write_text(card_of_model(checkpoint), encoding="utf-8")
    return checkpoint


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


def _fitted_network(
    recipe: Recipe, bank: SpectrumBank, axis: ModelAxis, log_folder: Path, progress: Progress
) -> tuple[Chain, nn.Module]:
    # Imported here: Lightning takes seconds, and nothing but training needs it.
    from lithoscope.training.fit import FitSettings, fit_network, seed_weights
    from lithoscope.training.fit_chain import fit_chain

    settings = FitSettings(
        spectra=recipe.spectra,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
    )
    stream = SpectrumStream(
        bank, recipe.conditions(), axis.edges_keV, batch_size=recipe.batch_size, seed=recipe.seed
    )
    seed_weights(recipe.seed)
    chain = fit_chain(
        recipe.chain(),
        stream,
        axis.edges_keV,
        settings,
        log_folder=log_folder.with_name(log_folder.name + "-preprocessing"),
        progress=lambda seen, _: progress("train the preprocessing", seen, recipe.spectra, ""),
    )
    bound = chain.on(axis.edges_keV)
    network = build_network(
        recipe.network,
        n_bins=bound.leaves.length,
        n_classes=len(bank.labels),
        n_inputs=bound.leaves.channels,
    )

    def report(seen: int, accuracy: float) -> None:
        progress("train", seen, recipe.spectra, f"accuracy {accuracy:.1%}")

    fit_network(network, stream, settings, log_folder=log_folder, chain=bound, progress=report)
    return chain, network


def _held_out_settings(recipe: Recipe) -> int:
    return max(2, recipe.settings // 2)


def _bank(
    recipe: Recipe,
    minerals: Sequence[Mineral],
    labels: LabelSet,
    axis: ModelAxis,
    seed: int,
    settings: int,
    progress: Progress,
) -> SpectrumBank:
    edges = bank_edges(
        low_keV=axis.low_keV,
        high_keV=axis.high_keV,
        noise_keV=axis.noise_keV,
        fano_keV=axis.fano_keV,
    )
    return build_bank(
        minerals=minerals,
        labels=labels,
        instruments=distinct_physics([load_instrument(name) for name in recipe.instruments]),
        conditions=recipe.conditions(),
        settings=settings,
        compositions=recipe.compositions,
        edges_keV=edges,
        seed=seed,
        progress=lambda done, total: progress("simulate", done, total, ""),
    )


def distinct_physics(instruments: Sequence[Instrument]) -> list[Instrument]:
    """Leave out instruments that differ from an earlier one in name and energy axis alone."""
    first = instruments[0]
    kept: dict[Instrument, Instrument] = {}
    for instrument in instruments:
        key = dataclasses.replace(instrument, name="any", axis=first.axis)
        kept.setdefault(key, instrument)
    return list(kept.values())


def _with_threshold_and_card(
    checkpoint: Checkpoint, recipe: Recipe, bank: SpectrumBank, held_out: SpectrumBank
) -> Checkpoint:
    threshold = fit_unknown_threshold(
        checkpoint,
        bank=held_out,
        false_alarms=_FALSE_ALARMS,
        spectra_per_class=recipe.threshold_spectra,
        seed=recipe.seed + _THRESHOLD,
    )
    levels = accuracy_by_counts(
        checkpoint,
        held_out=held_out,
        templates=bank,
        spectra=recipe.test_spectra,
        seed=recipe.seed + _TEST,
    )
    parameters = sum(weight.numel() for weight in checkpoint.network.parameters())
    card: dict[str, Any] = {
        "trained_on": _TRAINED_ON,
        "tested_on": _TESTED_ON,
        "classes": len(checkpoint.labels),
        "parameters": parameters,
        "recipe": recipe.model_dump(),
        "accuracy": [dataclasses.asdict(level) for level in levels],
        "baseline": "spectral angle mapping (SAM) against every expected spectrum of the training "
        "bank, on the same test spectra",
        "not_modelled": _NOT_MODELLED,
    }
    return dataclasses.replace(checkpoint, threshold=threshold, card=card)
