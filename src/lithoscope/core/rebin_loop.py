"""The loop that rebins many spectra, compiled."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lithoscope.core.compiled import compiled

_COUNTS = [numba.types.Array(kind, 2, "C", readonly=True) for kind in (numba.uint16, numba.float64)]


@compiled(
    *(
        numba.void(counts, numba.int64[::1], numba.float64[::1], numba.float32[:, ::1], total[::1])
        for counts, total in zip(_COUNTS, (numba.int64, numba.float64), strict=True)
    )
)
def rebin_rows(
    counts: NDArray[Any],
    channels: NDArray[np.int64],
    shares: NDArray[np.float64],
    binned: NDArray[np.float32],
    below: NDArray[Any],
) -> None:
    """Rebin spectra by their cumulative counts at the new edges.

    Parameters
    ----------
    counts
        Shape (spectrum, channel).
    channels, shares
        The channel in which each new edge lies, and the share of it that is below the edge, shape
        (bin + 1,).
    binned
        What to write to, shape (spectrum, bin).
    below
        Room for the counts below each channel, shape (channel,).
    """
    for spectrum in range(counts.shape[0]):
        total = below.dtype.type(0)
        for channel in range(below.size):
            below[channel] = total
            total += counts[spectrum, channel]
        low = 0.0
        for edge in range(channels.size):
            channel = channels[edge]
            high = below[channel] + shares[edge] * counts[spectrum, channel]
            if edge > 0:
                binned[spectrum, edge - 1] = high - low
            low = high
