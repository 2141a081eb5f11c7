"""Runs of channels, unpacked for many pixels side by side.

Where a run starts depends on the one before it. So the pixels are walked together: first the
first run of each, then the second; what follows is done for all runs of all pixels at once. The
layout is told in `lithoscope.io.bruker.pixel_codec`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.damage import PixelError
from lithoscope.io.bruker.pixel_codec import MAX_COUNT

_NIBBLES = 1
_WIDE = (2, 4, 8)
# No nibble and its gain are more than this.
MOST_OF_NIBBLES = 15 + 255
# Arrays of this many numbers stay in the processor's cache.
_NIBBLE_BYTES_AT_ONCE = 1 << 15
# After so many runs, pixels that have no more are taken out.
_STEPS = 32
_EIGHT = np.arange(8)


def _strides() -> NDArray[np.int64]:
    """Bytes from the head of a run, as a number of 16 bits, to the next; 0 for impossible ones."""
    heads = np.arange(1 << 16)
    size, number = heads & 0xFF, heads >> 8
    values = np.where(size == 1, (number + 1) // 2, number * size // 2)
    return np.where(np.isin(size, (0, _NIBBLES, *_WIDE)) & (number > 0), 2 + size + values, 0)


_STRIDES = _strides()


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of channels that hold counts, pixel after pixel.

    Parameters
    ----------
    buffer
        Bytes that hold them.
    at
        Where in the buffer each stands, shape (run,).
    size
        Bytes of its gain, and twice those of its values, shape (run,).
    number
        Number of its channels, shape (run,).
    first
        Its first channel, counted through all cells, shape (run,).
    """

    buffer: NDArray[np.uint8]
    at: NDArray[np.int64]
    size: NDArray[np.uint8]
    number: NDArray[np.int64]
    first: NDArray[np.int64]

    def of(self, chosen: NDArray[np.int64] | slice) -> Runs:
        """Return some of the runs."""
        at, size = self.at[chosen], self.size[chosen]
        return Runs(self.buffer, at, size, self.number[chosen], self.first[chosen])


def list_runs(
    window: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    cells: NDArray[np.int64],
    n_channels: int,
) -> Runs:
    """List the runs of pixels that are stored as such.

    Parameters
    ----------
    window
        Bytes that hold the data of all pixels.
    starts, ends
        Where in them the data of each pixel are. Between the data of two pixels lie two bytes or
        more.
    cells
        The cell of each pixel, none twice.
    n_channels
        Channels of a cell.

    Raises
    ------
    PixelError
        If a run is of an unknown size, or leaves its pixel's data or channels.
    """
    low = int(starts.min(initial=0))
    buffer = window[low : int(ends.max(initial=0)) + 2 + _EIGHT.size]
    heads = np.zeros(buffer.size + 1, dtype=np.uint16)
    heads[: buffer.size - 1] = buffer[1:]
    heads <<= 8
    heads[: buffer.size] |= buffer
    # Pixels whose runs have ended wait at a head of no channels, which leads nowhere.
    heads[ends - low] = 0
    pixels = np.vstack([np.arange(starts.size), starts - low, ends - low, cells * n_channels])
    found = []
    used = np.zeros(starts.size, dtype=np.int64)
    # Each run holds a channel, so that there cannot be more of them than channels.
    while True:
        _, at, _, first = pixels
        places = _walk(heads, at)
        head = heads.take(places[:, :-1], mode="clip")
        number = (head >> 8).astype(np.int64)
        channel = used[:, None] + np.cumsum(number, axis=1)
        used = channel[:, -1].copy()
        channel += first[:, None] - number
        found.append((places[:, :-1], head, number, channel))
        pixels[1] = places[:, -1]
        stopped = places[:, -2] == places[:, -1]
        _check_ends(heads, pixels[:, stopped])
        if (used > n_channels).any():
            pixel = int(pixels[0, used.argmax()])
            raise PixelError(pixel, f"its runs hold more than {n_channels} channels")
        if stopped.all():
            return _runs(buffer, found)
        pixels, used = pixels[:, ~stopped], used[~stopped]


