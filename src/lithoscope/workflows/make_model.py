"""Make a model from nothing: simulate, fit, test, and keep it all together."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.evaluation.by_counts import (
    accuracy_by_counts,
    fit_unknown_threshold,
    templates_from_stream,
)
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.minerals.groups import joined_groups, label_set_from_groups
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold, check_model_folder
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS, Condition
from lithoscope.synthesis.distortions.voltage import voltage_range
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.identify import identify_minerals
from lithoscope.workflows.new_model import fitted_network, save_with_card
from lithoscope.workflows.recipe import Recipe

# Added to the recipe's seed for what must not be seen in training: thresholds, templates, tests.
_THRESHOLD, _TEMPLATE, _TEST = 2_000_003, 1_000_003, 3_000_017
_FALSE_ALARMS = 0.01
_TEST_BATCH = 2048
# Templates of spectral angle mapping for each mineral, and how they vary: as natural grains on real
# machines do, without noise and what is foreign.
_TEMPLATES = 30
_TEMPLATE_CONDITION = Condition(
    "templates",
    dict.fromkeys(
        ("voltage", "filter", "optic", "air", "resolution", "tail", "coherent", "thickness"), 2.0
    ),
)
_TEST_CONDITIONS = ("poisson", "realistic")

# What a card says in words.
_TRAINED_ON = (
    "Lithoscope's own simulation under the condition '{condition}' (docs/distortions.md): natural "
    "compositions, each spectrum with its own, on machines drawn anew"
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
    axis = ModelAxis(bins_per_fwhm=recipe.bins_per_fwhm)
    spectra = _Spectra(recipe, chosen, labels, axis)
    stream = spectra.stream(recipe.measured_under(), seed=0, batch_size=recipe.batch_size)
    chain, network = fitted_network(recipe, stream, axis, folder, progress=progress)
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
    timings = {
        "group_s": round(grouped - started, 1),
        "train_s": round(fitted - grouped, 1),
        "test_s": round(time.perf_counter() - fitted, 1),
    }
    return save_with_card(tested, folder, timings)


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Where a recipe's spectra come from, for training and for tests."""

    recipe: Recipe
    minerals: Sequence[Mineral]
    labels: LabelSet
    axis: ModelAxis

    @property
    def instruments(self) -> list[Instrument]:
        return distinct_physics([load_instrument(name) for name in self.recipe.instruments])

    @property
    def voltages_kV(self) -> tuple[float, float]:
        acting = self.recipe.measured_under().distortions
        ranges = [voltage_range(one, acting) for one in self.instruments]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def for_tests(self, condition: Condition, *, seed: int) -> SpectrumStream:
        """Return a stream of many machines with few spectra each.

        Accuracies must not hang on few machines: a tenth of them have filters.
        """
        batch_size = min(_TEST_BATCH, self.recipe.test_spectra)
        machines = self.recipe.test_machines
        size = GenerationSize(machines, -(-batch_size // machines), machines)
        return self.stream(condition, seed=seed, batch_size=batch_size, size=size)

    def stream(
        self,
        condition: Condition,
        *,
        seed: int,
        batch_size: int,
        size: GenerationSize | None = None,
    ) -> SpectrumStream:
        """Return a stream on the model's axis; `seed` is added to the recipe's."""
        recipe = self.recipe
        own = GenerationSize(recipe.machines, recipe.per_machine, recipe.renewed_machines)
        return SpectrumStream(
            self.minerals,
            self.labels,
            self.instruments,
            condition,
            self.axis.edges_keV,
            batch_size=batch_size,
            seed=recipe.seed + seed,
            size=size or own,
        )


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


def distinct_physics(instruments: Sequence[Instrument]) -> list[Instrument]:
    """Leave out instruments that differ from an earlier one in name and energy axis alone."""
    first = instruments[0]
    kept: dict[Instrument, Instrument] = {}
    for instrument in instruments:
        key = dataclasses.replace(instrument, name="any", axis=first.axis)
        kept.setdefault(key, instrument)
    return list(kept.values())


def _with_threshold_and_card(
    checkpoint: Checkpoint, spectra: _Spectra, progress: Progress
) -> Checkpoint:
    recipe = spectra.recipe
    progress("test", 0, 1 + len(_TEST_CONDITIONS), "thresholds")
    threshold = fit_unknown_threshold(
        checkpoint,
        spectra.stream(recipe.measured_under(), seed=_THRESHOLD, batch_size=_TEST_BATCH),
        false_alarms=_FALSE_ALARMS,
        spectra_per_class=recipe.threshold_spectra,
    )
    count = _TEMPLATES * len(spectra.minerals)
    templates = templates_from_stream(spectra.for_tests(_TEMPLATE_CONDITION, seed=_TEMPLATE), count)
    accuracy = {}
    for number, name in enumerate(_TEST_CONDITIONS):
        progress("test", 1 + number, 1 + len(_TEST_CONDITIONS), name)
        stream = spectra.for_tests(CONDITIONS[name], seed=_TEST)
        levels = accuracy_by_counts(checkpoint, stream, templates, spectra=recipe.test_spectra)
        accuracy[name] = [dataclasses.asdict(level) for level in levels]
    progress("test", 1 + len(_TEST_CONDITIONS), 1 + len(_TEST_CONDITIONS), "")
    card: dict[str, Any] = {
        "trained_on": _TRAINED_ON.format(condition=checkpoint.condition.name),
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
