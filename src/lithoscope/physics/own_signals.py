"""What an instrument adds of its own: the zero peak, and lines of its parts."""

from __future__ import annotations

import numpy as np
import xraylib
from numpy.typing import NDArray
from scipy.special import ndtr

from lithoscope.core.elements import atomic_number
from lithoscope.core.instrument import Detector, Instrument
from lithoscope.errors import InstrumentError
from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.fluorescence import lines_from_elements, production_from_lines

FloatArray = NDArray[np.float64]


def zero_peak_from_detector(*, detector: Detector, edges_keV: FloatArray) -> FloatArray:
    """Pulses at 0 keV per second, as wide as the electronic noise, shape (channel,)."""
    sigma = detector.noise_keV / FWHM_PER_SIGMA
    return np.asarray(detector.zero_peak_per_s * np.diff(ndtr(edges_keV / sigma)))


def stray_from_counts(
    *, counts: FloatArray, instrument: Instrument, edges_keV: FloatArray
) -> FloatArray:
    """Counts of the K lines of the instrument's own parts, shape (channel,).

    Each element gives its share of the counts above its K edge, with Kα and Kβ in the ratio of
    their radiative rates.

    Raises
    ------
    InstrumentError
        If the instrument cannot see the K lines of one of the elements.
    """
    total = np.zeros_like(counts)
    for stray in instrument.stray_lines:
        edge = float(xraylib.EdgeEnergy(atomic_number(stray.element), xraylib.K_SHELL))
        above = counts[edges_keV[:-1] > edge].sum()
        total += stray.share * above * _k_lines(stray.element, edge, instrument, edges_keV)
    return total


def _k_lines(
    element: str, edge_keV: float, instrument: Instrument, edges_keV: FloatArray
) -> FloatArray:
    """Spectrum of an element's K lines with one count in all."""
    lines = lines_from_elements(symbols=[element])
    strengths = production_from_lines(
        symbols=[element], lines=lines, energies_keV=np.array([1.2 * edge_keV])
    )[:, 0]
    is_k = lines.energies_keV > 0.7 * edge_keV
    counts = strengths[is_k] @ counts_per_photon(
        instrument=instrument, energies_keV=lines.energies_keV[is_k], edges_keV=edges_keV
    )
    if not counts.sum() > 0:
        raise InstrumentError(
            f"stray_lines of {instrument.name} name {element}, of whose K lines nothing is seen.",
            expected=f"elements with K lines up to {edges_keV[-1]:.4g} keV that pass the window",
            remedy=f"take {element} out of stray_lines",
        )
    return np.asarray(counts / counts.sum())
