"""Spectra to fit to that are simulated once, for all networks that are fitted to the same.

Simulating takes half the time of fitting a small network, and most runs of a study differ in the
network, the preprocessing or the share of spectra alone. What is read back is what was simulated,
to the bit, so that it is the same run.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lithoscope.errors import OutputError
from lithoscope.synthesis.stream import SpectrumStream

# Of a quarter of a million spectra each, some 0.8 GB.
_STREAMS = 3


@dataclass(frozen=True, eq=False)
class KeptBatch:
    """Counts, shape (batch, bin), float32, and classes, shape (batch,), int64."""

    counts: Tensor
    classes: Tensor


class KeptStream:
    """The first batches of a stream, in a nameless temporary file that no kill leaves behind."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  Closed when forgotten.
        self._shape = (0, 0)
        self._seconds: list[float] = []

    def simulate(self, source: SpectrumStream, batches: int) -> None:
        """Simulate those of the first batches that are not there yet.

        One that is not wholly written when this is cut off is written again.

        Raises
        ------
        OutputError
            If the disk of temporary files is full.
        """
        try:
            self._simulate(source, batches)
        except OSError as error:
            # What was buffered may be lost.
            self._seconds.clear()
            raise OutputError(
                f"Simulated spectra cannot be kept in {tempfile.gettempdir()}: {error}.",
                expected="some 3 GB of room",
                remedy="make room, or set TMPDIR to a folder on another disk",
            ) from error

    def _simulate(self, source: SpectrumStream, batches: int) -> None:
        started, before = time.process_time(), self.processor_s(len(self._seconds))
        for number in range(len(self._seconds), batches):
            batch = source.batch(number)
            self._shape = batch.counts.shape[0], batch.counts.shape[1]
            self._file.seek(number * self._nbytes)
            self._file.write(batch.counts.numpy().astype("<f4", copy=False).tobytes())
            self._file.write(batch.classes.numpy().astype("<i8", copy=False).tobytes())
            self._seconds.append(before + time.process_time() - started)
        self._file.flush()

    def processor_s(self, batches: int) -> float:
        """Time that the first batches took, of the processor."""
        return self._seconds[batches - 1] if batches else 0.0

    def batch(self, number: int) -> KeptBatch:
        """Return the batch of this number, one of those simulated."""
        rows, bins = self._shape
        self._file.seek(number * self._nbytes)
        counts = np.frombuffer(bytearray(self._file.read(4 * rows * bins)), dtype="<f4")
        classes = np.frombuffer(bytearray(self._file.read(8 * rows)), dtype="<i8")
        return KeptBatch(
            torch.from_numpy(counts.reshape(rows, bins)), torch.from_numpy(classes.copy())
        )

    @property
    def _nbytes(self) -> int:
        rows, bins = self._shape
        return rows * (4 * bins + 8)


@functools.lru_cache(maxsize=_STREAMS)
def kept_stream(key: Hashable) -> KeptStream:
    """Return what is kept of a stream; of the last few that were asked for.

    Parameters
    ----------
    key
        All that its spectra depend on.
    """
    return KeptStream()


class KeptBatches:
    """What is kept of a stream, as training takes it.

    Parameters
    ----------
    source
        The stream itself, for what it says of its spectra.
    kept
        Its batches.
    """

    def __init__(self, source: SpectrumStream, kept: KeptStream) -> None:
        self.labels, self.condition, self.seed = source.labels, source.condition, source.seed
        self.batch = kept.batch
