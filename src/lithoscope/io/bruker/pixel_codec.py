"""How a .bcf packs the events of its pixels, and how they are unpacked: compiled, by numba.

- Pulses of 16 bits: one channel number an event.
- Pulses of 12 bits: four to six bytes b0 to b5, the last group cut off after its last pulse;
  ``b0>>4 | b1<<4``, ``(b0<<8 | b3) & 0xFFF``, ``b2<<4 | b5>>4``, ``(b5<<8 | b4) & 0xFFF``.
- Runs: a byte of size, a byte with the number of channels. Size 0: so many empty channels. Else a
  gain of that many bytes, then the channels' values, each of half as many bytes (size 1: a nibble,
  the low one first, filled up to a byte); the gain is added to each. After them stand the pulses
  that came late, of 16 bits.

All numbers are little-endian. Compiled code does not check where it reads and writes, so that
every place is compared with its bounds here before it is used. Other threads run meanwhile.

numba takes a while to import: so this module is imported only where pixels are unpacked.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lithoscope.core.compiled import BYTES, TABLE, compiled, inlined
from lithoscope.io.bruker.packed import BETWEEN, MAX_COUNT, PULSES12, PULSES16

# What can be wrong with a pixel.
SOUND, TOO_LARGE, OUTSIDE, SHORT, BEYOND, LATE_BEYOND, BAD_RUN, CUT_RUN, LONG, BRIGHT = range(10)

# A fault, and the number that tells more of it.
_Outcome = tuple[int, int]
_SOUND = (SOUND, 0)
_COMPILING = threading.Lock()
_NIBBLES = 1
# No nibble and its gain are more than this.
MOST_OF_NIBBLES = 15 + 255


@inlined
def _byte(window: NDArray[np.uint8], at: int) -> Any:
    # Places without a sign need not be looked at for being counted from the end.
    return np.int64(window[np.uintp(at)])


@inlined
def _number(window: NDArray[np.uint8], at: int, n_bytes: int) -> Any:
    """Read a number; one of 64 bits that is absurdly large comes out negative."""
    value = np.int64(0)
    for place in range(n_bytes):
        value |= _byte(window, at + place) << (8 * place)
    return value


@inlined
def _has_room(counts: NDArray[Any], more: int, limit: int) -> Any:
    return np.int64(counts.max()) <= limit - more


@inlined
def _add_pulse(channel: int, counts: NDArray[Any], beyond: int) -> int:
    """Add an event; return the farthest of the channels that are beyond the last, else 0."""
    if channel >= counts.size:
        return max(channel, beyond)
    counts[np.uintp(channel)] += 1
    return beyond


@inlined
def _add_pulses16(window: NDArray[np.uint8], at: int, number: int, counts: NDArray[Any]) -> int:
    beyond = 0
    for place in range(at, at + 2 * number, 2):
        channel = _byte(window, place) | _byte(window, place + 1) << 8
        beyond = _add_pulse(channel, counts, beyond)
    return beyond


@inlined
def _pulse12(window: NDArray[np.uint8], at: int, place: int) -> int:
    """Return the channel of one of the pulses of a group."""
    if place == 0:
        return _byte(window, at) >> 4 | _byte(window, at + 1) << 4
    if place == 1:
        return (_byte(window, at) << 8 | _byte(window, at + 3)) & 0xFFF
    if place == 2:
        return _byte(window, at + 2) << 4 | _byte(window, at + 5) >> 4
    return (_byte(window, at + 5) << 8 | _byte(window, at + 4)) & 0xFFF


@inlined
def _add_pulses12(window: NDArray[np.uint8], at: int, number: int, counts: NDArray[Any]) -> int:
    beyond = 0
    for first in range(0, number, 4):
        for place in range(min(4, number - first)):
            beyond = _add_pulse(_pulse12(window, at, place), counts, beyond)
        at += 6
    return beyond


@inlined
def _add_nibbles(
    window: NDArray[np.uint8], at: int, number: int, gain: int, counts: NDArray[Any], first: int
) -> None:
    """Add a run of nibbles; there has to be room for `MOST_OF_NIBBLES` more."""
    channel = np.uintp(first)
    for place in range(at, at + number // 2):
        value = _byte(window, place)
        counts[channel] += gain + (value & 0xF)
        counts[channel + np.uintp(1)] += gain + (value >> 4)
        channel += np.uintp(2)
    if number % 2:
        counts[channel] += gain + (_byte(window, at + number // 2) & 0xF)


@inlined
def _add_wide(
    window: NDArray[np.uint8],
    at: int,
    size: int,
    channels: tuple[int, int],
    counts: NDArray[Any],
    limit: int,
) -> _Outcome:
    """Add a run of whole bytes, whose gain starts at `at`, from one channel up to another."""
    gain = _number(window, at, size)
    if not 0 <= gain <= MAX_COUNT:
        return BRIGHT, 0
    at += size
    for channel in range(*channels):
        value = gain + _number(window, at, size // 2)
        if value > MAX_COUNT:
            return BRIGHT, 0
        if np.int64(counts[channel]) + value > limit:
            return TOO_LARGE, 0
        counts[channel] += value
        at += size // 2
    return _SOUND


@inlined
def _add_runs(
    window: NDArray[np.uint8], at: int, end: int, counts: NDArray[Any], limit: int
) -> _Outcome:
    if not _has_room(counts, MOST_OF_NIBBLES, limit):
        return TOO_LARGE, 0
    channel = 0
    while at < end:
        if at + 2 > end:
            return CUT_RUN, 0
        size, number = _byte(window, at), _byte(window, at + 1)
        if number == 0 or size not in (0, _NIBBLES, 2, 4, 8):
            return BAD_RUN, size | number << 8
        start, first = at + 2, channel
        at = start + size + (number * size + 1) // 2
        channel += number
        if at > end:
            return CUT_RUN, 0
        if channel > counts.size:
            return LONG, 0
        if size == _NIBBLES:
            gain = _byte(window, start)
            _add_nibbles(window, start + 1, number, gain, counts, first)
        elif size:
            fault, fact = _add_wide(window, start, size, (first, channel), counts, limit)
            if fault != SOUND:
                return fault, fact
    return _SOUND


@inlined
def _add_pixel(
    window: NDArray[np.uint8],
    flag: int,
    pulses: int,
    start: int,
    end: int,
    counts: NDArray[Any],
    limit: int,
) -> _Outcome:
    if flag in (PULSES16, PULSES12):
        bits = 16 if flag == PULSES16 else 12
        groups = 6 * (pulses // 4) + 2 * (pulses % 4)
        if end - start < (2 * pulses if bits == 16 else groups):
            return SHORT, bits
        if not _has_room(counts, pulses, limit):
            return TOO_LARGE, 0
        if bits == 16:
            beyond = _add_pulses16(window, start, pulses, counts)
        else:
            beyond = _add_pulses12(window, start, pulses, counts)
        return (BEYOND, beyond) if beyond else _SOUND
    fault, fact = _add_runs(window, start, end, counts, limit)
    if fault != SOUND or pulses == 0:
        return fault, fact
    late = end + BETWEEN
    if late + 2 * pulses > window.size:
        return OUTSIDE, 0
    if not _has_room(counts, pulses, limit):
        return TOO_LARGE, 0
    beyond = _add_pulses16(window, late, pulses, counts)
    return (LATE_BEYOND, beyond) if beyond else _SOUND


def _add_pixels(
    window: NDArray[np.uint8],
    table: NDArray[np.int64],
    counts: NDArray[Any],
    limit: int,
    cleared: bool,
) -> tuple[int, int, int]:
    following = 0
    for pixel in range(table.shape[1]):
        cell, flag, pulses = table[0, pixel], table[1, pixel], table[2, pixel]
        start, end = table[3, pixel], table[4, pixel]
        inside = 0 <= pulses <= window.size and 0 <= start <= end <= window.size
        if not (inside and 0 <= cell < counts.shape[0]):
            return pixel, OUTSIDE, 0
        if cleared and cell >= following:
            # Just before it is written to, while it is in the processor's cache.
            counts[following : cell + 1] = 0
            following = cell + 1
        fault, fact = _add_pixel(window, flag, pulses, start, end, counts[cell], limit)
        if fault != SOUND:
            return pixel, fault, fact
    if cleared:
        counts[following:] = 0
    return table.shape[1], SOUND, 0


def adder(kind: np.dtype[Any]) -> Callable[..., tuple[int, int, int]]:
    """Return what adds the events of pixels to counts.

    Parameters
    ----------
    kind
        Type of the counts.

    Returns
    -------
    Callable
        It takes the window and the table of `lithoscope.io.bruker.packed.PackedPixels`; the counts
        to add to, shape (cell, channel); what no channel may exceed; and whether the counts are to
        be zero before. It returns which of the pixels cannot be added (if none, their number),
        what is wrong with it, one of the constants of this module, and a number that tells more.
    """
    with _COMPILING:
        return _compiled_adder(kind)


@functools.cache
def _compiled_adder(kind: np.dtype[Any]) -> Callable[..., tuple[int, int, int]]:
    # Each type takes more than a second to compile, and those above uint16 are seldom needed.
    counts = numba.from_dtype(kind)[:, ::1]
    outcome = numba.types.UniTuple(numba.int64, 3)
    return compiled(outcome(BYTES, TABLE, counts, numba.int64, numba.boolean))(_add_pixels)
