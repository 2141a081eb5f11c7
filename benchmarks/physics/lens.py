"""The lens: three parameters fitted once, to acrylic behind all filters and to two line ratios.

With them goes the detector's pulse-pair resolution: pile-up is a fifth of the counts at 29 keV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.physics.measured import Measured
from numpy.typing import NDArray
from scipy.optimize import least_squares

from lithoscope.core.instrument import Polycapillary

FloatArray = NDArray[np.float64]

# Above 30 keV half of the counts have piled up, which tells the pulse-pair resolution.
FIT_KEV = (5.0, 39.0)
_BIN_KEV = 0.5
# Nickel of the machine itself.
_STRAY_KEV = (7.2, 7.8)
_FEWEST_COUNTS = 100
# L over K of the same element weighs the lens at 4 keV against that at 20; (L range, K range).
_RATIOS = {"Zr": ((1.9, 2.3), (15.4, 16.1)), "Sn": ((3.2, 4.2), (24.8, 25.7))}
_RATIO_WEIGHT = 3.0
_GUESS_NS = 80.0


def fit_edges() -> FloatArray:
    """Bins of the scattered continuum that are fitted."""
    low, high = FIT_KEV
    return np.arange(low, high + _BIN_KEV / 2, _BIN_KEV)


def shape_residuals(measured: Measured, edges_keV: FloatArray) -> FloatArray:
    """Logarithms of expected over measured counts, pile-up on both sides, the scale taken out.

    Bins of few counts, and where the machine's own nickel stands, are left out.
    """
    counted, piled = measured.counted_in(edges_keV), measured.piled_in(edges_keV)
    expected = measured.simulated_in(edges_keV)
    middles = (edges_keV[1:] + edges_keV[:-1]) / 2
    stray = (middles > _STRAY_KEV[0]) & (middles < _STRAY_KEV[1])
    used = (counted > _FEWEST_COUNTS) & ~stray
    scale = np.median((counted - piled)[used] / expected[used])
    return np.log((scale * expected + piled)[used] / counted[used])


def _ratio_residual(measured: Measured) -> float:
    low, high = _RATIOS[measured.name]
    edges = np.array([*low, *high])
    counted, expected = measured.counted_in(edges), measured.simulated_in(edges)
    return float(np.log(expected[0] / expected[2] * counted[2] / counted[0]))


def fitted_lens(spectra: Sequence[Measured]) -> tuple[Polycapillary, float]:
    """The lens and the pulse-pair resolution in ns that suit acrylic and two line ratios best.

    Least squares of logarithms, soft beyond 10 %, so that what the lens cannot mend does not bend
    it.
    """
    edges = fit_edges()
    start = next(one.instrument.optic for one in spectra if one.instrument.optic)

    def residuals(parameters: FloatArray) -> FloatArray:
        lens, pair_ns = _described(parameters)
        parts = [
            shape_residuals(one.through(lens, pulse_pair_ns=pair_ns), edges)
            for one in spectra
            if one.is_acrylic
        ]
        parts += [
            np.array([_RATIO_WEIGHT * _ratio_residual(one.through(lens))])
            for one in spectra
            if one.name in _RATIOS
        ]
        return np.concatenate(parts)

    guess = np.log([start.rise, start.fall_keV, start.steepness - start.rise, _GUESS_NS])
    best = least_squares(residuals, guess, loss="soft_l1", f_scale=0.1, xtol=1e-4)
    return _described(best.x)


def _described(logarithms: FloatArray) -> tuple[Polycapillary, float]:
    rise, fall, steeper, pair_ns = (float(value) for value in np.exp(logarithms))
    return Polycapillary(rise, fall, rise + steeper), pair_ns
