"""Spectra of a case: to fit to, to test on, and of other makers."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.baselines.base import LabelledCounts
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.study.arm import Case, condition_from_text
from lithoscope.workflows.study.size import StudySize

# Seeds of compositions and machines that nothing was fitted to, and of the ceiling's templates.
HELD_OUT, TEMPLATES = 6_000_011, 7_000_003
BATCH = 256
_TEST_BATCH, _PER_TEST_MACHINE = 1000, 60
_OWN_INSTRUMENTS = Path(__file__).parent / "instruments"
# Channels of the M4 Tornado from where the model's axis begins.
_CHANNELS = EnergyAxis(0.805, 0.01, 3870)

Kept = tuple[Tensor, Tensor]


def labels(size: StudySize) -> LabelSet:
    """The shipped model's classes, or those of a few minerals."""
    groups = find_checkpoint("default").labels.groups
    if not size.groups:
        return LabelSet(groups)
    return LabelSet(tuple(group for group in groups if set(group.members) & set(size.groups)))


def edges_keV(axis: str) -> NDArray[np.float64]:
    """Edges of the bins that a case works on."""
    return _CHANNELS.edges_keV if axis == "channels" else ModelAxis().edges_keV


def find_instrument(name: str) -> Instrument:
    """An instrument by its name, also of the study's own."""
    own = _OWN_INSTRUMENTS / f"{name}.yaml"
    return load_instrument(own if own.is_file() else name)


def stream(
    case: Case,
    condition: str,
    size: StudySize,
    *,
    seed: int,
    batch_size: int,
    generation: GenerationSize,
    for_test: bool = False,
) -> SpectrumStream:
    """Spectra of all classes, balanced; those to test on always have all of the physics."""
    classes, library = labels(size), load_library()
    return SpectrumStream(
        [library.get(name) for name in classes.members],
        classes,
        [find_instrument(name) for name in case.instruments],
        condition_from_text(condition),
        edges_keV(case.axis),
        batch_size=batch_size,
        seed=seed,
        size=generation,
        left_out=() if for_test else case.physics_left_out,
    )


def to_fit(case: Case, size: StudySize, seed: int) -> SpectrumStream:
    """Spectra that a case is fitted to."""
    generation = GenerationSize(size.machines, size.per_machine)
    return stream(
        case, case.trained_under, size, seed=seed, batch_size=BATCH, generation=generation
    )


def to_fit_baseline(case: Case, size: StudySize, seed: int) -> LabelledCounts:
    """The first spectra of the same stream, as many of each class."""
    source, n_classes = to_fit(case, size, seed), len(labels(size))
    # Four times as many as are taken: classes come at random.
    number = -(-4 * size.each_class * n_classes // BATCH)
    batches = [source.batch(one) for one in range(number)]
    classes = torch.cat([batch.classes for batch in batches]).numpy()
    order = np.argsort(classes, kind="stable")
    starts = np.searchsorted(classes[order], np.arange(n_classes))
    rows = [order[first : first + size.each_class] for first in starts]
    chosen = np.sort(np.concatenate(rows))
    return LabelledCounts(
        torch.cat([batch.counts for batch in batches]).numpy()[chosen],
        torch.cat([batch.expected for batch in batches]).numpy()[chosen],
        classes[chosen],
        n_classes,
    )


def held_out(
    case: Case, condition: str, size: StudySize, spectra: int, seed: int = HELD_OUT
) -> SpectrumStream:
    """Compositions and machines that nothing was fitted to."""
    batch = min(_TEST_BATCH, spectra)
    # Tests of few spectra are many, and each machine takes as long as hundreds of spectra.
    machines = min(size.test_machines, max(1, spectra // _PER_TEST_MACHINE))
    generation = GenerationSize(machines, -(-batch // machines))
    return stream(
        case,
        condition,
        size,
        seed=seed,
        batch_size=batch,
        generation=generation,
        for_test=True,
    )


def tests(
    case: Case, condition: str, size: StudySize, levels: tuple[float, ...], spectra: int
) -> dict[float, Kept]:
    """Counts and classes at each level; the last sets that were asked for are kept."""
    return _tests(case.instruments, case.axis, condition, size, levels, spectra)


@functools.lru_cache(maxsize=160)
def _tests(
    instruments: tuple[str, ...],
    axis: str,
    condition: str,
    size: StudySize,
    levels: tuple[float, ...],
    spectra: int,
) -> dict[float, Kept]:
    alike = Case.model_validate({"learner": "SAM", "instruments": instruments, "axis": axis})
    source = held_out(alike, condition, size, spectra)
    found = {}
    for level in levels:
        at_level = source.at(level)
        batches = [at_level.batch(number) for number in range(-(-spectra // source.batch_size))]
        counts = torch.cat([batch.counts for batch in batches])[:spectra]
        found[level] = counts, torch.cat([batch.classes for batch in batches])[:spectra]
    return found
