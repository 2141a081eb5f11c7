"""What the subtraction of the zero peak leaves behind."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis

# Bruker's software subtracts a model of the zero peak before it exports a spectrum. In six of nine
# exports from an XS-52 a few channels between 0.28 and 0.35 keV come out negative.
_RESIDUE_BELOW_KEV = 0.4


def without_residue(counts: NDArray[Any], axis: EnergyAxis, path: Path) -> NDArray[Any]:
    """Return counts with negative ones set to 0, if all of them lie next to the zero peak.

    Negative counts anywhere else are left, for `Spectrum` to refuse.

    Parameters
    ----------
    counts
        Counts, shape (channel,).
    axis
        Their energy axis.
    path
        The file, for the warning.
    """
    negative = np.flatnonzero(counts < 0)
    if negative.size == 0 or axis.energies_keV[negative].max() > _RESIDUE_BELOW_KEV:
        return counts
    low, high = axis.energies_keV[negative[[0, -1]]]
    warnings.warn(
        f"{path}: {negative.size} negative channels from {low:.2f} to {high:.2f} keV, which the "
        "subtraction of the zero peak left, were set to 0",
        stacklevel=4,
    )
    return np.maximum(counts, 0)
