"""The silicon drift detector: efficiency, resolution, escape, tail, shelf and recoil."""

from __future__ import annotations

import numpy as np
import xraylib
import xraylib_np
from numpy.typing import NDArray
from scipy.special import erfc, erfcx, ndtr

from lithoscope.core.instrument import Detector, Layer
from lithoscope.physics.attenuation import (
    LOWEST_ENERGY_KEV,
    silicon_absorption_from_thickness,
    transmission_from_layers,
)
from lithoscope.physics.constants import FWHM_PER_SIGMA, SILICON_PAIR_ENERGY_KEV
from lithoscope.physics.recoil import recoil_from_energies

FloatArray = NDArray[np.float64]

_SILICON = 14
# A Gaussian beyond this many standard deviations holds less than 1e-15 of its area.
_REACH_SIGMA = 8.0
# The exponential tail has fallen by exp(-40) after as many of its widths.
_REACH_WIDTHS = 40.0
# No more than this of a peak can be shelf, however soft the photon.
_LARGEST_SHELF = 0.4
# Energy of silicon's KLL Auger electrons, and what binds its L shells (Bearden and Burr 1967).
_AUGER_KEV = 1.6
_L_BINDING_KEV = 0.0998


def fano_term_from_factor(*, fano: float) -> float:
    """Statistical part of FWHM² per keV, ``8 ln 2 F epsilon``, in keV."""
    return FWHM_PER_SIGMA**2 * fano * SILICON_PAIR_ENERGY_KEV


def fwhm_from_energy(*, detector: Detector, energies_keV: FloatArray) -> FloatArray:
    """Resolution, ``FWHM^2 = noise^2 + 8 ln 2 F epsilon E``, in keV."""
    statistical = fano_term_from_factor(fano=detector.fano)
    return np.sqrt(detector.noise_keV**2 + statistical * np.maximum(energies_keV, 0.0))


def efficiency_from_detector(*, detector: Detector, energies_keV: FloatArray) -> FloatArray:
    """Share of photons that pass window and dead layer and are absorbed in the silicon."""
    entrance = detector.window
    if detector.dead_layer_um > 0:
        density = float(xraylib.ElementDensity(_SILICON))
        entrance = (*entrance, Layer("Si", detector.dead_layer_um, density))
    passed = transmission_from_layers(layers=entrance, energies_keV=energies_keV)
    return passed * silicon_absorption_from_thickness(
        thickness_um=detector.thickness_um, energies_keV=energies_keV
    )


def escape_from_energy(*, energies_keV: FloatArray) -> FloatArray:
    """Share of absorbed photons that lose a silicon K photon through the entrance.

    ``eps = omega_K (1 - 1/r) / 2 (1 - mu_K / mu ln(1 + mu / mu_K))`` above the Si K edge, with the
    edge jump r and the attenuation mu of the photon and mu_K of Si Kα (Reed and Ware 1972,
    J. Phys. E 5, 582, eq. 5, for normal incidence).
    """
    edge = float(xraylib.EdgeEnergy(_SILICON, xraylib.K_SHELL))
    share = float(xraylib.FluorYield(_SILICON, xraylib.K_SHELL)) * (
        1 - 1 / float(xraylib.JumpFactor(_SILICON, xraylib.K_SHELL))
    )
    numbers = np.array([_SILICON])
    energies = np.ascontiguousarray(np.maximum(energies_keV, edge))
    own = float(xraylib.CS_Total_Kissel(_SILICON, escape_energy_keV()))
    ratio = np.asarray(xraylib_np.CS_Total_Kissel(numbers, energies))[0] / own
    return np.where(energies_keV > edge, share / 2 * (1 - np.log1p(ratio) / ratio), 0.0)


def escape_energy_keV() -> float:
    """Energy that an escaping silicon K photon takes away, in keV."""
    return float(xraylib.LineEnergy(_SILICON, xraylib.KL3_LINE))


def response_from_energies(
    *, detector: Detector, energies_keV: FloatArray, edges_keV: FloatArray
) -> FloatArray:
    """Pulse-height distribution of photons of given energies, efficiency included.

    Each photon gives a Gaussian peak, an exponential low-energy tail folded with it, a flat shelf
    down to zero, an escape peak and the continuum of recoil electrons; the shares come from
    `core.detector.Detector` (Campbell and Wang 1991, X-Ray Spectrom. 20, 191, Hypermet form).

    Parameters
    ----------
    energies_keV
        Photon energies, shape (photon,).
    edges_keV
        Channel edges, shape (channel + 1,).

    Returns
    -------
    ndarray, shape (photon, channel): counts in each channel per photon at the window
    """
    escape = escape_from_energy(energies_keV=energies_keV)
    if not detector.escape:
        escape = np.zeros_like(escape)
    kept = _peak_shape(detector, energies_keV, edges_keV)
    lost = _gaussian_bins(
        energies_keV - escape_energy_keV(),
        fwhm_from_energy(detector=detector, energies_keV=energies_keV - escape_energy_keV()),
        edges_keV,
    )
    efficiency = efficiency_from_detector(detector=detector, energies_keV=energies_keV)
    shape = (1 - escape)[:, None] * kept + escape[:, None] * lost
    # Differences of cumulative distributions leave rounding errors of either sign.
    response = efficiency[:, None] * np.maximum(shape, 0.0)
    if detector.recoil:
        response += recoil_from_energies(
            detector=detector, energies_keV=energies_keV, edges_keV=edges_keV
        )
    return response


