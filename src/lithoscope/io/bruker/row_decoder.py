"""From packed pixels to counts, of the smallest type that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.damage import PixelError
from lithoscope.io.bruker.packed import MAX_COUNT, PackedPixels

COUNT_TYPES = (np.uint16, np.uint32, np.uint64)
_NARROW, *_, _WIDE = COUNT_TYPES
# Sums of 16 detectors stay far below this.
_NO_LIMIT = np.iinfo(np.int64).max


class _TooLarge(Exception):  # noqa: N818  (a signal, no error)
    """Counts that do not fit into their type."""


def smallest_type(largest: int) -> type[np.unsignedinteger]:
    """Return the smallest type of counts that holds a number."""
    for kind in COUNT_TYPES:
        if largest <= np.iinfo(kind).max:
            return kind
    raise OverflowError(largest)


def decode_rows(
    detectors: Sequence[Sequence[PackedPixels]], counts: NDArray[np.uint16]
) -> NDArray[Any]:
    """Unpack rows of pixels, and sum them over detectors.

    Parameters
    ----------
    detectors
        The rows of each detector.
    counts
        What to write to, shape (row, x, channel), whatever it holds; contiguous.

    Returns
    -------
    ndarray, shape (row, x, channel)
        `counts`, or a new array of a larger type where they do not fit.

    Raises
    ------
    PixelError
        If a pixel cannot be unpacked; its index is counted through all cells.
    """
    try:
        _unpack(detectors, counts, limit=np.iinfo(_NARROW).max)
    except _TooLarge:
        wide = np.empty(counts.shape, dtype=_WIDE)
        _unpack(detectors, wide, limit=_NO_LIMIT)
        return wide.astype(smallest_type(int(wide.max())), copy=False)
    return counts


def _unpack(
    detectors: Sequence[Sequence[PackedPixels]], counts: NDArray[Any], *, limit: int
) -> None:
    from lithoscope.io.bruker.pixel_codec import SOUND, TOO_LARGE, adder

    add_pixels = adder(counts.dtype)
    # All detectors of a row follow each other, while it is in the processor's cache.
    for number, rows in enumerate(zip(*detectors, strict=True)):
        for detector, row in enumerate(rows):
            table = np.ascontiguousarray(row.table)
            pixel, fault, fact = add_pixels(row.window, table, counts[number], limit, detector == 0)
            if fault == TOO_LARGE:
                raise _TooLarge
            if fault != SOUND:
                index = number * counts.shape[1] + int(row.cells[pixel])
                raise PixelError(index, _cause(row, pixel, fault, fact, counts.shape[2]))


def _cause(row: PackedPixels, pixel: int, fault: int, fact: int, n_channels: int) -> str:
    """Say what is wrong with a pixel."""
    from lithoscope.io.bruker import pixel_codec as codec

    _, _, pulses, start, end = row.table[:, pixel].tolist()
    size, number = fact & 0xFF, fact >> 8
    return {
        codec.OUTSIDE: f"its data are said to be at bytes {start} to {end} of {row.window.size}",
        codec.SHORT: f"{pulses} pulses of {fact} bits are said to fit into {end - start} bytes",
        codec.BEYOND: f"a pulse is in channel {fact} of {n_channels}",
        codec.LATE_BEYOND: f"a late pulse is in channel {fact} of {n_channels}",
        codec.BAD_RUN: f"a run of {number} channels has size {size}",
        codec.CUT_RUN: "a run of channels leaves its pixel's data",
        codec.LONG: f"its runs hold more than {n_channels} channels",
        codec.BRIGHT: f"one channel is said to hold more than {MAX_COUNT} counts",
    }[fault]
