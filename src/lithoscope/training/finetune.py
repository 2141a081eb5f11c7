"""Batches of measured spectra among simulated ones, and which measured ones are kept for a test."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.training.on_data import BinnedSplit, LabelledBatch

# Streams of random numbers.
_ROWS, _SPLIT = 1, 2


def regions_for_test(
    classes: NDArray[np.integer], regions: NDArray[np.integer], *, share: float, seed: int
) -> NDArray[np.bool_]:
    """Say which spectra are kept for a test: whole regions, some of each class.

    Of the regions in which a class is the commonest, this share is kept, one at least where there
    are two, and all go into training where there is one.

    Parameters
    ----------
    classes, regions
        Class and region of each spectrum, shape (spectrum,).
    share
        Between 0 and 1.
    seed
        Seed of the choice.

    Returns
    -------
    ndarray of bool, shape (spectrum,)
    """
    if not 0 < share < 1:
        raise InvalidValueError(f"A share of {share} for the test.", expected="between 0 and 1")
    rng = np.random.default_rng([seed, _SPLIT])
    numbers = np.unique(regions)
    commonest = np.array([np.bincount(classes[regions == number]).argmax() for number in numbers])
    kept: list[int] = []
    for label in np.unique(commonest):
        own = rng.permutation(numbers[commonest == label])
        if own.size > 1:
            kept += own[: min(max(1, round(share * own.size)), own.size - 1)].tolist()
    return np.isin(regions, kept)


class ReplayBatches:
    """Batches of simulated spectra, as a model was trained on, with measured ones among them.

    Simulated spectra keep alive what the network knew: fitted to the new alone it would forget the
    rest (Robins 1995, Connection Science 7, 123, rehearsal). Measured ones are drawn with
    replacement, each class as often as the others, and are taken as they are: noise they have.
    Batch number i depends on the seed and i alone.

    Parameters
    ----------
    measured
        Labelled spectra on the stream's axis.
    stream
        Simulated spectra; its batch size is their number in a batch.
    measured_per_batch
        Measured spectra in a batch.
    started_from
        What identifies the network that is fitted, so that a run that was cut off goes on only from
        the same.
    """

    def __init__(
        self,
        measured: BinnedSplit,
        stream: SpectrumStream,
        *,
        measured_per_batch: int,
        started_from: str,
    ) -> None:
        if measured_per_batch < 1:
            raise InvalidValueError(
                f"{measured_per_batch} measured spectra in a batch.", expected="1 or more"
            )
        self.measured, self.stream, self.number = measured, stream, measured_per_batch
        self.labels, self.seed = stream.labels, stream.seed
        content = hashlib.sha256(measured.counts.tobytes() + measured.classes.tobytes())
        content.update(started_from.encode())
        self.condition = dataclasses.replace(
            stream.condition, name=f"{stream.condition.name} and {content.hexdigest()[:16]}"
        )
        self._rows = [
            np.flatnonzero(measured.classes == label) for label in np.unique(measured.classes)
        ]

    @property
    def batch_size(self) -> int:
        """Spectra in a batch, of both kinds."""
        return self.stream.batch_size + self.number

    def batch(self, number: int) -> LabelledBatch:
        """Return the batch of this number; the measured come last."""
        rng = np.random.default_rng([self.seed, _ROWS, number])
        chosen = rng.integers(0, len(self._rows), self.number)
        rows = np.array([rng.choice(self._rows[one]) for one in chosen])
        simulated = self.stream.batch(number)
        return LabelledBatch(
            torch.cat([simulated.counts, torch.from_numpy(self.measured.counts[rows])]),
            torch.cat([simulated.classes, torch.from_numpy(self.measured.classes[rows])]),
        )
