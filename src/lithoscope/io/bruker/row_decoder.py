"""From packed pixels to counts, of the smallest type that holds them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.damage import PixelError
from lithoscope.io.bruker.packed import PULSES12, PULSES16, RUNS, PackedPixels
from lithoscope.io.bruker.pixel_codec import (
    MAX_COUNT,
    count_pulses,
    unpack_pulses12,
    unpack_pulses16,
)
from lithoscope.io.bruker.run_codec import MOST_OF_NIBBLES, list_runs, wide_values, write_nibbles

COUNT_TYPES = (np.uint16, np.uint32, np.uint64)

# Pixels that are unpacked together; what that takes stays within some tens of MB.
_VALUES_AT_ONCE = 1 << 22
_BYTES_AT_ONCE = 4 << 20

_UNPACKERS = ((PULSES16, unpack_pulses16), (PULSES12, unpack_pulses12))


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some of all cells, from `first` to ``last - 1``, and the pixels that are stored of them.

    The pixels' places are counted from the first cell.
    """

    first: int
    last: int
    pixels: PackedPixels


def smallest_type(largest: int) -> type[np.unsignedinteger]:
    """Return the smallest type of counts that holds a number."""
    for kind in COUNT_TYPES:
        if largest <= np.iinfo(kind).max:
            return kind
    raise OverflowError(largest)


def decode_rows(rows: Sequence[PackedPixels], counts: NDArray[np.uint16]) -> NDArray[Any]:
    """Unpack rows of pixels.

    Parameters
    ----------
    rows
        The rows.
    counts
        What to write to, shape (row, x, channel), whatever it holds.

    Returns
    -------
    ndarray, shape (row, x, channel)
        `counts`, or a new array of a larger type where they do not fit.

    Raises
    ------
    PixelError
        If a pixel cannot be unpacked; its index is counted through all cells.
    """
    _, width, n_channels = counts.shape
    flat = counts.reshape(-1, n_channels)
    if not any(map(len, rows)):
        counts[...] = 0
        return counts
    wide = []
    for piece in _pieces(rows, width, n_channels):
        part = flat[piece.first : piece.last]
        try:
            decoded = _decode(piece.pixels, part)
        except PixelError as error:
            raise PixelError(piece.first + error.index, error.cause) from None
        if decoded is not part:
            wide.append((piece, decoded))
    if not wide:
        return counts
    whole = flat.astype(np.result_type(*(decoded for _, decoded in wide)))
    for piece, decoded in wide:
        whole[piece.first : piece.last] = decoded
    return whole.reshape(counts.shape)


def add_counts(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Add counts to others of the same shape, in place unless they would not fit."""
    kind = smallest_type(int(first.max(initial=0)) + int(second.max(initial=0)))
    total = first if first.dtype.itemsize >= np.dtype(kind).itemsize else first.astype(kind)
    total += second.astype(total.dtype, copy=False)
    return fitted(total)


def fitted(counts: NDArray[Any]) -> NDArray[Any]:
    """Return counts in the smallest type that holds them."""
    if counts.dtype == COUNT_TYPES[0]:
        return counts
    return counts.astype(smallest_type(int(counts.max(initial=0))), copy=False)


def _pieces(rows: Sequence[PackedPixels], width: int, n_channels: int) -> Iterator[_Piece]:
    """Cut rows into pieces that are small enough to be unpacked at once, and hold all cells."""
    at_once = max(1, _VALUES_AT_ONCE // n_channels)
    placed = [row.moved(number * width) for number, row in enumerate(rows) if len(row)]
    parts = [
        part
        for _, group in itertools.groupby(placed, key=lambda row: id(row.window))
        for part in _joined(list(group)).cut(cells=at_once, n_bytes=_BYTES_AT_ONCE)
    ]
    cuts = [0, *(int(part.cells[0]) for part in parts[1:]), len(rows) * width]
    for part, first, last in zip(parts, cuts[:-1], cuts[1:], strict=True):
        yield _Piece(first, last, part.moved(-first))


def _joined(rows: list[PackedPixels]) -> PackedPixels:
    """Join rows of one window."""
    return PackedPixels(rows[0].window, np.concatenate([row.table for row in rows], axis=1))


def _decode(pixels: PackedPixels, counts: NDArray[np.uint16]) -> NDArray[Any]:
    """Unpack pixels; return the counts, or a new array where they do not fit."""
    runs = pixels.of(pixels.flags >= RUNS)
    n_channels = counts.shape[1]
    with _naming_cells(runs):
        listed = list_runs(runs.window, runs.starts, runs.ends, runs.cells, n_channels)
    places, values = wide_values(listed)
    largest = int(values.max(initial=0))
    if largest > MAX_COUNT:
        cell = int(places[values.argmax()]) // n_channels
        raise PixelError(cell, f"one channel is said to hold more than {MAX_COUNT} counts")
    in_runs = max(largest, MOST_OF_NIBBLES) + int(runs.pulses.max(initial=0))
    kind = smallest_type(max(in_runs, int(pixels.pulses.max(initial=0))))
    target = counts if kind == counts.dtype else np.empty(counts.shape, dtype=kind)
    _write_pulses(pixels, target)
    write_nibbles(listed, target.reshape(-1))
    target.reshape(-1)[places] = values
    _add_late_pulses(runs, target)
    held = fitted(target)
    if held.dtype != counts.dtype:
        return held
    if target is not counts:
        counts[...] = held
    return counts


def _write_pulses(pixels: PackedPixels, counts: NDArray[Any]) -> None:
    """Write the counts of pixels that are stored as pulses, and zeros in all other cells."""
    kinds = [(pixels.of(pixels.flags == flag), unpack) for flag, unpack in _UNPACKERS]
    if all(len(chosen) < len(counts) for chosen, _ in kinds):
        counts[...] = 0
    for chosen, unpack in kinds:
        if not len(chosen):
            continue
        fills_all = len(chosen) == len(counts)
        shape = (len(chosen), counts.shape[1])
        compact = counts if fills_all else np.empty(shape, dtype=counts.dtype)
        with _naming_cells(chosen):
            count_pulses(unpack(chosen.data(), chosen.pulses.tolist()), compact)
        if not fills_all:
            counts[chosen.cells] = compact


@contextmanager
def _naming_cells(pixels: PackedPixels) -> Iterator[None]:
    """Make errors name the cell of a pixel instead of its number."""
    try:
        yield
    except PixelError as error:
        raise PixelError(int(pixels.cells[error.index]), error.cause) from None


def _add_late_pulses(runs: PackedPixels, counts: NDArray[Any]) -> None:
    """Add the events that stand after runs, which are few."""
    if not runs.pulses.any():
        return
    n_channels = counts.shape[1]
    channels = runs.late_pulses().astype(np.int64)
    cells = np.repeat(runs.cells, runs.pulses)
    largest = int(channels.max())
    if largest >= n_channels:
        cell = int(cells[channels.argmax()])
        raise PixelError(cell, f"a late pulse is in channel {largest} of {n_channels}")
    np.add.at(counts.reshape(-1), cells * n_channels + channels, counts.dtype.type(1))
