"""The stream of pixel spectra in a .bcf, read row by row.

It starts with height and width (int32); rows follow from byte 0x1A0. A row is the number of pixels
that are stored (uint32) and the pixels. A pixel is a head of 22 bytes (x, two channel counts, four
unknown bytes, packing, a size, number of pulses, bytes of data) and its data; where these are runs
of channels, they end with the bytes (uint32) of extra pulses, and the pulses.

RosettaSciIO reads the same, but as one array: it needs 19 times the memory for a map of 458 x 499
pixels, wraps counts that are far above the mean, misreads runs of 32-bit values, and crashes where
a pixel is larger than a block.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.container import SfsStream
from lithoscope.io.bruker.pixel_codec import add_runs, unpack_pulses12, unpack_pulses16

_FIRST_ROW = 0x1A0
_PIXEL = struct.Struct("<IHHIHHHI")
_PULSES16, _PULSES12 = 0, 1

_WINDOW = 1 << 20
_MAX_PIXEL_BYTES = 16 << 20
# One row of spectra must fit into memory many times over: at 4096 channels, 32 768 pixels.
_MAX_ROW_VALUES = 1 << 27
_MAX_ROWS = 1 << 16
# Runs are unpacked side by side, which pays off from hundreds of pixels on.
_RUNS_AT_ONCE = 2048


def _pulse_bytes(flag: int, n_pulses: int) -> int:
    """Bytes that so many pulses take: two each, or six for four and two for each left over."""
    if flag == _PULSES16:
        return 2 * n_pulses
    return 6 * (n_pulses // 4) + 2 * (n_pulses % 4)


@dataclass
class _Packed:
    """Pixels of one packing that wait to be unpacked: where they go, and their data."""

    cells: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def add(self, cell: int, number: int, body: bytes) -> None:
        self.cells.append(cell)
        self.numbers.append(number)
        self.bodies.append(body)


@dataclass
class _Waiting:
    """All pixels that wait to be unpacked, by packing."""

    pulses16: _Packed = field(default_factory=_Packed)
    pulses12: _Packed = field(default_factory=_Packed)
    runs: _Packed = field(default_factory=_Packed)


class SpectrumRows:
    """Rows of spectra in one detector's stream.

    Nothing but the rows asked for, and where the earlier ones start, is kept in memory.

    Parameters
    ----------
    stream
        ``SpectrumDataN`` of the container.
    n_channels
        Channels of the result; pulses beyond are left out, as RosettaSciIO does.
    fail
        Called with the cause where the stream is damaged; it raises.

    Attributes
    ----------
    shape
        Rows and columns (y, x) of the map.
    """

    def __init__(self, stream: SfsStream, n_channels: int, fail: Callable[[str], NoReturn]) -> None:
        self._stream = stream
        self._n_channels = n_channels
        self._fail = fail
        self._window, self._window_start = b"", 0
        height, width = struct.unpack("<ii", self._bytes(0, 8))
        if not (0 < height <= _MAX_ROWS and 0 < width * n_channels <= _MAX_ROW_VALUES):
            fail(f"the map is said to have {height} rows of {width} pixels")
        self.shape = (height, width)
        self._row_starts = [_FIRST_ROW]

    def read(self, first: int, last: int) -> NDArray[np.uint32]:
        """Return the counts of rows `first` to ``last - 1``, shape (row, x, channel).

        Pixels that the file does not hold are zero.
        """
        width = self.shape[1]
        counts = np.zeros((last - first) * width * self._n_channels, dtype=np.uint32)
        waiting = _Waiting()
        for row in range(len(self._row_starts) - 1, first):
            self._collect(row, 0, _Waiting())
        for row in range(first, last):
            self._collect(row, (row - first) * width, waiting)
            self._unpack(counts, waiting, row, everything=row == last - 1)
        return counts.reshape(last - first, width, self._n_channels)

    def _bytes(self, at: int, length: int) -> bytes:
        low = at - self._window_start
        if low < 0 or low + length > len(self._window):
            self._window = self._stream.read(at, max(length, _WINDOW))
            self._window_start, low = at, 0
            if len(self._window) < length:
                self._fail(f"its spectra end at byte {at + len(self._window)}, inside a pixel")
        return self._window[low : low + length]

    def _collect(self, row: int, first_cell: int, waiting: _Waiting) -> None:
        """Take the pixels of a row out of the stream, and note where the next row starts."""
        at = self._row_starts[row]
        (n_pixels,) = struct.unpack("<I", self._bytes(at, 4))
        at += 4
        if n_pixels > self.shape[1]:
            self._fail(f"row {row} is said to hold {n_pixels} of {self.shape[1]} pixels")
        seen = set()
        for _ in range(n_pixels):
            x, _, _, _, flag, _, n_pulses, size = _PIXEL.unpack(self._bytes(at, _PIXEL.size))
            at += _PIXEL.size
            if x >= self.shape[1] or x in seen:
                self._fail(f"row {row} holds pixel {x} of {self.shape[1]}, or holds it twice")
            if size > _MAX_PIXEL_BYTES:
                self._fail(f"pixel {x} of row {row} is said to take {size} bytes")
            seen.add(x)
            if flag in (_PULSES16, _PULSES12):
                if size != _pulse_bytes(flag, n_pulses):
                    self._fail(
                        f"the {n_pulses} pulses of pixel {x} of row {row} are said to take "
                        f"{size} bytes"
                    )
                packed = waiting.pulses16 if flag == _PULSES16 else waiting.pulses12
                packed.add(first_cell + x, n_pulses, self._bytes(at, size))
                at += size
            else:
                at = self._collect_runs(at, size, n_pulses, first_cell + x, waiting)
        if row == len(self._row_starts) - 1:
            self._row_starts.append(at)
        if row == self.shape[0] - 1 and at != self._stream.size:
            self._fail(f"its last row ends at byte {at} of {self._stream.size}")

    def _collect_runs(self, at: int, size: int, n_pulses: int, cell: int, waiting: _Waiting) -> int:
        """Take a pixel of runs, and the pulses after it, out of the stream."""
        if size < 4:
            self._fail(f"runs of channels are said to take {size - 4} bytes")
        waiting.runs.add(cell, 0, self._bytes(at, size - 4))
        at += size - 4
        (pulse_bytes,) = struct.unpack("<I", self._bytes(at, 4))
        at += 4
        if n_pulses:
            if pulse_bytes != 2 * n_pulses:
                self._fail(f"{n_pulses} pulses are said to take {pulse_bytes} bytes")
            waiting.pulses16.add(cell, n_pulses, self._bytes(at, pulse_bytes))
            at += pulse_bytes
        return at

    def _unpack(
        self, counts: NDArray[np.uint32], waiting: _Waiting, row: int, *, everything: bool
    ) -> None:
        """Add the pixels that wait to the counts; runs only once there are many."""
        try:
            for packed, unpack in (
                (waiting.pulses16, unpack_pulses16),
                (waiting.pulses12, unpack_pulses12),
            ):
                self._add_pulses(counts, packed, unpack(packed.bodies, packed.numbers))
            waiting.pulses16, waiting.pulses12 = _Packed(), _Packed()
            if everything or len(waiting.runs.cells) >= _RUNS_AT_ONCE:
                add_runs(
                    counts.reshape(-1, self._n_channels), waiting.runs.cells, waiting.runs.bodies
                )
                waiting.runs = _Packed()
        except ValueError as error:
            self._fail(f"at row {row}, {error}")

    def _add_pulses(
        self, counts: NDArray[np.uint32], packed: _Packed, channels: NDArray[np.uint16]
    ) -> None:
        cells = np.repeat(np.array(packed.cells, dtype=np.int64), packed.numbers)
        inside = channels < self._n_channels
        places = cells[inside] * self._n_channels + channels[inside]
        np.add.at(counts, places, np.uint32(1))
