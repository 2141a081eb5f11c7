"""Whether what was read of a scan is what its file says it should be."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lithoscope.core.scan import Scan

# Sound files differ from their own sums by up to 2e-4: an event or two were late.
_SAME_SUM_WITHIN = 1e-3


def sum_mismatch(scan: Scan, total: ArrayLike) -> str | None:
    """Say that all pixels together are not the sum that stands in the file.

    Parameters
    ----------
    scan
        The scan.
    total
        Sum of all its pixels, shape (channel,).

    Returns
    -------
    str or None
        One line; ``None`` where they agree, or the file holds no sum.
    """
    if scan.sum_spectrum is None:
        return None
    own = np.asarray(scan.sum_spectrum, dtype=np.float64)
    found = np.asarray(total, dtype=np.float64)
    if np.abs(own - found).sum() <= _SAME_SUM_WITHIN * own.sum():
        return None
    return (
        f"all pixels together hold {found.sum():.0f} counts, the file's own sum spectrum "
        f"{own.sum():.0f}: it may be damaged, or the scan was broken off"
    )
