"""Peaks of measured and simulated spectra, taken in the same way from both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from benchmarks.physics.measured import Measured
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Range = tuple[float, float]

LINE_GOAL, SCATTER_GOAL = 0.05, 0.25
# A peak that is not seen says nothing; but that there is no escape peak does.
_SEEN_SIGMA = 5.0
_SILICON_KA_KEV = 1.74
_RAYLEIGH = ((19.95, 20.5), ((19.78, 19.9), (20.52, 20.62)))
_COMPTON = ((18.35, 19.6), ((17.8, 18.1), (19.75, 19.86)))


@dataclass(frozen=True)
class Peak:
    """A range of energies in keV, and the ranges on both sides that its background is taken from.

    Without ranges beside, the whole of the counts is meant.
    """

    name: str
    within: Range
    beside: tuple[Range, Range] | None = None

    def area(self, energies_keV: FloatArray, counts: FloatArray) -> tuple[float, float]:
        """Net counts, and the variance that counting gives them."""
        inside = _inside(energies_keV, self.within)
        gross = float(counts[inside].sum())
        if self.beside is None:
            return gross, gross
        means, places, spread = [], [], 0.0
        for side in self.beside:
            chosen = _inside(energies_keV, side)
            means.append(counts[chosen].mean())
            places.append(energies_keV[chosen].mean())
            spread += counts[chosen].sum() / chosen.sum() ** 2 / 4
        line = np.interp(energies_keV[inside], places, means)
        return gross - float(line.sum()), gross + float(inside.sum() ** 2 * spread)


def _inside(energies_keV: FloatArray, within: Range) -> NDArray[np.bool_]:
    return (energies_keV > within[0]) & (energies_keV < within[1])


# By sample: the peak that all are divided by and spectra are scaled to, then what is compared.
MAIN = {
    "Si": Peak("Si Kα", (1.55, 1.95)),
    "S": Peak("S K", (2.12, 2.62)),
    "Ti": Peak("Ti Kα", (4.33, 4.69)),
    "Cr": Peak("Cr Kα", (5.23, 5.59)),
    "Ni": Peak("Ni Kα", (7.28, 7.66)),
    "Zr": Peak("Zr Kα", (15.4, 16.1)),
    "Sn": Peak("Sn Lα", (3.3, 3.55)),
    "acrylic": Peak("5 to 30 keV", (5.0, 30.0)),
}
LINES = {
    "Ti": (Peak("Ti Kβ", (4.79, 5.1)),),
    "Cr": (Peak("Cr Kβ", (5.77, 6.12)),),
    "Ni": (Peak("Ni Kβ", (8.07, 8.46)),),
    "Zr": (Peak("Zr Kβ", (17.35, 18.25)), Peak("Zr L", (1.9, 2.3))),
    "Sn": (
        Peak("Sn Lβ1", (3.58, 3.78)),
        Peak("Sn Lβ2", (3.82, 4.02)),
        Peak("Sn Lγ1", (4.06, 4.22)),
        Peak("Sn Ll", (2.96, 3.12), ((2.9, 2.94), (3.15, 3.19))),
        Peak("Sn Kα", (24.8, 25.7)),
        Peak("Sn Kβ", (28.1, 29.4)),
    ),
}
_SCATTER = (Peak("Rayleigh Rh Kα", *_RAYLEIGH), Peak("Compton Rh Kα", *_COMPTON))
SCATTER = {
    "Si": _SCATTER,
    "S": _SCATTER,
    "Ti": _SCATTER,
    "Cr": _SCATTER,
    "Ni": _SCATTER,
    # Zr Kβ stands beside the Compton peak, and its own absorption edge within it.
    "Zr": _SCATTER[:1],
    "Sn": _SCATTER,
    "acrylic": (*_SCATTER, Peak("Rh L", (2.55, 3.15), ((2.45, 2.5), (3.15, 3.2)))),
}
_ESCAPING = {"S": 2.3075, "Ti": 4.509, "Cr": 5.412, "Ni": 7.472, "Zr": 15.746}


def escape_peak(line_keV: float) -> Peak:
    """Where the escape peak of a line stands."""
    centre = line_keV - _SILICON_KA_KEV
    return Peak(
        "escape",
        (centre - 0.12, centre + 0.12),
        ((centre - 0.2, centre - 0.13), (centre + 0.13, centre + 0.2)),
    )


@dataclass(frozen=True)
class PeakRatio:
    """Simulated over measured ratio of two peaks, with the error that counting leaves."""

    sample: str
    kind: str
    peak: str
    over: str
    measured: float
    ratio: float
    error: float
    goal: float


def scaled_to(measured: Measured) -> Peak:
    """What a spectrum is scaled to as a whole: its main peak, or the scattered continuum."""
    return MAIN[_key(measured)]


def _key(measured: Measured) -> str:
    return "acrylic" if measured.is_acrylic else measured.name


def peak_ratios(measured: Measured, simulated: FloatArray) -> Iterator[PeakRatio]:
    """Every peak of a sample over its main peak, simulated over measured."""
    key, main = _key(measured), scaled_to(measured)
    asked = [("line", peak, LINE_GOAL) for peak in LINES.get(key, ())]
    asked += [("scatter", peak, SCATTER_GOAL) for peak in SCATTER.get(key, ())]
    if key in _ESCAPING:
        asked.append(("escape", escape_peak(_ESCAPING[key]), SCATTER_GOAL))
    energies = measured.energies_keV
    main_counted, main_variance = main.area(energies, measured.counts)
    main_expected, _ = main.area(energies, simulated)
    for kind, peak, goal in asked:
        counted, variance = peak.area(energies, measured.counts)
        if kind != "escape" and counted < _SEEN_SIGMA * np.sqrt(variance):
            continue
        expected, _ = peak.area(energies, simulated)
        share = counted / main_counted
        ratio = expected / main_expected / share
        relative = np.sqrt(variance / counted**2 + main_variance / main_counted**2)
        yield PeakRatio(
            measured.name, kind, peak.name, main.name, share, ratio, abs(ratio) * relative, goal
        )
