"""How a .bcf packs the spectra of its pixels: as pulses, or as runs of channels.

- Pulses of 16 bits: one channel number an event.
- Pulses of 12 bits: four to six bytes b0 to b5, the last group cut off after its last pulse;
  ``b0>>4 | b1<<4``, ``(b0<<8 | b3) & 0xFFF``, ``b2<<4 | b5>>4``, ``(b5<<8 | b4) & 0xFFF``.
- Runs: a byte of size, a byte with the number of channels. Size 0: so many empty channels. Else a
  gain of that many bytes, then the channels' values, each of half as many bytes (size 1: a nibble,
  the low one first, filled up to a byte); the gain is added to each.

All numbers are little-endian. Whole batches of pixels are unpacked at once, so that the work is
done by NumPy; what cannot be raises a `ValueError` that says why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Arrays of this many runs stay in the processor's cache.
_RUNS_AT_ONCE = 4096

# No channel of a pixel comes near this; 16 detectors still sum within 32 bits.
MAX_COUNT = 1 << 27

_GROUP = 4
_GROUP_BYTES = 6
_RUN_SIZES = np.zeros(256, dtype=bool)
_RUN_SIZES[[0, 1, 2, 4, 8]] = True
_GAIN_MASKS = np.array([(1 << 8 * min(size, 8)) - 1 for size in range(256)], dtype=np.uint64)
_EIGHT = np.arange(8)


def unpack_pulses16(bodies: Sequence[bytes], numbers: Sequence[int]) -> NDArray[np.uint16]:
    """Unpack pulses of 16 bits: one channel number an event.

    Parameters
    ----------
    bodies
        Data of each pixel.
    numbers
        Pulses of each pixel.

    Returns
    -------
    ndarray, shape (pulse,)
        Channel of every pulse, pixel after pixel.

    Raises
    ------
    ValueError
        If a pixel's data is shorter than its pulses.
    """
    cut = []
    for body, number in zip(bodies, numbers, strict=True):
        if len(body) < 2 * number:
            raise ValueError(f"{number} pulses of 16 bits are said to fit into {len(body)} bytes")
        cut.append(body[: 2 * number])
    return np.frombuffer(b"".join(cut), dtype="<u2")


def unpack_pulses12(bodies: Sequence[bytes], numbers: Sequence[int]) -> NDArray[np.uint16]:
    """Unpack pulses of 12 bits, which stand four to six bytes.

    Parameters and result are those of `unpack_pulses16`.
    """
    padded = []
    for body, number in zip(bodies, numbers, strict=True):
        groups, rest = divmod(number, _GROUP)
        needed = groups * _GROUP_BYTES + 2 * rest
        if len(body) < needed:
            raise ValueError(f"{number} pulses of 12 bits are said to fit into {len(body)} bytes")
        padded.append(body[:needed].ljust(-(-number // _GROUP) * _GROUP_BYTES, b"\0"))
    b = np.frombuffer(b"".join(padded), dtype=np.uint8).reshape(-1, _GROUP_BYTES).T.astype("<u2")
    pulses = np.stack(
        [
            b[0] >> 4 | b[1] << 4,
            (b[0] << 8 | b[3]) & 0xFFF,
            b[2] << 4 | b[5] >> 4,
            (b[5] << 8 | b[4]) & 0xFFF,
        ],
        axis=1,
    ).ravel()
    wanted = np.asarray(numbers, dtype=np.int64)
    room = -(-wanted // _GROUP) * _GROUP
    return pulses[_places(room) < np.repeat(wanted, room)]


def add_runs(counts: NDArray[np.uint32], cells: Sequence[int], bodies: Sequence[bytes]) -> None:
    """Unpack pixels that are stored as runs of channels, and add them to the counts.

    Parameters
    ----------
    counts
        Where to add, shape (cell, channel); channels beyond are left out.
    cells
        The cell of each pixel, none twice.
    bodies
        Data of each pixel.

    Raises
    ------
    ValueError
        If a run is of an unknown size, leaves its pixel's data, or holds absurd counts.
    """
    lengths = np.array([len(body) for body in bodies], dtype=np.int64)
    ends = np.cumsum(lengths)
    # A run's head and gain are read as ten bytes, also at the very end.
    buffer = np.frombuffer(b"".join(bodies) + bytes(2 + _EIGHT.size), dtype=np.uint8)
    pixel, channel, size, number, at, gain = _list_runs(buffer, ends - lengths, ends)
    n_channels = counts.shape[1]
    number = np.clip(number, 0, np.maximum(n_channels - channel, 0))
    target = np.asarray(cells, dtype=np.int64)[pixel] * n_channels + channel
    flat = counts.reshape(-1)
    for run_size in (1, 2, 4, 8):
        of_size = np.flatnonzero(size == run_size)
        for start in range(0, of_size.size, _RUNS_AT_ONCE):
            runs = of_size[start : start + _RUNS_AT_ONCE]
            run = np.repeat(runs, number[runs])
            place = _places(number[runs])
            count = _values(buffer, at[run], place, run_size) + gain[run]
            if count.size and count.max() > MAX_COUNT:
                raise ValueError(f"a pixel is said to hold {count.max()} counts in one channel")
            flat[target[run] + place] += count.astype(np.uint32)


def _list_runs(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], ...]:
    """List all runs: pixel, first channel, size, channels, where its values start, and gain.

    Where a run starts depends on the one before, so the pixels are walked side by side: first
    the first run of each, then the second.
    """
    at, channel = starts.copy(), np.zeros_like(starts)
    steps = [tuple(np.zeros(0, dtype=np.int64) for _ in range(6))]
    pixel = np.flatnonzero(at < ends)
    while pixel.size:
        here = at[pixel]
        size, number = buffer[here].astype(np.int64), buffer[here + 1].astype(np.int64)
        if not _RUN_SIZES[size].all():
            raise ValueError(f"a run of channels has size {size[~_RUN_SIZES[size]][0]}")
        gain = buffer[(here + 2)[:, None] + _EIGHT].view("<u8")[:, 0]
        gain = np.minimum(gain & _GAIN_MASKS[size], MAX_COUNT + 1).astype(np.int64)
        values = here + 2 + size
        steps.append((pixel, channel[pixel], size, number, values, gain))
        at[pixel] = values + np.where(size == 1, (number + 1) // 2, number * size // 2)
        channel[pixel] += number
        if (at[pixel] > ends[pixel]).any():
            raise ValueError("a run of channels leaves its pixel's data")
        pixel = pixel[at[pixel] < ends[pixel]]
    return tuple(np.concatenate(column) for column in zip(*steps, strict=True))


def _values(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], place: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    """Read the values at the given places of runs of one size: half as many bytes each."""
    if size == 1:
        byte = buffer[starts + place // 2]
        return np.where(place % 2 == 0, byte & 15, byte >> 4).astype(np.int64)
    width = size // 2
    bytes_of_value = buffer[(starts + place * width)[:, None] + np.arange(width)]
    return bytes_of_value.view(f"<u{width}")[:, 0].astype(np.int64)


def _places(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count 0, 1, 2, ... within each of several groups of the given numbers."""
    ends = np.cumsum(numbers)
    total = int(ends[-1]) if ends.size else 0
    return np.arange(total) - np.repeat(ends - numbers, numbers)
