"""The walk from head to head of a row's pixels, compiled: each says where the next one stands."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lithoscope.core.compiled import BYTES, compiled, inlined
from lithoscope.io.bruker.packed import HEAD, NUMBER, RUNS

_HEAD_BYTES, _NUMBER_BYTES = HEAD.itemsize, NUMBER.size
# Where packing, number of pulses and bytes of data stand in a head (`packed.HEAD`).
_FLAG, _PULSES, _SIZE = 12, 16, 18
_WALK = numba.types.Tuple((numba.int64, numba.int64[::1], numba.int64))(BYTES, numba.int64)


@inlined
def _number(window: NDArray[np.uint8], at: int, n_bytes: int) -> Any:
    value = np.int64(0)
    for byte in range(n_bytes):
        value |= np.int64(window[at + byte]) << (8 * byte)
    return value


@compiled(_WALK)
def walk_heads(window: NDArray[np.uint8], start: int) -> tuple[int, NDArray[np.int64], int]:
    """Walk a row from where it starts.

    Parameters
    ----------
    window
        Bytes that hold the row, or some of it.
    start
        Where in them it starts, 0 or more.

    Returns
    -------
    n_pixels : int
        Number of pixels that it is said to hold.
    places : ndarray, shape (pixel,)
        Where their heads are, as far as the window holds them.
    end : int
        Where the last of these pixels ends, which may be beyond the window.
    """
    at = start + _NUMBER_BYTES
    if at > window.size:
        return 1, np.empty(0, np.int64), at
    n_pixels = _number(window, start, _NUMBER_BYTES)
    most = max(0, min(n_pixels, (window.size - at) // _HEAD_BYTES))
    places = np.empty(most, np.int64)
    found = 0
    while found < most and at <= window.size - _HEAD_BYTES:
        places[found] = at
        found += 1
        pulses = _number(window, at + _PULSES, 2)
        late = 2 * pulses if _number(window, at + _FLAG, 2) >= RUNS else 0
        at += _HEAD_BYTES + _number(window, at + _SIZE, 4) + late
    return n_pixels, places[:found], at
