"""Spectra on a slightly other energy scale and resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.preprocess.resolution import fwhm_in_bins

FloatArray = NDArray[np.float64]

# How far machines are off, as standard deviations: offset, gain, and variance of a peak.
_OFFSET_KEV, _GAIN, _VARIANCE = 0.012, 0.003, 0.1
_FARTHEST = 3.0
# Relative error of an expected bin beside counting noise, when the scale is fitted.
_BIN_ERROR = 0.03


@dataclass(frozen=True)
class EnergyWarp:
    """A change of energy scale and resolution, in units of what is usual (standard deviations).

    Parameters
    ----------
    offset, gain
        Of the energy scale, 12 eV and 0.3 % each.
    variance
        Of a peak, 10 % each.
    """

    offset: float = 0.0
    gain: float = 0.0
    variance: float = 0.0

    def applied(self, spectra: FloatArray, edges_keV: FloatArray) -> FloatArray:
        """Return spectra, shape (..., bin), so changed; counts that leave the axis are lost."""
        if self == EnergyWarp():
            return spectra
        moved = edges_keV - self.offset * _OFFSET_KEV - self.gain * _GAIN * edges_keV
        spline = _cumulative(spectra, edges_keV)
        shifted = spline(np.clip(moved, edges_keV[0], edges_keV[-1]))
        found = np.diff(shifted, axis=-1)
        if self.variance:
            # Half of each count goes one standard deviation of the added variance up, half down.
            reach = np.sqrt(abs(self.variance) * _VARIANCE) * _sigma(edges_keV)
            both = [
                np.diff(spline(np.clip(moved + side * reach, edges_keV[0], edges_keV[-1])))
                for side in (-1, 1)
            ]
            found = found + np.sign(self.variance) * ((both[0] + both[1]) / 2 - found)
        return np.maximum(found, 0.0)


def fitted_warp(
    *,
    counts: FloatArray,
    expected: FloatArray,
    unwarped: FloatArray,
    edges_keV: FloatArray,
    now: EnergyWarp,
    used: NDArray[np.bool_],
) -> EnergyWarp:
    """One step of least squares towards the warp that counts ask for.

    Minimises ``sum_j (n_j - m_j - sum_k D_kj (c_k - now_k))^2 / V_j + sum_k c_k^2`` with the
    derivatives D of the expected spectrum, ``V = m + (0.03 m)^2 + 1``, and c in standard deviations
    of what machines are off by, at most three.

    Parameters
    ----------
    counts, expected, unwarped
        Measured, and expected with `now` and without any warp, shape (bin,).
    edges_keV
        Bin edges, shape (bin + 1,).
    now
        The warp of `expected`.
    used
        Bins to look at, shape (bin,).
    """
    derivatives = np.stack(
        [
            (EnergyWarp(offset=1).applied(unwarped, edges_keV) - _minus(unwarped, edges_keV, 0))
            / 2,
            (EnergyWarp(gain=1).applied(unwarped, edges_keV) - _minus(unwarped, edges_keV, 1)) / 2,
            EnergyWarp(variance=1).applied(unwarped, edges_keV) - unwarped,
        ]
    )[:, used]
    means, residual = expected[used], (counts - expected)[used]
    weights = 1 / (means + (_BIN_ERROR * means) ** 2 + 1)
    start = np.array([now.offset, now.gain, now.variance])
    normal = (derivatives * weights) @ derivatives.T + np.eye(3)
    found = np.linalg.solve(normal, (derivatives * weights) @ (residual + start @ derivatives))
    offset, gain, variance = np.clip(found, -_FARTHEST, _FARTHEST).tolist()
    return EnergyWarp(offset, gain, variance)


def _minus(spectra: FloatArray, edges_keV: FloatArray, which: int) -> FloatArray:
    warp = EnergyWarp(offset=-1) if which == 0 else EnergyWarp(gain=-1)
    return warp.applied(spectra, edges_keV)


def _cumulative(spectra: FloatArray, edges_keV: FloatArray) -> CubicSpline:
    sums = np.cumsum(spectra, axis=-1)
    return CubicSpline(edges_keV, np.concatenate([np.zeros_like(sums[..., :1]), sums], -1), axis=-1)


def _sigma(edges_keV: FloatArray) -> FloatArray:
    """Standard deviation of a peak at each edge in keV."""
    fwhm = fwhm_in_bins(edges_keV) * np.diff(edges_keV)
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    return np.asarray(np.interp(edges_keV, centres, fwhm) / FWHM_PER_SIGMA)