def shelf_fraction_from_energy(*, detector: Detector, energies_keV: FloatArray) -> FloatArray:
    """Share of a peak in its shelf, ``a + f mu R / 4 (1 + exp(-mu d)) / (1 - exp(-mu d))``.

    Photoelectrons that leave the silicon through its front or its back take energy away: of those
    that start at a depth z, with the range R and in any direction, ``(1 - z / R) / 2`` do, which
    integrates to R / 4 at either face of a detector of thickness d. The range is Kanaya and
    Okayama's (1972, J. Phys. D 5, 43, eq. 12), ``R = 0.0276 A E^1.67 / (Z^0.889 rho)`` µm, of the
    photoelectron, or of the Auger electron where that goes further; a is
    `Detector.shelf_fraction`, f `Detector.electron_loss`.
    """
    density = float(xraylib.ElementDensity(_SILICON))
    edge = float(xraylib.EdgeEnergy(_SILICON, xraylib.K_SHELL))
    energies = np.ascontiguousarray(np.maximum(energies_keV, LOWEST_ENERGY_KEV))
    electrons = np.where(
        energies > edge, np.maximum(energies - edge, _AUGER_KEV), energies - _L_BINDING_KEV
    )
    weight = float(xraylib.AtomicWeight(_SILICON))
    range_cm = 2.76e-6 * weight * np.maximum(electrons, 0.0) ** 1.67 / (_SILICON**0.889 * density)
    photo = np.asarray(xraylib_np.CS_Photo(np.array([_SILICON]), energies))[0] * density
    depth = photo * detector.thickness_um * 1e-4
    faces = (1 + np.exp(-depth)) / -np.expm1(-depth)
    lost = detector.electron_loss * photo * range_cm / 4 * faces
    return np.minimum(detector.shelf_fraction + lost, _LARGEST_SHELF)


def _peak_shape(detector: Detector, energies_keV: FloatArray, edges_keV: FloatArray) -> FloatArray:
    fwhm = fwhm_from_energy(detector=detector, energies_keV=energies_keV)
    shelf = shelf_fraction_from_energy(detector=detector, energies_keV=energies_keV)[:, None]
    shape = (1 - detector.tail_fraction - shelf) * _gaussian_bins(energies_keV, fwhm, edges_keV)
    sigma = (fwhm / FWHM_PER_SIGMA)[:, None]
    if detector.tail_fraction > 0:
        distance = edges_keV[None, :] - energies_keV[:, None]
        below = _tail_below(distance, sigma, detector.tail_width_keV)
        shape += detector.tail_fraction * np.diff(below, axis=1)
    if shelf.any():
        shape += shelf * np.diff(_shelf_below(energies_keV, sigma, edges_keV), axis=1)
    return shape


def _gaussian_bins(
    centres_keV: FloatArray, fwhm_keV: FloatArray, edges_keV: FloatArray
) -> FloatArray:
    sigma = (fwhm_keV / FWHM_PER_SIGMA)[:, None]
    return np.diff(_normal_below((edges_keV[None, :] - centres_keV[:, None]) / sigma), axis=1)


def _normal_below(distance: FloatArray) -> FloatArray:
    """Cumulative normal distribution; nothing is computed where it is 0 or 1."""
    below = (distance > 0).astype(np.float64)
    near = np.abs(distance) < _REACH_SIGMA
    below[near] = ndtr(distance[near])
    return below


def _tail_below(distance: FloatArray, sigma: FloatArray, width_keV: float) -> FloatArray:
    """Cumulative distribution of a normal minus an exponential variable.

    ``ndtr(t) + exp(distance / width + s^2 / 2) Q(t + s)`` with t the distance in standard
    deviations, ``s = sigma / width`` and ``Q = 1 - ndtr``, which is taken from erfcx where the
    exponent would overflow.
    """
    below = _normal_below(distance / sigma)
    near = (distance < _REACH_SIGMA * sigma) & (distance > -_REACH_WIDTHS * width_keV)
    slope = np.broadcast_to(sigma / width_keV, distance.shape)[near]
    t = distance[near] / np.broadcast_to(sigma, distance.shape)[near]
    argument = (t + slope) / np.sqrt(2)
    below[near] += np.where(
        argument > 0,
        0.5 * np.exp(-(t**2) / 2) * erfcx(np.maximum(argument, 0)),
        0.5 * np.exp(np.minimum(t * slope + slope**2 / 2, 700)) * erfc(np.minimum(argument, 0)),
    )
    return below


def _shelf_below(energies_keV: FloatArray, sigma: FloatArray, edges_keV: FloatArray) -> FloatArray:
    """Share of a flat shelf from zero energy to the peak that lies below each edge.

    The integral of ``ndtr((E0 - E) / sigma) / E0``, the step at E0 smeared by the resolution.
    """
    positive = np.clip(edges_keV, 0, None)[None, :]
    distance = (positive - energies_keV[:, None]) / sigma
    beyond = np.maximum(distance, 0.0)
    near = np.abs(distance) < _REACH_SIGMA
    close = distance[near]
    beyond[near] = close * ndtr(close) + np.exp(-(close**2) / 2) / np.sqrt(2 * np.pi)
    reached = (positive - sigma * beyond) / energies_keV[:, None]
    # Beyond the step the share is one; rounding must not make counts there.
    return np.where(distance < _REACH_SIGMA, reached, 1.0)
