"""What the machine itself adds to a spectrum: stray lines, the zero peak, pile-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xraylib
from benchmarks.physics.measured import Measured
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number
from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.physics.detector import fwhm_from_energy

FloatArray = NDArray[np.float64]

# Elements whose K lines acrylic cannot emit: what chambers, collimators and lenses are made of, and
# argon of the air that is left.
STRAY = ("Al", "Si", "S", "Ar", "K", "Ca", "Ti", "Cr", "Mn", "Fe", "Ni", "Cu", "Zn", "Zr", "Mo")
_WINDOW_KEV = 0.45
# Rh Ll, Lη, Lα, Lβ1, Lβ3, Lβ2, Lγ1, Lγ2: scattered, and not to be taken for S, Ar or K.
_TUBE_L_KEV = (2.377, 2.519, 2.697, 2.834, 2.916, 3.001, 3.144, 3.364)
_SEEN_SIGMA = 4.0
_ZERO_KEV = 0.15
_HARD_KEV = np.arange(23.5, 39.05, 0.5)
_PILED_KEV = np.array([28.0, 30.0])


@dataclass(frozen=True)
class StrayLine:
    """Net counts of a Kα line per count of the same spectrum above the element's K edge."""

    sample: str
    element: str
    counts: float
    error: float
    per_count: float

    @property
    def relative_error(self) -> float:
        """Error over counts."""
        return self.error / self.counts

    @property
    def is_seen(self) -> bool:
        """Whether it stands out of the noise."""
        return self.counts > _SEEN_SIGMA * self.error


def _k_alpha(element: str) -> float:
    return float(xraylib.LineEnergy(atomic_number(element), xraylib.KA_LINE))


def _k_beta(element: str) -> float:
    return float(xraylib.LineEnergy(atomic_number(element), xraylib.KB_LINE))


def net_area(measured: Measured, line_keV: float, others_keV: Sequence[float]) -> tuple[float, ...]:
    """Area of a Gaussian of the detector's width over a parabola, and its error.

    Weighted linear least squares within 0.45 keV; `others_keV` are lines that may stand beside.
    """
    energies = measured.energies_keV
    near = np.abs(energies - line_keV) < _WINDOW_KEV
    counts, x = measured.counts[near], (energies[near] - line_keV) / _WINDOW_KEV
    beside = [one for one in others_keV if 0.02 < abs(one - line_keV) < 1.3 * _WINDOW_KEV]
    centres = np.array([line_keV, *beside])
    sigma = (
        fwhm_from_energy(detector=measured.instrument.detector, energies_keV=centres)
        / FWHM_PER_SIGMA
    )
    peaks = np.exp(-(((energies[near, None] - centres) / sigma) ** 2) / 2) / sigma
    peaks *= measured.spectrum.axis.gain_keV / np.sqrt(2 * np.pi)
    design = np.column_stack([peaks, np.ones_like(x), x, x**2])
    weights = 1 / np.sqrt(np.maximum(counts, 3.0))
    # The second time with the weights of the fit itself, which do not favour low channels.
    for _ in range(2):
        best = np.linalg.lstsq(design * weights[:, None], counts * weights, rcond=None)[0]
        weights = 1 / np.sqrt(np.maximum(design @ best, 1.0))
    covariance = np.linalg.inv((design * weights[:, None]).T @ (design * weights[:, None]))
    return float(best[0]), float(np.sqrt(covariance[0, 0]))


def stray_lines(measured: Measured) -> Iterator[StrayLine]:
    """All lines of `STRAY` in a spectrum of acrylic, seen or not."""
    candidates = [_k_alpha(one) for one in STRAY] + [_k_beta(one) for one in STRAY[3:]]
    for element in STRAY:
        line = _k_alpha(element)
        counts, error = net_area(measured, line, [*candidates, *_TUBE_L_KEV])
        edge = float(xraylib.EdgeEnergy(atomic_number(element), xraylib.K_SHELL))
        above = measured.counts[measured.energies_keV > edge].sum()
        yield StrayLine(measured.name, element, counts, error, counts / above)


@dataclass(frozen=True)
class OwnCounts:
    """The pulser's peak at zero, per second of live time, and how much piles up.

    `counts_per_s` are those above 1 keV, `piled_share` is that of the counts from 28 to 30 keV;
    `resolution_ns` is the pulse-pair resolution by this spectrum alone.
    """

    sample: str
    per_second: float
    position_eV: float
    fwhm_eV: float
    share: float
    counts_per_s: float
    piled_share: float
    resolution_ns: float
    resolution_error_ns: float


def own_counts(measured: Measured) -> OwnCounts:
    """Moments of the zero peak, and its share of all counts."""
    energies, counts = measured.energies_keV, measured.counts
    near = np.abs(energies) < _ZERO_KEV
    total = counts[near].sum()
    centre = (counts * energies)[near].sum() / total
    variance = (counts * (energies - centre) ** 2)[near].sum() / total
    seconds = measured.spectrum.live_time_s or np.nan
    return OwnCounts(
        measured.name,
        float(total / seconds),
        float(1000 * centre),
        float(1000 * FWHM_PER_SIGMA * np.sqrt(variance)),
        float(total / counts.sum()),
        float(counts[energies > 1].sum() / seconds),
        float(measured.piled_in(_PILED_KEV)[0] / measured.counted_in(_PILED_KEV)[0]),
        *pulse_pair_resolution(measured),
    )


def pulse_pair_resolution(measured: Measured) -> tuple[float, float]:
    """Pulse-pair resolution and its error in ns, from the counts above the tube's lines.

    The simulation's scale and the resolution are fitted; pile-up is linear in it, to first order.
    """
    counted, expected = measured.counted_in(_HARD_KEV), measured.simulated_in(_HARD_KEV)
    piled = dataclasses.replace(measured, pulse_pair_ns=1.0).piled_in(_HARD_KEV)
    weights = 1 / np.sqrt(np.maximum(counted, 5))
    design = np.column_stack([expected, piled]) * weights[:, None]
    best = np.linalg.lstsq(design, counted * weights, rcond=None)[0]
    return float(best[1]), float(np.sqrt(np.linalg.inv(design.T @ design)[1, 1]))
