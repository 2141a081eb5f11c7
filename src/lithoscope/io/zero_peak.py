"""The zero peak: pulses that the electronics send in at 0 keV, which are no X-rays.

They come at a known frequency, and are lost like X-rays while the detector is dead; how many there
are is its live time. Bruker's software may subtract the peak, and leaves something behind.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError

# Bruker's software subtracts a model of the zero peak before it exports a spectrum. In six of nine
# exports from an XS-52 a few channels between 0.28 and 0.35 keV come out negative.
_RESIDUE_BELOW_KEV = 0.4

# On XS-51 and XS-52 this holds all but 0.3 % of the peak, and nothing else.
_HALF_WIDTH_KEV = 0.15


def zero_peak_channels(axis: EnergyAxis) -> slice | None:
    """Return the channels of the zero peak; ``None`` if the axis does not hold all of it."""
    inside = np.flatnonzero(np.abs(axis.energies_keV) <= _HALF_WIDTH_KEV)
    if axis.edges_keV[0] > -_HALF_WIDTH_KEV or inside.size < 2:
        return None
    return slice(int(inside[0]), int(inside[-1]) + 1)


def zero_peak_frequency_hz(scan: Scan) -> float | None:
    """Return how often the detectors of a scan, taken together, are sent a pulse at 0 keV."""
    frequency = scan.metadata.get("zero_peak_frequency_hz")
    if frequency is None or not frequency > 0 or zero_peak_channels(scan.axis) is None:
        return None
    return float(frequency) * scan.detectors


def live_time_from_zero_peak(scan: Scan) -> NDArray[np.float64]:
    """Work out the live time of each pixel; the whole scan is read for it.

    It is the area of the zero peak over the frequency of its pulses, the mean of all detectors
    where several are summed.

    Returns
    -------
    ndarray, shape (y, x)
        Live time in s.

    Raises
    ------
    ScanError
        If the file does not tell the frequency, or the energy axis starts above the peak.
    """
    frequency, channels = zero_peak_frequency_hz(scan), zero_peak_channels(scan.axis)
    if frequency is None or channels is None:
        raise ScanError(
            f"'{scan.title or 'The scan'}' has no zero peak of known frequency.",
            expected="ZeroPeakFrequency in its header, and an energy axis that starts below 0 keV",
        )
    areas = [counts[:, :, channels].sum(axis=2, dtype=np.uint64) for _, counts in scan.blocks()]
    return np.concatenate(areas) / frequency


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
