"""The relative error of the simulation against measured spectra, by energy and by region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from benchmarks.physics.expected import expected_in
from benchmarks.physics.measured import Measured
from numpy.typing import NDArray

from lithoscope.core.formula import composition_from_formula
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.physics.lines import main_lines

FloatArray = NDArray[np.float64]

# Bins as wide as half a peak; fewer counts than this say little beside their noise.
_BIN_KEV = 0.06
_FEWEST_COUNTS = 25
_RANGE_KEV = (0.9, 39.0)
_BANDS = 18
REGIONS = ("lines", "tube's lines scattered", "below 3 keV", "continuum")
_TUBE_KEV = ((2.5, 3.2), (18.2, 20.6), (20.7, 23.0))
_NEAR_FWHM = 1.5


@dataclass(frozen=True, eq=False)
class Deviations:
    """Of one spectrum, bin by bin: energy, ``ln(simulated / measured)``, its variance, region."""

    sample: str
    energies_keV: FloatArray
    logs: FloatArray
    variances: FloatArray
    regions: NDArray[np.int64]

    def rms(self, chosen: NDArray[np.bool_]) -> float | None:
        """Root mean square over bins, what counting explains subtracted."""
        if chosen.sum() < 3:
            return None
        square = np.mean(self.logs[chosen] ** 2 - self.variances[chosen])
        return float(np.sqrt(max(square, 0.0)))


@dataclass(frozen=True)
class Band:
    """One range of energies: the error typical for a spectrum, its range, and how many spoke."""

    energy_keV: float
    error: float
    largest: float
    n_spectra: int


def _regions(measured: Measured, energies_keV: FloatArray) -> NDArray[np.int64]:
    regions = np.where(energies_keV < 3, 2, 3)
    for low, high in _TUBE_KEV:
        regions[(energies_keV > low) & (energies_keV < high)] = 1
    reach = _NEAR_FWHM * fwhm_from_energy(
        detector=measured.instrument.detector, energies_keV=energies_keV
    )
    for element in composition_from_formula(measured.formula).elements:
        for line in main_lines(element, low_keV=_RANGE_KEV[0], high_keV=_RANGE_KEV[1]):
            regions[np.abs(energies_keV - line.energy_keV) < reach] = 0
    return regions


def deviations(measured: Measured, simulated: FloatArray) -> Deviations:
    """Compare a spectrum, scaled as a whole, in bins."""
    edges = np.arange(_RANGE_KEV[0], _RANGE_KEV[1], _BIN_KEV)
    middles = (edges[1:] + edges[:-1]) / 2
    counted = measured.counted_in(edges)
    expected = expected_in(measured, simulated, edges)
    used = (counted >= _FEWEST_COUNTS) & (expected > 0)
    return Deviations(
        sample=measured.name,
        energies_keV=middles[used],
        logs=np.log(expected[used] / counted[used]),
        variances=1 / counted[used],
        regions=_regions(measured, middles)[used],
    )


def error_by_region(every: Sequence[Deviations]) -> list[tuple[str, list[float | None]]]:
    """Rows of the table: sample, and the error in each of `REGIONS`."""
    return [
        (one.sample, [one.rms(one.regions == region) for region in range(len(REGIONS))])
        for one in every
    ]


def error_by_energy(every: Sequence[Deviations]) -> list[Band]:
    """The error in bands of equal width in the logarithm: the median over spectra, smoothed.

    The median, because coarse-grained metals diffract into single bands, by factors.
    """
    edges = np.geomspace(*_RANGE_KEV, _BANDS + 1)
    bands = []
    for low, high in pairwise(edges):
        errors = [
            error
            for one in every
            if (error := one.rms((one.energies_keV >= low) & (one.energies_keV < high))) is not None
        ]
        if errors:
            middle = float(np.sqrt(low * high))
            bands.append(Band(middle, float(np.median(errors)), max(errors), len(errors)))
    return _smoothed(bands)


def _smoothed(bands: Sequence[Band]) -> list[Band]:
    """Quarter, half, quarter over neighbours, each as heavy as the spectra that spoke."""
    errors = np.pad([band.error for band in bands], 1, mode="edge")
    numbers = np.pad([band.n_spectra for band in bands], 1, mode="edge")
    weights = np.array([0.25, 0.5, 0.25])
    smooth = [
        float(np.average(errors[row : row + 3], weights=weights * numbers[row : row + 3]))
        for row in range(len(bands))
    ]
    return [
        Band(band.energy_keV, error, band.largest, band.n_spectra)
        for band, error in zip(bands, smooth, strict=True)
    ]


def write_model_error(path: Path, bands: Sequence[Band]) -> None:
    """Write the table that `lithoscope.physics.model_error` reads."""
    lines = [
        "# Relative error of simulated spectra, written by python -m benchmarks.physics: rms of",
        "# ln(simulated / measured) within a band, counting noise subtracted, median over spectra,",
        "# smoothed. Measured: NIST, Bruker XS-52, Rh 50 kV; Si, S, Ti, Cr, Ni, Zr, Sn, acrylic",
        "# bare and behind five filters (usnistgov/NeXLSpectrum.jl @ 95c0405, Unlicense).",
        "energy_keV,relative_error,n_spectra",
    ]
    lines += [f"{band.energy_keV:.3f},{band.error:.3f},{band.n_spectra}" for band in bands]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
