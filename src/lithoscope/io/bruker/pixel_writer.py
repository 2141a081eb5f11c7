"""Rows of pixels as a .bcf stores them: each pixel as pulses, or as runs of channels.

The layout is told in `lithoscope.io.bruker.hypermap` and `lithoscope.io.bruker.pixel_codec`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.run_writer import count_up, ends_of_counts, pack_runs

Encoding = Literal["auto", "pulses16", "pulses12", "runs", "runs+pulses"]
ENCODINGS: tuple[Encoding, ...] = ("auto", "pulses16", "pulses12", "runs", "runs+pulses")

# A pixel's head has 16 bits for the number of its pulses.
MAX_PULSES = 0xFFFF
# Pulses of 12 bits reach no higher channel.
CHANNELS_OF_12_BITS = 1 << 12

_PIXEL = struct.Struct("<IHHIHHHI")
_UNKNOWN = 0xC0000  # The same in all pixels of real files.
_PULSES16, _PULSES12, _RUNS = 0, 1, 2
_GROUP, _GROUP_BYTES = 4, 6
# Of a spectrum in runs with pulses after them, every eighth event is one of these.
_LATE = 8

_Packer = Callable[[NDArray[np.int64], NDArray[np.int64]], list[bytes]]


def pack_row(counts: NDArray[np.int64], columns: NDArray[np.int64], encoding: Encoding) -> bytes:
    """Pack the pixels of a row that are stored.

    Parameters
    ----------
    counts
        Their counts, shape (pixel, channel).
    columns
        The place of each in the row.
    encoding
        How to store them; those that pulses cannot hold become runs.

    Returns
    -------
    bytes
        The number of pixels, and the pixels.
    """
    pixels = [b""] * len(columns)
    few = counts.sum(axis=1) <= MAX_PULSES
    for fits in (True, False):
        which = np.flatnonzero(few == fits)
        if which.size:
            packers = _packers(encoding, counts.shape[1], fits=fits)
            tried = [packer(columns[which], counts[which]) for packer in packers]
            for index, ways in zip(which, zip(*tried, strict=True), strict=True):
                pixels[index] = min(ways, key=len)
    return struct.pack("<I", len(pixels)) + b"".join(pixels)


def _packers(encoding: Encoding, n_channels: int, *, fits: bool) -> tuple[_Packer, ...]:
    """Return the ways to pack pixels, of which the shortest is to be taken."""
    if encoding == "runs+pulses":
        return (_runs_and_pulses,)
    if encoding == "runs" or not fits:
        return (_runs,)
    if encoding == "auto":
        return (_pulses12 if n_channels <= CHANNELS_OF_12_BITS else _pulses16, _runs)
    return (_pulses12,) if encoding == "pulses12" else (_pulses16,)


def _pulses16(columns: NDArray[np.int64], counts: NDArray[np.int64]) -> list[bytes]:
    channels, numbers = _events(counts)
    raw = channels.astype("<u2").tobytes()
    return _pulse_pixels(columns, counts, _PULSES16, raw, numbers, 2 * numbers, 2 * numbers)


def _pulses12(columns: NDArray[np.int64], counts: NDArray[np.int64]) -> list[bytes]:
    """Pack groups of four pulses into six bytes; the last group of a pixel ends after its last."""
    channels, numbers = _events(counts)
    groups = -(-numbers // _GROUP)
    first = np.cumsum(_GROUP * groups) - _GROUP * groups
    slots = np.zeros(_GROUP * int(groups.sum()), dtype=np.int64)
    slots[np.repeat(first, numbers) + count_up(numbers)] = channels
    p = slots.reshape(-1, _GROUP).T
    raw = np.stack(
        [
            (p[0] & 15) << 4 | p[1] >> 8,
            p[0] >> 4,
            p[2] >> 4,
            p[1] & 255,
            p[3] & 255,
            (p[2] & 15) << 4 | p[3] >> 8,
        ],
        axis=1,
    ).astype(np.uint8)
    used = numbers // _GROUP * _GROUP_BYTES + 2 * (numbers % _GROUP)
    return _pulse_pixels(
        columns, counts, _PULSES12, raw.tobytes(), numbers, _GROUP_BYTES * groups, used
    )


def _pulse_pixels(
    columns: NDArray[np.int64],
    counts: NDArray[np.int64],
    flag: int,
    raw: bytes,
    numbers: NDArray[np.int64],
    room: NDArray[np.int64],
    used: NDArray[np.int64],
) -> list[bytes]:
    """Put heads before the pulses of pixels, each of which takes `used` bytes of its `room`."""
    tops = ends_of_counts(counts)
    starts = np.cumsum(room) - room
    return [
        _PIXEL.pack(x, top, 0, _UNKNOWN, flag, 0, number, size) + raw[start : start + size]
        for x, top, number, size, start in zip(columns, tops, numbers, used, starts, strict=True)
    ]


def _runs(columns: NDArray[np.int64], counts: NDArray[np.int64]) -> list[bytes]:
    return _run_pixels(columns, counts, np.zeros_like(counts))


def _runs_and_pulses(columns: NDArray[np.int64], counts: NDArray[np.int64]) -> list[bytes]:
    """Store some events as pulses, as files do with those of the last passes over the sample."""
    late = np.minimum(np.cumsum(counts, axis=1) // _LATE, MAX_PULSES)
    return _run_pixels(columns, counts, np.diff(late, axis=1, prepend=0))


def _run_pixels(
    columns: NDArray[np.int64], counts: NDArray[np.int64], late: NDArray[np.int64]
) -> list[bytes]:
    early = counts - late
    tops, run_tops = ends_of_counts(counts), ends_of_counts(early)
    bodies = pack_runs(early)
    channels, numbers = _events(late)
    raw = channels.astype("<u2").tobytes()
    pixels = []
    start = 0
    for x, top, run_top, body, number in zip(columns, tops, run_tops, bodies, numbers, strict=True):
        size, end = len(body) + 4, start + 2 * number
        head = _PIXEL.pack(x, top, run_top, _UNKNOWN, _RUNS, min(size, 0xFFFF), number, size)
        pixels.append(head + body + struct.pack("<I", 2 * number) + raw[start:end])
        start = end
    return pixels


def _events(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the channels of all events, pixel after pixel, and how many each pixel has."""
    pixel, channel = np.nonzero(counts)
    return np.repeat(channel, counts[pixel, channel]), counts.sum(axis=1)
