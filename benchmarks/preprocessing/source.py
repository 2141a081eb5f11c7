"""Simulated spectra for the comparison: the one place that knows how the stream is used."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.labels import Group, LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.recipe import load_recipe

# Seed of compositions and machines that no network was trained on.
HELD_OUT = 1_000_003
_INSTRUMENT = "m4-tornado"
_TEST_BATCH = 1000


@dataclass(frozen=True, eq=False)
class Kept:
    """Counts, shape (spectrum, bin), and classes, shape (spectrum,)."""

    counts: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Size:
    """How much is simulated and trained.

    Parameters
    ----------
    machines, per_machine
        Machines of a generation of spectra, and spectra of each.
    spectra
        On which a network is trained.
    tested
        Spectra at each level of counts.
    minerals
        Classes of the library; 0 for all.
    """

    machines: int
    per_machine: int
    spectra: int
    tested: int
    minerals: int = 0

    def key(self) -> str:
        """Name a size, so that results of different sizes are kept apart."""
        return "-".join(str(value) for value in dataclasses.astuple(self))


def labels(size: Size) -> LabelSet:
    """The shipped model's classes, or the first few of them."""
    groups = find_checkpoint("default").labels.groups
    return LabelSet(tuple(Group(group.members) for group in groups[: size.minerals or None]))


def stream(
    size: Size, edges_keV: NDArray[np.float64], seed: int, *, batch_size: int = 256
) -> SpectrumStream:
    """Spectra under the condition that the shipped model is trained under."""
    classes, library = labels(size), load_library()
    return SpectrumStream(
        [library.get(name) for name in classes.members],
        classes,
        [load_instrument(_INSTRUMENT)],
        load_recipe("default").measured_under(),
        edges_keV,
        batch_size=batch_size,
        seed=seed,
        size=GenerationSize(size.machines, size.per_machine),
    )


class Drawn:
    """The batches of a stream, made once: every chain is fitted to the same spectra."""

    def __init__(self, made: SpectrumStream, spectra: int) -> None:
        self.labels, self.condition, self.seed = made.labels, made.condition, made.seed
        batches = (made.batch(number) for number in range(-(-spectra // made.batch_size)))
        # What a batch was counted from is as large as the counts, and nobody looks at it here.
        self._batches = [Kept(batch.counts, batch.classes) for batch in batches]

    def batch(self, number: int) -> Kept:
        return self._batches[number]


@functools.lru_cache(maxsize=2)
def drawn(size: Size, edges: tuple[float, ...], seed: int, spectra: int) -> Drawn:
    """Spectra to fit to, on bins with these edges."""
    return Drawn(stream(size, np.array(edges), seed), spectra)


@functools.lru_cache(maxsize=1)
def tests(size: Size, edges: tuple[float, ...], levels: tuple[float, ...]) -> list[Kept]:
    """Spectra to test on at each level, of compositions and machines not trained on."""
    made = held_out(size, np.array(edges))
    found = [with_truth(made, level, size.tested) for level in levels]
    return [Kept(counts, classes) for counts, _, classes in found]


def held_out(size: Size, edges_keV: NDArray[np.float64]) -> SpectrumStream:
    """Spectra to test on, of compositions and machines that no network was trained on."""
    return stream(size, edges_keV, HELD_OUT, batch_size=min(_TEST_BATCH, size.tested))


def with_truth(source: SpectrumStream, level: float, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Spectra of so many counts, their expectations, and their classes."""
    at_level = source.at(level)
    batches = [at_level.batch(number) for number in range(-(-count // source.batch_size))]
    return (
        torch.cat([batch.counts for batch in batches])[:count],
        torch.cat([batch.expected for batch in batches])[:count],
        torch.cat([batch.classes for batch in batches])[:count],
    )


def classes_with(element: str, size: Size, least: float = 0.02) -> list[int]:
    """Classes of minerals that hold at least this mass fraction of an element."""
    library, found = load_library(), []
    for index, group in enumerate(labels(size)):
        fractions = [library.get(name).composition.mass_fractions for name in group.members]
        if any(fraction.get(element, 0.0) >= least for fraction in fractions):
            found.append(index)
    return found