def _walk(heads: NDArray[np.uint16], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find where the next runs of each pixel start, shape (pixel, run)."""
    steps = [at]
    for _ in range(_STEPS):
        at = at + _STRIDES.take(heads.take(at, mode="clip"), mode="clip")
        steps.append(at)
    return np.stack(steps, axis=1)


def _check_ends(heads: NDArray[np.uint16], pixels: NDArray[np.int64]) -> None:
    """Make sure that pixels whose runs have ended are where their data end."""
    for index, at, end, _ in pixels[:, pixels[1] != pixels[2]].T:
        if at > end:
            raise PixelError(int(index), "a run of channels leaves its pixel's data")
        size, number = heads[at] & 0xFF, heads[at] >> 8
        raise PixelError(int(index), f"a run of {number} channels has size {size}")


def _runs(buffer: NDArray[np.uint8], found: Sequence[tuple[NDArray[Any], ...]]) -> Runs:
    """Join what was found step by step; later runs of a pixel come after earlier ones."""
    parts = []
    for at, head, number, first in found:
        size = head.astype(np.uint8)
        held = np.flatnonzero(size > 0)
        parts.append([column.ravel()[held] for column in (at, size, number, first)])
    return Runs(buffer, *(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def write_nibbles(runs: Runs, flat: NDArray[Any]) -> None:
    """Write the counts of runs of size 1: two channels a byte, the last of an odd number alone.

    Parameters
    ----------
    runs
        The runs; those of other sizes are passed over.
    flat
        Where to write to, shape (cell x channel,); what no run reaches is left as it is.
    """
    runs = runs.of(np.flatnonzero(runs.size == _NIBBLES))
    ends = np.cumsum((runs.number + 1) // 2)
    limits = np.arange(_NIBBLE_BYTES_AT_ONCE, int(ends.max(initial=0)), _NIBBLE_BYTES_AT_ONCE)
    cuts = np.unique([0, *(np.searchsorted(ends, limits) + 1), ends.size]).tolist()
    for low, high in itertools.pairwise(cuts):
        _write_nibbles(runs.of(slice(low, high)), flat)


def _write_nibbles(runs: Runs, flat: NDArray[Any]) -> None:
    n_bytes = (runs.number + 1) // 2
    source = _count_up(runs.at + 3, n_bytes, step=1)
    values = runs.buffer.take(source, mode="clip").astype(flat.dtype)
    low = _count_up(runs.first, n_bytes, step=2)
    high = low + 1
    # What fills a last byte up is sent to where the low nibble is written next.
    high[np.cumsum(n_bytes)[runs.number & 1 > 0] - 1] -= 1
    high_values, low_values = values >> 4, values & 0xF
    gains = runs.buffer[runs.at + 2]
    if gains.any():
        gain = np.repeat(gains.astype(flat.dtype), n_bytes)
        high_values += gain
        low_values += gain
    flat[high] = high_values
    flat[low] = low_values


def _count_up(
    first: NDArray[np.int64], numbers: NDArray[np.int64], *, step: int
) -> NDArray[np.int64]:
    """Count up from each first, so many numbers each, and join them."""
    ends = np.cumsum(numbers)
    steps = np.full(int(ends[-1]), step)
    steps[0] = first[0]
    steps[ends[:-1]] = first[1:] - first[:-1] - step * (numbers[:-1] - 1)
    return np.cumsum(steps, out=steps)


def wide_values(runs: Runs) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return places, and counts, of all runs whose values are of one byte or more.

    Counts beyond `MAX_COUNT` are not right, but beyond it.
    """
    pieces = [_values_of(runs.of(np.flatnonzero(runs.size == size)), size) for size in _WIDE]
    places = np.concatenate([places for places, _ in pieces])
    return places, np.concatenate([values for _, values in pieces])


def _values_of(runs: Runs, size: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    width, number = size // 2, runs.number
    before = np.cumsum(number) - number
    count = np.arange(int(number.sum()))
    start = np.repeat(runs.at + 2 + size - width * before, number) + width * count
    values = np.zeros(count.size, dtype=np.uint64)
    for byte in range(width):
        values |= runs.buffer[start + byte].astype(np.uint64) << np.uint64(8 * byte)
    raw = runs.buffer.take((runs.at + 2)[:, None] + _EIGHT, mode="clip").view("<u8")[:, 0]
    gains = raw & np.uint64((1 << 8 * size) - 1)
    # A gain that is absurd stays so when the value is added, without an overflow.
    values += np.repeat(np.minimum(gains, np.uint64(MAX_COUNT + 1)), number)
    return np.repeat(runs.first - before, number) + count, values
