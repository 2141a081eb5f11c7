"""Heads of pixels in a row: where each stands, what it says, and whether that can be.

A head takes 22 bytes: x (uint32), two channel counts, four unknown bytes, packing, a size, number
of pulses (uint16 each), and bytes of data (uint32), which follow. After runs of channels, and
within these bytes, stands how many bytes (uint32) the pulses take that follow them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.packed import (
    BETWEEN,
    HEAD,
    NUMBER,
    PULSES12,
    PULSES16,
    RUNS,
    PackedPixels,
)

_FIELDS = ("x", "flag", "pulses", "size")
_BYTES_OF_HEAD = np.arange(HEAD.itemsize)
_BYTES_OF_NUMBER = np.arange(NUMBER.size)

# A pixel of 65 535 channels in runs of one channel each takes less.
_MAX_PIXEL_BYTES = 2 << 20


def take_pixels(
    window: NDArray[np.uint8], places: NDArray[np.int64], width: int, cut_off: str
) -> tuple[PackedPixels, str]:
    """Take the pixels whose heads stand at some places, up to the first that cannot be.

    Parameters
    ----------
    window
        Bytes that hold the row.
    places
        Where in them the heads are.
    width
        Number of columns of the map.
    cut_off
        Why the window ends where it does.

    Returns
    -------
    pixels : PackedPixels
        Those before the first that cannot be.
    wrong : str
        What is wrong with that one; empty if all can be.
    """
    heads = window[places[:, None] + _BYTES_OF_HEAD].view(HEAD)[:, 0]
    x, flags, pulses, sizes = (heads[name].astype(np.int64) for name in _FIELDS)
    starts = places + HEAD.itemsize
    ends = starts + sizes
    runs = flags >= RUNS
    late = window.take((ends - BETWEEN)[:, None] + _BYTES_OF_NUMBER, mode="clip").view("<u4")[:, 0]
    is_late = runs & (sizes >= BETWEEN)
    faults = (
        (x >= width, f"stands in column {{x}} of {width}"),
        (_repeats(x), "stands there twice"),
        (sizes > _MAX_PIXEL_BYTES, "is said to take {size} bytes"),
        (ends + 2 * pulses * runs > window.size, cut_off),
        (
            sizes != _bytes_of(flags, pulses, sizes),
            "is said to hold {pulses} pulses in {size} bytes",
        ),
        (is_late & (late != 2 * pulses), "is said to hold {pulses} late pulses in {late} bytes"),
    )
    sound, wrong = len(places), ""
    for fault, text in faults:
        if fault[:sound].any():
            sound = int(fault.argmax())
            facts = {"x": x, "size": sizes, "pulses": pulses, "late": late}
            said = text.format(**{name: values[sound] for name, values in facts.items()})
            wrong = said if text is cut_off else f"pixel {x[sound]} {said}"
    table = np.vstack([x, flags, pulses, starts, ends - BETWEEN * runs])[:, :sound]
    in_order = (np.diff(x[:sound]) > 0).all()
    return PackedPixels(window, table if in_order else table[:, np.argsort(x[:sound])]), wrong


def _bytes_of(
    flags: NDArray[np.int64], pulses: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many bytes pixels take that say to take so many; runs may take any number."""
    groups = 6 * (pulses // 4) + 2 * (pulses % 4)
    kinds = [flags == PULSES16, flags == PULSES12]
    return np.select(kinds, [2 * pulses, groups], np.maximum(sizes, BETWEEN))


def _repeats(x: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which numbers stood before."""
    repeated = np.zeros(x.size, dtype=bool)
    if not (np.diff(x) > 0).all():
        repeated[:] = True
        repeated[np.unique(x, return_index=True)[1]] = False
    return repeated
