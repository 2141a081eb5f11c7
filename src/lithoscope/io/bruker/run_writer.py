"""Spectra as runs of channels, the way a .bcf stores those that pulses would make larger.

The layout is told in `lithoscope.io.bruker.pixel_codec`. Its runs of size 8 are never needed: a
count above 65 535 becomes a run of its own, which holds it as the gain (as real files do), and
RosettaSciIO misreads runs of size 8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The least counts for which a channel needs a nibble, a byte, two bytes, and a run of its own.
_LEVELS = (1, 16, 256, 65536)
_OWN_RUN = len(_LEVELS)
# A run costs three bytes besides its values: it does not pay to interrupt a larger one by less.
_SHORTEST = 10
# Real files have no longer runs.
_LONGEST = 254
_GAIN_BYTES = 4


def pack_runs(spectra: NDArray[np.int64]) -> list[bytes]:
    """Pack spectra as runs of channels, which end with the last channel that is not empty.

    Parameters
    ----------
    spectra
        Counts below 2^32, shape (pixel, channel).

    Returns
    -------
    list of bytes
        The runs of each pixel.
    """
    n_pixels, n_channels = spectra.shape
    flat = spectra.reshape(-1)
    starts, numbers = _cut(spectra)
    low, high = np.minimum.reduceat(flat, starts), np.maximum.reduceat(flat, starts)
    pixel = starts // n_channels
    kept = starts % n_channels < ends_of_counts(spectra)[pixel]
    starts, numbers, low, high, pixel = (
        column[kept] for column in (starts, numbers, low, high, pixel)
    )
    sizes = _sizes(low, high)
    lengths = 2 + sizes + np.where(sizes == 1, (numbers + 1) // 2, numbers * sizes // 2)
    raw = _joined(flat, starts, numbers, low, sizes, lengths)
    ends = np.cumsum(np.bincount(pixel, lengths, minlength=n_pixels)).astype(np.int64)
    return [raw[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def ends_of_counts(spectra: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the channel after the last that is not empty, 0 where all are, shape (pixel,)."""
    filled = spectra > 0
    ends = spectra.shape[1] - filled[:, ::-1].argmax(axis=1)
    return np.where(filled.any(axis=1), ends, 0)


def count_up(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, 2, ... for each of the numbers, one after the other."""
    ends = np.cumsum(numbers)
    return np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - numbers, numbers)


def _cut(spectra: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut spectra where the size of counts changes: first channels, and numbers of channels."""
    levels = np.zeros(spectra.shape, dtype=np.uint8)
    for least in _LEVELS:
        levels += spectra >= least
    for level in range(_OWN_RUN - 1):
        levels = _without_short(levels, level)
    starts, numbers = _stretches(levels)
    pieces = -(-numbers // _LONGEST)
    place = count_up(pieces)
    starts = np.repeat(starts, pieces) + _LONGEST * place
    return starts, np.minimum(np.repeat(numbers, pieces) - _LONGEST * place, _LONGEST)


def _without_short(levels: NDArray[np.uint8], level: int) -> NDArray[np.uint8]:
    """Raise short stretches of a level, between higher ones, to the lower of these."""
    starts, numbers = _stretches(levels)
    own = levels.reshape(-1)[starts]
    before, after = np.append(0, own[:-1]), np.append(own[1:], 0)
    # The ends of a spectrum have nothing but emptiness beyond them.
    at_start = starts % levels.shape[1] == 0
    before[at_start] = 0
    after[np.append(at_start[1:], True)] = 0
    raised = np.minimum(np.minimum(before, after), _OWN_RUN - 1)
    short = (own == level) & (numbers < _SHORTEST) & (raised > level)
    filled = np.repeat(np.where(short, raised, own), numbers)
    return filled.astype(np.uint8).reshape(levels.shape)


def _stretches(levels: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where stretches of one level start, in all spectra joined, and their lengths."""
    begins = np.ones(levels.shape, dtype=bool)
    begins[:, 1:] = (levels[:, 1:] != levels[:, :-1]) | (levels[:, 1:] == _OWN_RUN)
    starts = np.flatnonzero(begins)
    return starts, np.diff(starts, append=levels.size)


def _sizes(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the size of each run: bytes of its gain, twice those of its values."""
    sizes = np.full(low.shape, 4)
    sizes[(low < 1 << 16) & (high - low < 1 << 8)] = 2
    sizes[(low < 1 << 8) & (high - low < 1 << 4)] = 1
    sizes[high == 0] = 0
    return sizes


def _joined(
    flat: NDArray[np.int64],
    starts: NDArray[np.int64],
    numbers: NDArray[np.int64],
    gains: NDArray[np.int64],
    sizes: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> bytes:
    """Write all runs one after the other: size, number of channels, gain, values."""
    at = np.cumsum(lengths) - lengths
    raw = np.zeros(int(lengths.sum()), dtype=np.uint8)
    raw[at], raw[at + 1] = sizes, numbers
    for byte in range(_GAIN_BYTES):
        wide = sizes > byte
        raw[at[wide] + 2 + byte] = gains[wide] >> 8 * byte & 0xFF
    for size in (1, 2, 4):
        chosen = np.flatnonzero(sizes == size)
        run, place = np.repeat(chosen, numbers[chosen]), count_up(numbers[chosen])
        values, first = flat[starts[run] + place] - gains[run], at[run] + 2 + size
        if size == 1:
            odd = place % 2 == 1
            raw[(first + place // 2)[~odd]] = values[~odd]
            raw[(first + place // 2)[odd]] |= (values[odd] << 4).astype(np.uint8)
        for byte in range(size // 2):
            raw[first + place * (size // 2) + byte] = values >> 8 * byte & 0xFF
    return raw.tobytes()
