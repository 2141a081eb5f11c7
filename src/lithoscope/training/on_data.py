"""Batches of a data set, epoch after epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError, SpectrumError
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.datasets.reading import Dataset

_CHUNK = 1024
# Streams of random numbers.
_ORDER, _NOISE = 1, 2
# A validation or test of noise-free spectra has its noise from this number of batch, so that no
# training batch shares it.
HELD_OUT = 1 << 40


@dataclass(frozen=True, eq=False)
class BinnedSplit:
    """A split on a model's axis.

    Parameters
    ----------
    counts
        Shape (spectrum, bin).
    classes
        Shape (spectrum,).
    """

    counts: NDArray[np.float32]
    classes: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.counts) or len(self.counts) != len(self.classes):
            raise InvalidValueError(
                f"{len(self.counts)} spectra with {len(self.classes)} classes.",
                expected="one class a spectrum, one or more of them",
            )

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def totals(self) -> NDArray[np.float64]:
        """Total counts of each, shape (spectrum,)."""
        return np.asarray(self.counts.sum(axis=1, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class LabelledBatch:
    """Spectra and their classes, as training takes them."""

    counts: Tensor
    classes: Tensor


def split_on_axis(dataset: Dataset, split: str, axis: ModelAxis) -> BinnedSplit:
    """Read a split onto a model's axis; counts within it are conserved.

    Raises
    ------
    SpectrumError
        If the file is damaged, or a spectrum has no counts there.
    InvalidValueError
        If the spectra do not reach far enough into the axis.
    """
    spectra = dataset.splits[split]
    rebin = axis.rebinner(spectra.axis)
    counts = np.empty((len(spectra), len(axis)), dtype=np.float32)
    for first in range(0, len(spectra), _CHUNK):
        last = min(first + _CHUNK, len(spectra))
        counts[first:last] = rebin(spectra.read(first, last))
    binned = BinnedSplit(counts, dataset.classes(split))
    empty = np.flatnonzero(~(binned.totals > 0))
    if empty.size:
        raise SpectrumError(
            f"{spectra.path}: {empty.size} spectra, the first of number {empty[0]}, have no counts "
            f"from {axis.low_keV} to {axis.high_keV} keV.",
            expected="counts in every spectrum",
            remedy="take them out, or check the energy axis",
        )
    return binned


class DatasetBatches:
    """Batches of a split, each epoch in an order of its own.

    Batch number i depends on the seed and i alone.

    Parameters
    ----------
    split
        The spectra.
    labels
        The classes.
    condition
        How they were measured; where noise is put on, its counts are those that are drawn.
    batch_size
        Spectra in a batch, no more than there are.
    seed
        Seed of orders and noise.
    noisy
        Put counting noise on, anew each time a spectrum is seen; for expected spectra alone.
    """

    def __init__(
        self,
        split: BinnedSplit,
        labels: LabelSet,
        condition: Condition,
        *,
        batch_size: int,
        seed: int,
        noisy: bool,
    ) -> None:
        if not 1 <= batch_size <= len(split):
            raise InvalidValueError(
                f"Batches of {batch_size} of {len(split)} spectra.",
                expected=f"1 to {len(split)}",
            )
        self.split, self.labels, self.condition = split, labels, condition
        self.batch_size, self.seed, self.noisy = batch_size, seed, noisy
        self._order: tuple[int, NDArray[np.intp]] | None = None

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch; what is left over is seen in others."""
        return len(self.split) // self.batch_size

    def batch(self, number: int) -> LabelledBatch:
        """Return the batch of this number."""
        epoch, place = divmod(number, self.per_epoch)
        rows = self._order_of(epoch)[place * self.batch_size : (place + 1) * self.batch_size]
        counts = self.split.counts[rows]
        if self.noisy:
            counts = counted(counts, self.condition, self._rng(_NOISE, number))
        return LabelledBatch(torch.from_numpy(counts), torch.from_numpy(self.split.classes[rows]))

    def _order_of(self, epoch: int) -> NDArray[np.intp]:
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, self._rng(_ORDER, epoch).permutation(len(self.split)))
        return self._order[1]

    def _rng(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *numbers])


def counted_once(split: BinnedSplit, condition: Condition, *, seed: int, turn: int) -> BinnedSplit:
    """Return expected spectra as counted once, for validation or test."""
    rng = np.random.default_rng([seed, _NOISE, HELD_OUT + turn])
    return BinnedSplit(counted(split.counts, condition, rng), split.classes)


def counted(
    expected: NDArray[np.float32], condition: Condition, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Count expected spectra: Poisson about totals that are log-uniform in a condition's range."""
    low, high = np.log(condition.counts)
    totals = np.exp(rng.uniform(low, high, size=len(expected)))
    shapes = expected.astype(np.float64) / expected.sum(axis=1, dtype=np.float64)[:, None]
    return rng.poisson(shapes * totals[:, None]).astype(np.float32)
