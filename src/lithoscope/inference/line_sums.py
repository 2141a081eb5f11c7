"""The loop that sums channels of many spectra, compiled."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lithoscope.core.compiled import compiled

_COUNTS = [numba.types.Array(kind, 2, "C", readonly=True) for kind in (numba.uint16, numba.float64)]


@compiled(
    *(
        numba.void(counts, numba.int64[:, ::1], total[:, ::1], total[::1])
        for counts, total in zip(_COUNTS, (numba.int64, numba.float64), strict=True)
    )
)
def sum_channels(
    counts: NDArray[Any], ranges: NDArray[np.int64], sums: NDArray[Any], whole: NDArray[Any]
) -> None:
    """Sum ranges of channels in each spectrum, and each channel over all spectra.

    Parameters
    ----------
    counts
        Shape (spectrum, channel).
    ranges
        First channel and the one after the last, shape (range, 2), inside the spectra.
    sums
        What to write to, shape (spectrum, range).
    whole
        What to add to, shape (channel,).
    """
    for spectrum in range(counts.shape[0]):
        for channel in range(counts.shape[1]):
            whole[channel] += counts[spectrum, channel]
        for place in range(ranges.shape[0]):
            total = whole.dtype.type(0)
            for channel in range(ranges[place, 0], ranges[place, 1]):
                total += counts[spectrum, channel]
            sums[spectrum, place] = total
