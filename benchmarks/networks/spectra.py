"""The spectra that every network and baseline gets: the same for all of one condition and seed."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
import torch
from benchmarks.preprocessing.source import Drawn, Kept
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.baselines.base import LabelledCounts
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import find_condition
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

LEVELS = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
# "Ideal" is an undistorted measurement: single thick minerals, machines as described, and counting
# noise, without which there would be nothing to measure.
CONDITIONS = {"ideal": "poisson", "realistic": "realistic"}
# Seeds of compositions and machines that nothing was fitted to, and of the ceiling's templates.
HELD_OUT, TEMPLATES = 6_000_011, 7_000_003
_INSTRUMENT = "m4-tornado"
_TEST_BATCH, _MACHINES = 1000, 32
# Spectra of a class that classical learners are fitted to: a forest of more outgrows the memory.
EACH_CLASS = 60


@dataclass(frozen=True)
class Size:
    """How much is simulated.

    Parameters
    ----------
    spectra
        On which a network is trained.
    tested
        Spectra at each level of counts.
    """

    spectra: int
    tested: int

    def key(self) -> str:
        """Name a size, so that results of different sizes are kept apart."""
        return "-".join(str(value) for value in dataclasses.astuple(self))


def labels() -> LabelSet:
    """The shipped model's classes."""
    return find_checkpoint("default").labels


def edges_keV() -> NDArray[np.float64]:
    """Edges of the shipped model's bins."""
    return ModelAxis().edges_keV


def stream(condition: str, seed: int, batch_size: int, machines: int = 24) -> SpectrumStream:
    """Spectra of the shipped model's classes, balanced."""
    classes, library = labels(), load_library()
    return SpectrumStream(
        [library.get(name) for name in classes.members],
        classes,
        [load_instrument(_INSTRUMENT)],
        find_condition(CONDITIONS[condition]),
        edges_keV(),
        batch_size=batch_size,
        seed=seed,
        size=GenerationSize(machines, 512),
    )


@functools.lru_cache(maxsize=1)
def to_fit(condition: str, seed: int, spectra: int) -> Drawn:
    """Spectra that networks are trained on."""
    return Drawn(stream(condition, seed, 256), spectra)


@functools.lru_cache(maxsize=1)
def to_fit_baselines(condition: str, seed: int) -> LabelledCounts:
    """The first spectra of the same stream, as many of each class."""
    source, n_classes = stream(condition, seed, 256), len(labels())
    batches = [source.batch(number) for number in range(4 * EACH_CLASS * n_classes // 256)]
    classes = torch.cat([batch.classes for batch in batches]).numpy()
    order = np.argsort(classes, kind="stable")
    starts = np.searchsorted(classes[order], np.arange(n_classes))
    rows = np.sort(np.concatenate([order[first : first + EACH_CLASS] for first in starts]))
    return LabelledCounts(
        torch.cat([batch.counts for batch in batches]).numpy()[rows],
        torch.cat([batch.expected for batch in batches]).numpy()[rows],
        classes[rows],
        n_classes,
    )


def held_out(condition: str, seed: int, spectra: int) -> SpectrumStream:
    """Compositions and machines that nothing was fitted to."""
    return stream(condition, seed, spectra, _MACHINES)


@functools.lru_cache(maxsize=2)
def tests(condition: str, size: Size) -> dict[float, Kept]:
    """Spectra to test on, of the same grains at each level."""
    source = held_out(condition, HELD_OUT, min(_TEST_BATCH, size.tested))
    found = {}
    for level in LEVELS:
        at_level = source.at(level)
        batches = [at_level.batch(number) for number in range(-(-size.tested // source.batch_size))]
        found[level] = Kept(
            torch.cat([batch.counts for batch in batches])[: size.tested],
            torch.cat([batch.classes for batch in batches])[: size.tested],
        )
    return found
