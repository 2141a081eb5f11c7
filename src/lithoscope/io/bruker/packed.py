"""Pixels as a .bcf stores them, before they are unpacked."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUMBER = struct.Struct("<I")
HEAD = np.dtype(
    [
        ("x", "<u4"),
        ("unknown", "V8"),
        ("flag", "<u2"),
        ("other_size", "<u2"),
        ("pulses", "<u2"),
        ("size", "<u4"),
    ]
)
# How pixels are packed; all other numbers stand for runs too.
PULSES16, PULSES12, RUNS = 0, 1, 2
# After runs stands, in so many bytes, how many bytes the pulses take that follow.
BETWEEN = 4
# No channel of a pixel comes near this; 16 detectors still sum within 64 bits.
MAX_COUNT = (1 << 32) - 1


@dataclass(frozen=True, eq=False)
class PackedPixels:
    """Pixels of a row, or of several, from left to right and from top to bottom.

    Parameters
    ----------
    window
        Part of the stream that holds their data.
    table
        Facts of each pixel, shape (5, pixel): its cell, how it is packed, its number of pulses,
        and where in the window its data start and end. The pulses of runs follow `BETWEEN` bytes
        after that.
    """

    window: NDArray[np.uint8]
    table: NDArray[np.int64]

    @property
    def cells(self) -> NDArray[np.int64]:
        """The place of each pixel, increasing, shape (pixel,)."""
        return self.table[0]

    @property
    def flags(self) -> NDArray[np.int64]:
        """How each pixel is packed, shape (pixel,)."""
        return self.table[1]

    @property
    def pulses(self) -> NDArray[np.int64]:
        """Number of pulses of each pixel, shape (pixel,)."""
        return self.table[2]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the data of each pixel start, shape (pixel,)."""
        return self.table[3]

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where the data of each pixel end, shape (pixel,)."""
        return self.table[4]

    @property
    def n_bytes(self) -> int:
        """Bytes of all data."""
        return int((self.ends - self.starts).sum())

    def __len__(self) -> int:
        return self.table.shape[1]

    def of(self, chosen: NDArray[np.bool_] | slice) -> PackedPixels:
        """Return some of the pixels."""
        return PackedPixels(self.window, self.table[:, chosen])

    def moved(self, cells: int) -> PackedPixels:
        """Return the pixels at places that are so many cells further on."""
        return PackedPixels(self.window, np.vstack([self.cells + cells, self.table[1:]]))

    def cut(self, *, cells: int, n_bytes: int) -> Iterator[PackedPixels]:
        """Cut into parts that span, and hold, no more than about so much."""
        ends = np.cumsum(self.ends - self.starts)
        part = np.maximum(ends // n_bytes, self.cells // cells)
        cuts = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(self)]
        for low, high in itertools.pairwise(cuts):
            yield self.of(slice(low, high))

    def data(self) -> list[memoryview]:
        """Return the data of each pixel."""
        window = self.window.data
        return [
            window[start:end]
            for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        ]

    def late_pulses(self) -> NDArray[np.uint16]:
        """Return the channels of the pulses after runs, pixel after pixel, shape (pulse,)."""
        window = self.window.data
        starts = self.ends + BETWEEN
        spans = zip(starts.tolist(), (starts + 2 * self.pulses).tolist(), strict=True)
        return np.frombuffer(b"".join(window[start:end] for start, end in spans), dtype="<u2")
