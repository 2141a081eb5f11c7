"""Silicon escape in a measured spectrum that no software took it out of.

The one such file with a strong line is of an M6 Jetstream: calcium with some phosphorus, whose Kα
stands 60 eV beside the escape peak of Ca Kα, so that both are fitted together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.physics.measured import opened
from numpy.typing import NDArray
from scipy.optimize import least_squares

from lithoscope.core.instrument import Detector
from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.physics.detector import escape_energy_keV, escape_from_energy, fwhm_from_energy

FloatArray = NDArray[np.float64]

FILE = Path("bruker_files") / "bruker_m6_jetstream_file_example.spx"
_CALCIUM_KEV = np.array([3.6905, 4.0128])
_MAIN_RANGE_KEV = (3.4, 4.3)
# Si Kα, P Kα and Kβ, S Kα.
_OTHERS_KEV = np.array([1.740, 2.0137, 2.139, 2.307])
_FIT_KEV = (1.7, 2.6)


@dataclass(frozen=True)
class EscapeCheck:
    """Escape of Ca Kα and Kβ by Reed and Ware over the fitted one, and the error of counting."""

    ratio: float
    error: float
    chi2_per_channel: float


def _gaussians(
    detector: Detector, energies_keV: FloatArray, centres_keV: FloatArray, width: float
) -> FloatArray:
    """Peaks of unit area, shape (channel, peak)."""
    sigma = width * fwhm_from_energy(detector=detector, energies_keV=centres_keV) / FWHM_PER_SIGMA
    shape = np.exp(-(((energies_keV[:, None] - centres_keV) / sigma) ** 2) / 2)
    return shape / sigma * (energies_keV[1] - energies_keV[0]) / np.sqrt(2 * np.pi)


def _areas(
    detector: Detector, energies_keV: FloatArray, counts: FloatArray, centres_keV: FloatArray
) -> FloatArray:
    """Net areas of lines over a straight background."""
    peaks = _gaussians(detector, energies_keV, centres_keV, 1.0)
    design = np.column_stack([peaks, np.ones_like(energies_keV), energies_keV])
    return np.asarray(np.linalg.lstsq(design, counts, rcond=None)[0][: centres_keV.size])


def escape_check(data: Path) -> EscapeCheck:
    """Fit what the escape peaks of calcium amount to, in units of what Reed and Ware expect.

    A common shift and a common width of all peaks are free, as calibrations are off by some eV.
    """
    spectrum = opened(data / FILE)
    energies, counts = spectrum.axis.energies_keV, np.asarray(spectrum.counts, dtype=np.float64)
    detector = spectrum.instrument.detector if spectrum.instrument else Detector()
    main = (energies > _MAIN_RANGE_KEV[0]) & (energies < _MAIN_RANGE_KEV[1])
    escaping = _areas(detector, energies[main], counts[main], _CALCIUM_KEV) * escape_from_energy(
        energies_keV=_CALCIUM_KEV
    )
    near = (energies > _FIT_KEV[0]) & (energies < _FIT_KEV[1])
    x, y = energies[near], counts[near]
    weights = 1 / np.sqrt(np.maximum(y, 5.0))

    def design(parameters: FloatArray) -> FloatArray:
        shift, width = parameters
        others = _gaussians(detector, x, _OTHERS_KEV + shift, width)
        lost = _gaussians(detector, x, _CALCIUM_KEV - escape_energy_keV() + shift, width)
        columns = np.column_stack([lost @ escaping, others, np.ones_like(x), x])
        return columns * weights[:, None]

    def residuals(parameters: FloatArray) -> FloatArray:
        weighted = design(parameters)
        best = np.linalg.lstsq(weighted, y * weights, rcond=None)[0]
        return np.asarray(weighted @ best - y * weights)

    best = least_squares(residuals, [0.0, 1.0], x_scale=[0.003, 0.03])
    weighted = design(best.x)
    found = np.linalg.lstsq(weighted, y * weights, rcond=None)[0][0]
    error = np.sqrt(np.linalg.inv(weighted.T @ weighted)[0, 0])
    left = float(np.sum(best.fun**2) / (y.size - weighted.shape[1] - 2))
    return EscapeCheck(float(1 / found), float(error / found**2), left)
