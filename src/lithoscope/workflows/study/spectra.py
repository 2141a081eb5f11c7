"""Spectra of a case: to fit to, to test on, and of other makers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import Group, LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.baselines.base import LabelledCounts
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.study.arm import Axis, Case, condition_from_text
from lithoscope.workflows.study.size import StudySize

# Seeds of compositions and machines that nothing was fitted to: for tests, for the ceiling's
# templates, and for what is set after training, such as a temperature or a threshold.
HELD_OUT, TEMPLATES, AFTER_TRAINING = 6_000_011, 7_000_003, 6_500_003
# Which classes are left out; not the run's seed, so that all runs of a case lack the same.
_LEFT_OUT_SEED = 11
BATCH = 256
_TEST_BATCH, _PER_TEST_MACHINE = 1000, 60
_FEWER_FOR_STRANGERS = 4
_OWN_INSTRUMENTS = Path(__file__).parent / "instruments"
# Channels of the M4 Tornado from where the model's axis begins.
_CHANNELS = EnergyAxis(0.805, 0.01, 3870)

Kept = tuple[Tensor, Tensor]


def labels(size: StudySize, case: Case | None = None) -> LabelSet:
    """The shipped model's classes, or those of a few minerals; less those that a case leaves out.

    Parameters
    ----------
    size
        Which minerals there are.
    case
        What is learnt; all classes when left out.
    """
    gone = set(left_out(size, case)) if case is not None else set()
    return LabelSet(tuple(group for group in _all_groups(size) if group not in gone))


def left_out(size: StudySize, case: Case) -> tuple[Group, ...]:
    """Classes that a case never sees in training, in the model's order."""
    if not case.left_out:
        return ()
    groups = _all_groups(size)
    number = max(1, round(case.left_out * len(groups)))
    chosen = np.random.default_rng(_LEFT_OUT_SEED).permutation(len(groups))[:number]
    return tuple(groups[place] for place in sorted(chosen))


@functools.cache
def _all_groups(size: StudySize) -> tuple[Group, ...]:
    groups = find_checkpoint("default").labels.groups
    return tuple(
        group for group in groups if not size.groups or set(group.members) & set(size.groups)
    )


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
    strangers: Sequence[Sequence[Mineral]] = (),
) -> SpectrumStream:
    """Spectra of all classes, balanced; those to test on always have all of the physics.

    Strangers are further classes, after those that the case learns.
    """
    classes, library = labels(size, case), load_library()
    minerals = [library.get(name) for name in classes.members]
    others = tuple(Group(tuple(one.name for one in members)) for members in strangers)
    return SpectrumStream(
        [*minerals, *(one for members in strangers for one in members)],
        LabelSet((*classes, *others)),
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
    source, n_classes = to_fit(case, size, seed), len(labels(size, case))
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
    case: Case,
    condition: str,
    size: StudySize,
    spectra: int,
    seed: int = HELD_OUT,
    strangers: Sequence[Sequence[Mineral]] = (),
) -> SpectrumStream:
    """Compositions and machines that nothing was fitted to; strangers as of `stream`."""
    batch = min(_TEST_BATCH, spectra)
    # Tests of few spectra are many, and each machine takes as long as hundreds of spectra.
    machines = min(size.test_machines, max(1, spectra // _PER_TEST_MACHINE))
    if strangers:
        # With all their elements besides those that are known, a machine takes longer still.
        machines = -(-machines // _FEWER_FOR_STRANGERS)
    generation = GenerationSize(machines, -(-batch // machines))
    return stream(
        case,
        condition,
        size,
        seed=seed,
        batch_size=batch,
        generation=generation,
        for_test=True,
        strangers=strangers,
    )


def tests(
    case: Case, condition: str, size: StudySize, levels: tuple[float, ...], spectra: int
) -> dict[float, Kept]:
    """Counts and classes at each level; the last sets that were asked for are kept."""
    alike = case.instruments, case.axis, case.left_out
    return _tests(*alike, condition, size, levels, spectra, HELD_OUT)


def after_training(case: Case, size: StudySize) -> dict[float, Kept]:
    """What temperatures and thresholds are set by, levels rising.

    Under the condition of training, which is all that is known then, and on compositions and
    machines of neither training nor tests.
    """
    alike = case.instruments, case.axis, case.left_out
    levels = tuple(sorted(case.levels))
    return _tests(*alike, case.trained_under, size, levels, size.tested, AFTER_TRAINING)


@functools.lru_cache(maxsize=160)
def _tests(
    instruments: tuple[str, ...],
    axis: Axis,
    share_left_out: float,
    condition: str,
    size: StudySize,
    levels: tuple[float, ...],
    spectra: int,
    seed: int,
) -> dict[float, Kept]:
    alike = Case(learner="SAM", instruments=instruments, axis=axis, left_out=share_left_out)
    return _drawn(held_out(alike, condition, size, spectra, seed), levels, spectra)


def strange_tests(
    case: Case,
    condition: str,
    size: StudySize,
    strangers: Sequence[Sequence[Mineral]],
    levels: tuple[float, ...],
    spectra: int,
) -> dict[float, Kept]:
    """Spectra of what a case does not know, at each level, measured as those of `tests` are.

    Where a condition mixes minerals, strangers are mixed with each other and with what is known.

    Parameters
    ----------
    case, condition, size, levels
        As of `tests`.
    strangers
        Minerals of each class that is not known.
    spectra
        How many at each level.

    Returns
    -------
    dict
        Counts, and places among the strangers in place of classes.
    """
    known = len(labels(size, case))
    # Classes come equally often: of few strangers each is several, so that half of all are strange.
    copies = [
        [dataclasses.replace(one, name=f"{one.name} {copy}") for one in members]
        for copy in range(-(-known // len(strangers)))
        for members in strangers
    ]
    source = held_out(case, condition, size, spectra, strangers=copies)
    found = _drawn(source, levels, spectra, from_class=known)
    return {
        level: (counts, (classes - known) % len(strangers))
        for level, (counts, classes) in found.items()
    }


def _drawn(
    source: SpectrumStream, levels: tuple[float, ...], spectra: int, from_class: int = 0
) -> dict[float, Kept]:
    """The first spectra of some classes, the same grains at each level."""
    parts: dict[float, list[Kept]] = {level: [] for level in levels}
    made, number = 0, 0
    while made < spectra:
        # Levels within batches: the maker keeps one generation, which would else be made for each.
        for level in levels:
            batch = source.at(level).batch(number)
            kept = batch.classes >= from_class
            parts[level].append((batch.counts[kept], batch.classes[kept]))
        made, number = made + int(kept.sum()), number + 1
    return {
        level: (
            torch.cat([counts for counts, _ in found])[:spectra],
            torch.cat([classes for _, classes in found])[:spectra],
        )
        for level, found in parts.items()
    }
