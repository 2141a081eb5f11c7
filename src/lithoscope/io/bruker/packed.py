"""Pixels as a .bcf stores them, before they are unpacked."""

from __future__ import annotations

import struct
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
    """Pixels of a row, from left to right.

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
    def n_bytes(self) -> int:
        """Bytes of all data."""
        return int((self.table[4] - self.table[3]).sum())

    def __len__(self) -> int:
        return self.table.shape[1]

    def of(self, chosen: NDArray[np.bool_] | slice) -> PackedPixels:
        """Return some of the pixels."""
        return PackedPixels(self.window, self.table[:, chosen])

    def moved(self, cells: int) -> PackedPixels:
        """Return the pixels at places that are so many cells further on."""
        return PackedPixels(self.window, np.vstack([self.cells + cells, self.table[1:]]))
