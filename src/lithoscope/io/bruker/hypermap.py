"""The streams of pixel spectra in a .bcf, one a detector, read row by row.

A stream starts with height and width (int32); rows follow from byte 0x1A0. A row is the number of
pixels that are stored (uint32) and the pixels. A pixel is a head of 22 bytes (x, two channel
counts, four unknown bytes, packing, a size, number of pulses, bytes of data) and its data; where
these are runs of channels, they end with the bytes (uint32) of extra pulses, and the pulses.

RosettaSciIO reads the same, but as one array: it needs many times the memory for a map of 458 x
499 pixels, wraps counts that are far above the mean, misreads runs of 32-bit values, and crashes
where a pixel is larger than a block.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.damage import PixelError
from lithoscope.io.bruker.packed import PackedPixels
from lithoscope.io.bruker.row_decoder import decode_rows
from lithoscope.io.bruker.row_stream import RowStream

# Heads are walked by the thread that asks, data are unpacked by others (compiled code lets them).
_THREADS = min(4, os.cpu_count() or 1)
_BYTES_AT_ONCE = 4 << 20
_VALUES_AT_ONCE = 1 << 22

_Batch = tuple[int, list[list[PackedPixels]]]


class SpectrumMap:
    """The spectra of one or several detectors, summed; nothing but the rows asked for is held.

    Parameters
    ----------
    streams
        Rows of each detector, all of one shape.
    n_channels
        Channels of the result; a pixel with counts beyond is damaged.

    Attributes
    ----------
    shape
        Rows and columns (y, x) of the map.
    """

    def __init__(self, streams: Sequence[RowStream], n_channels: int) -> None:
        self._streams = streams
        self._n_channels = n_channels
        self.shape = streams[0].shape

    def read(self, first: int, last: int) -> NDArray[Any]:
        """Return the counts of rows `first` to ``last - 1``, shape (row, x, channel).

        They are of the smallest of uint16, uint32, uint64 that holds the largest of them. Pixels
        that the file does not hold are zero.
        """
        width = self.shape[1]
        counts = np.empty((last - first, width, self._n_channels), dtype=np.uint16)
        parts = list(self._decoded(first, last, counts))
        kind = np.result_type(counts, *(part for _, part in parts))
        if kind == counts.dtype:
            return counts
        whole = counts.astype(kind)
        for start, part in parts:
            whole[start : start + len(part)] = part
        return whole

    def _decoded(
        self, first: int, last: int, counts: NDArray[np.uint16]
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Unpack batches of rows in threads while the next ones are collected."""
        batches = self._batches(first, last)
        waiting: deque[tuple[int, Future[NDArray[Any]]]] = deque()
        with ThreadPoolExecutor(_THREADS) as pool:
            for start, rows in batches:
                target = counts[start - first : start - first + len(rows[0])]
                if len(target) == len(counts):
                    # Few rows, such as a pixel's: a thread takes longer to start than they do.
                    yield 0, self._decode(start, rows, target)
                    return
                waiting.append((start - first, pool.submit(self._decode, start, rows, target)))
                if len(waiting) > 2 * _THREADS:
                    place, part = waiting.popleft()
                    yield place, part.result()
            for place, part in waiting:
                yield place, part.result()

    def _batches(self, first: int, last: int) -> Iterator[_Batch]:
        """Collect rows of all detectors until there is enough for a thread."""
        start, size = first, 0
        rows: list[list[PackedPixels]] = [[] for _ in self._streams]
        width = self.shape[1]
        for number in range(first, last):
            for detector, stream in zip(rows, self._streams, strict=True):
                row = stream.row(number, last)
                detector.append(row)
                size += row.n_bytes
            values = (number + 1 - start) * width * self._n_channels
            if size >= _BYTES_AT_ONCE or values >= _VALUES_AT_ONCE or number == last - 1:
                yield start, rows
                start, rows, size = number + 1, [[] for _ in self._streams], 0

    def _decode(
        self, start: int, rows: list[list[PackedPixels]], counts: NDArray[np.uint16]
    ) -> NDArray[Any]:
        try:
            return decode_rows(rows, counts)
        except PixelError as error:
            row, column = divmod(error.index, self.shape[1])
            self._streams[0].fail(f"in pixel {column} of row {start + row}, {error.cause}")
