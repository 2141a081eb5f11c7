"""How a .bcf packs the events of its pixels.

- Pulses of 16 bits: one channel number an event.
- Pulses of 12 bits: four to six bytes b0 to b5, the last group cut off after its last pulse;
  ``b0>>4 | b1<<4``, ``(b0<<8 | b3) & 0xFFF``, ``b2<<4 | b5>>4``, ``(b5<<8 | b4) & 0xFFF``.
- Runs: a byte of size, a byte with the number of channels. Size 0: so many empty channels. Else a
  gain of that many bytes, then the channels' values, each of half as many bytes (size 1: a nibble,
  the low one first, filled up to a byte); the gain is added to each. They are unpacked by
  `lithoscope.io.bruker.run_codec`.

All numbers are little-endian. Whole batches of pixels are unpacked at once, so that the work is
done by NumPy and SciPy, which let other threads run meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from lithoscope.io.bruker.damage import PixelError

# No channel of a pixel comes near this; 16 detectors still sum within 64 bits.
MAX_COUNT = (1 << 32) - 1

Bytes = bytes | memoryview

_GROUP = 4
_GROUP_BYTES = 6
_PADDING = [bytes(length) for length in range(_GROUP_BYTES)]


@dataclass(frozen=True, eq=False)
class Pulses:
    """Events of several pixels, one pixel after the other.

    Parameters
    ----------
    channels
        Channel of each event, shape (event,).
    ends
        Where each pixel's events end, shape (pixel,).
    fillers
        Which of the events are none, but fill a pixel's last group up.
    """

    channels: NDArray[np.uint16]
    ends: NDArray[np.int64]
    fillers: NDArray[np.int64]


def unpack_pulses16(bodies: Sequence[Bytes], numbers: Sequence[int]) -> Pulses:
    """Unpack pulses of 16 bits: one channel number an event.

    Parameters
    ----------
    bodies
        Data of each pixel.
    numbers
        Pulses of each pixel.

    Raises
    ------
    PixelError
        If a pixel's data is shorter than its pulses.
    """
    cut = []
    for index, (body, number) in enumerate(zip(bodies, numbers, strict=True)):
        if len(body) < 2 * number:
            raise PixelError(
                index, f"{number} pulses of 16 bits are said to fit into {len(body)} bytes"
            )
        cut.append(body[: 2 * number])
    channels = np.frombuffer(b"".join(cut), dtype="<u2")
    ends = np.cumsum(np.asarray(numbers, dtype=np.int64))
    return Pulses(channels, ends, np.zeros(0, dtype=np.int64))


def unpack_pulses12(bodies: Sequence[Bytes], numbers: Sequence[int]) -> Pulses:
    """Unpack pulses of 12 bits, which stand four to six bytes.

    Parameters, result and errors are those of `unpack_pulses16`.
    """
    filled: list[Bytes] = []
    for index, (body, number) in enumerate(zip(bodies, numbers, strict=True)):
        groups, rest = divmod(number, _GROUP)
        needed = groups * _GROUP_BYTES + 2 * rest
        if len(body) < needed:
            raise PixelError(
                index, f"{number} pulses of 12 bits are said to fit into {len(body)} bytes"
            )
        filled.append(body[:needed])
        if rest:
            filled.append(_PADDING[_GROUP_BYTES - 2 * rest])
    words = np.frombuffer(b"".join(filled), dtype="<u2").reshape(-1, 3)
    first, second, third = (np.ascontiguousarray(words[:, place]) for place in range(3))
    channels = np.empty((len(words), _GROUP), dtype=np.uint16)
    channels[:, 0] = first >> 4
    channels[:, 1] = (first & 0xF) << 8 | second >> 8
    channels[:, 2] = (second & 0xFF) << 4 | third >> 12
    channels[:, 3] = third & 0xFFF
    wanted = np.asarray(numbers, dtype=np.int64)
    ends = np.cumsum(-(-wanted // _GROUP) * _GROUP)
    lacking = -wanted % _GROUP
    fillers = [ends[lacking >= back] - back for back in range(1, _GROUP)]
    return Pulses(channels.reshape(-1), ends, np.concatenate(fillers))


def count_pulses(pulses: Pulses, counts: NDArray[np.unsignedinteger]) -> None:
    """Count the events of each pixel in each channel.

    Parameters
    ----------
    pulses
        Events of as many pixels as there are rows of counts.
    counts
        Where to write to, shape (pixel, channel), of a type that holds any pixel's events.

    Raises
    ------
    PixelError
        If an event is beyond the last channel.
    """
    n_channels = counts.shape[1]
    channels = pulses.channels.astype(np.int32)
    weights = np.ones(channels.size, dtype=counts.dtype)
    weights[pulses.fillers] = 0
    channels[pulses.fillers] = 0
    if channels.max(initial=0) >= n_channels:
        last = int(channels.argmax())
        pixel = int(np.searchsorted(pulses.ends, last, side="right"))
        raise PixelError(pixel, f"a pulse is in channel {channels[last]} of {n_channels}")
    starts = np.concatenate([[0], pulses.ends]).astype(np.int32)
    # A sparse matrix whose entries repeat adds them up: a histogram of each row, compiled.
    scipy.sparse.csr_array((weights, channels, starts), shape=counts.shape).toarray(out=counts)
