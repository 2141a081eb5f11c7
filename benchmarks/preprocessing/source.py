"""Simulated spectra for the comparison: the one place that knows how the stream is used."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.energy import edges_from_resolution
from lithoscope.core.labels import Group, LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.bank import SpectrumBank, build_bank
from lithoscope.synthesis.conditions import MeasurementRange
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.recipe import load_recipe

# Seed of compositions and machines that no network was trained on.
HELD_OUT = 1_000_003
# Fine enough for channels of 10 eV, and the same for all axes that are compared.
_BINS_PER_FWHM = 12.0
_INSTRUMENT = "m4-tornado"


@dataclass(frozen=True)
class Size:
    """How much is simulated and trained.

    Parameters
    ----------
    machines, compositions
        Of each mineral in a bank.
    spectra
        On which a network is trained.
    tested
        Spectra at each level of counts.
    minerals
        Minerals of the library; 0 for all.
    """

    machines: int
    compositions: int
    spectra: int
    tested: int
    minerals: int = 0

    def key(self) -> str:
        """Name a size, so that results of different sizes are kept apart."""
        return "-".join(str(value) for value in dataclasses.astuple(self))


def conditions() -> MeasurementRange:
    """What varies in the training of the shipped model."""
    return load_recipe("default").conditions()


def labels(size: Size) -> LabelSet:
    """The shipped model's classes, or the first few of them."""
    groups = find_checkpoint("default").labels.groups
    return LabelSet(tuple(Group(group.members) for group in groups[: size.minerals or None]))


def bank(size: Size, seed: int) -> SpectrumBank:
    """Expected spectra of the library on bins that all axes here are cut from."""
    library, classes, axis = load_library(), labels(size), ModelAxis()
    return build_bank(
        minerals=[library.get(name) for name in classes.members],
        labels=classes,
        instruments=[load_instrument(_INSTRUMENT)],
        conditions=conditions(),
        settings=size.machines,
        compositions=size.compositions,
        edges_keV=edges_from_resolution(
            low_keV=axis.low_keV - 0.25,
            high_keV=axis.high_keV * 1.02 + 0.1,
            noise_keV=axis.noise_keV,
            fano=axis.fano_keV,
            bins_per_fwhm=_BINS_PER_FWHM,
        ),
        seed=seed,
    )


def stream(
    from_bank: SpectrumBank,
    edges_keV: NDArray[np.float64],
    seed: int,
    *,
    batch_size: int = 256,
    counts: float | None = None,
) -> SpectrumStream:
    """Training spectra; with `counts`, single minerals of so many counts to test on."""
    ranges = conditions()
    if counts is not None:
        ranges = dataclasses.replace(
            ranges, counts=(counts, counts), mixed_probability=0.0, bragg_probability=0.0
        )
    return SpectrumStream(from_bank, ranges, edges_keV, batch_size=batch_size, seed=seed)


def with_truth(source: SpectrumStream, count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Counts, their expectations, and their classes."""
    draw = source.sample(count)
    expected = source.expected(draw)
    counts = torch.poisson(expected, generator=torch.Generator().manual_seed(seed))
    classes = torch.from_numpy(source.bank.classes)[draw.rows[:, 0]]
    return counts, expected, classes


def classes_with(element: str, size: Size, least: float = 0.02) -> list[int]:
    """Classes of minerals that hold at least this mass fraction of an element."""
    library, found = load_library(), []
    for index, group in enumerate(labels(size)):
        fractions = [library.get(name).composition.mass_fractions for name in group.members]
        if any(fraction.get(element, 0.0) >= least for fraction in fractions):
            found.append(index)
    return found
