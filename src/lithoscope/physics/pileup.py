"""Pile-up: two photons within the pulse-pair resolution, counted as one of their summed energy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from lithoscope.core.energy import EnergyAxis

FloatArray = NDArray[np.float64]


def pileup_from_rates(
    *, counts_per_s: FloatArray, axis: EnergyAxis, pulse_pair_resolution_ns: float
) -> FloatArray:
    """Spectrum as it is recorded when photons pile up.

    With n counts per second and the pulse-pair resolution t, a photon stays alone with the
    probability ``p = exp(-2 n t)``; the others meet in pairs (Knoll 2010, Radiation Detection and
    Measurement, chapter 17, VII, first order), so that energy is conserved and counts are lost:
    ``r'(E) = p r(E) + (1 - p) / (2 n) (r * r)(E)``.

    Sums above the axis are lost.

    Parameters
    ----------
    counts_per_s
        Expected rate in each channel of the axis, shape (channel,).
    axis
        The energy axis; its channel of zero energy may lie between channels.
    pulse_pair_resolution_ns
        Pulse-pair resolution in ns; with 0 nothing piles up.

    Returns
    -------
    ndarray, shape (channel,)
    """
    total = counts_per_s.sum()
    piled = -np.expm1(-2 * total * pulse_pair_resolution_ns * 1e-9)
    if piled == 0 or total == 0:
        return counts_per_s.copy()
    sums = np.maximum(fftconvolve(counts_per_s, counts_per_s), 0.0)
    # Channels i and j sum to the energy of channel i + j + offset / gain.
    place = np.arange(sums.size) + axis.offset_keV / axis.gain_keV
    lower = np.floor(place).astype(np.int64)
    share = place - lower
    recorded = (1 - piled) * counts_per_s
    for channel, weight in ((lower, 1 - share), (lower + 1, share)):
        inside = (channel >= 0) & (channel < axis.n_channels)
        recorded += np.bincount(
            channel[inside],
            weights=(sums * weight)[inside] * piled / (2 * total),
            minlength=axis.n_channels,
        )
    return recorded
