"""The spectra of one split: drawn from a stream until every class has as many as it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.core.mineral import Mineral
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumBatch, SpectrumStream

# A machine takes seconds to compile on 4096 channels, as long as hundreds of its spectra.
_FEWEST, _MOST, _SPECTRA_PER_MACHINE, _BATCH = 2, 8, 256, 256
# Odd multipliers of a hash of compositions, from the golden ratio (Knuth, TAOCP 3, 6.4).
_GOLDEN = 0x9E3779B97F4A7C15


def size_of_split(spectra: int) -> tuple[GenerationSize, int]:
    """Return how much to make at once for so many spectra, and how many go in a batch."""
    machines = min(_MOST, max(_FEWEST, spectra // _SPECTRA_PER_MACHINE))
    per_machine = min(_SPECTRA_PER_MACHINE, -(-spectra // machines))
    size = GenerationSize(machines, per_machine, max(1, machines // 4))
    return size, min(_BATCH, machines * per_machine)


def varies(mineral: Mineral) -> bool:
    """Whether a mineral has more than one composition."""
    ranges = (*mineral.end_members.values(), *mineral.traces.values())
    return any(low < high for low, high in ranges)


@dataclass(frozen=True, eq=False)
class Records:
    """Spectra with all that is known of them.

    Parameters
    ----------
    counts
        Shape (spectrum, channel).
    columns
        All else by name, shapes (spectrum, ...); ``parameters/DISTORTION/NAME`` among them.
    """

    counts: NDArray[np.float32]
    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.counts)


class SplitMaker:
    """Draws the splits of a data set one after the other, none with a composition of another.

    Parameters
    ----------
    varying
        Whether each mineral has more than one composition, shape (mineral,); one that has not is
        the same in every split.
    """

    def __init__(self, varying: NDArray[np.bool_]) -> None:
        self._varying = varying
        self._taken = np.empty(0, dtype=np.uint64)

    def records(self, stream: SpectrumStream, quotas: NDArray[np.int64]) -> Iterator[Records]:
        """Yield the spectra of a split, in the stream's order.

        Parameters
        ----------
        stream
            Of a seed that no other split has; its classes are the minerals.
        quotas
            Spectra of each class, shape (class,).
        """
        lacking = quotas.copy()
        own = []
        for batch in stream:
            classes = batch.classes.cpu().numpy()
            hashes = _hashes(batch.fractions.cpu().numpy())
            varying = self._varying[batch.minerals.cpu().numpy()]
            fresh = ~varying | ~np.isin(hashes, self._taken)
            rows = np.flatnonzero(_wanted(classes, fresh, lacking))
            lacking -= np.bincount(classes[rows], minlength=lacking.size)
            own.append(hashes[rows][varying[rows]])
            if rows.size:
                yield _chosen(batch, rows)
            if not lacking.any():
                break
        self._taken = np.union1d(self._taken, np.concatenate(own))


def _wanted(
    classes: NDArray[np.int64], fresh: NDArray[np.bool_], lacking: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """The first of each class that are fresh, as many as it lacks, shape (spectrum,)."""
    wanted = np.zeros(len(classes), dtype=bool)
    for label in np.flatnonzero(lacking):
        wanted[np.flatnonzero((classes == label) & fresh)[: lacking[label]]] = True
    return wanted


def _hashes(fractions: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number for each composition, the same for the same, shape (spectrum,)."""
    bits = np.ascontiguousarray(fractions).view(np.uint32).astype(np.uint64)
    total = np.zeros(len(fractions), dtype=np.uint64)
    for column in bits.T:
        total = (total ^ column) * np.uint64(_GOLDEN)
        total ^= total >> np.uint64(29)
    return total


def _chosen(batch: SpectrumBatch, rows: NDArray[np.intp]) -> Records:
    index = torch.from_numpy(rows)

    def of(values: torch.Tensor) -> NDArray[Any]:
        array: NDArray[Any] = values.cpu()[index].numpy()
        return array

    columns = {
        "mineral": of(batch.minerals).astype(np.uint16),
        "composition": of(batch.fractions),
        "expected_counts": of(batch.totals),
    }
    for distortion, named in batch.parameters.items():
        for name, values in named.items():
            columns[f"parameters/{distortion}/{name}"] = of(values)
    return Records(of(batch.counts), columns)
