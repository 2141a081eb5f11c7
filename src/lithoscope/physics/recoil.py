"""Photons that scatter in the detector's silicon, leave their recoil and escape.

Hard radiation makes few counts at its own energy in a thin detector, but its recoil electrons give
a continuum up to the Compton edge, 1.5 keV for Rh K: most of what acrylic shows below 2 keV.
"""

from __future__ import annotations

import functools

import numpy as np
import xraylib
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.instrument import Detector
from lithoscope.physics.attenuation import transmission_from_layers
from lithoscope.physics.constants import ELECTRON_REST_ENERGY_KEV

FloatArray = NDArray[np.float64]

_SILICON = 14
# Between these energies the continuum is interpolated; below the first it is negligible.
_GRID_KEV = np.geomspace(6.0, 100.0, 150)
_COSINES = np.linspace(1, -1, 201)
# Recoils are spread by about the resolution at the Compton edge.
_SPREAD_KEV = 0.1


def recoil_share_from_energy(*, detector: Detector, energies_keV: FloatArray) -> FloatArray:
    """Share of photons at the window that leave only a recoil electron in the detector.

    ``T_window (1 - exp(-mu rho d)) sigma_C / mu exp(-mu rho d / 2)``: scattered once in the
    silicon, then out of it along half its thickness, with attenuation unchanged.

    Returns
    -------
    ndarray, shape (energy,)
    """
    numbers = np.array([_SILICON])
    energies = np.ascontiguousarray(energies_keV)
    total = np.asarray(xraylib_np.CS_Total_Kissel(numbers, energies))[0]
    compton = np.asarray(xraylib_np.CS_Compt(numbers, energies))[0]
    depth = total * float(xraylib.ElementDensity(_SILICON)) * detector.thickness_um * 1e-4
    passed = transmission_from_layers(layers=detector.window, energies_keV=energies)
    return passed * -np.expm1(-depth) * compton / total * np.exp(-depth / 2)


def recoil_from_energies(
    *, detector: Detector, energies_keV: FloatArray, edges_keV: FloatArray
) -> FloatArray:
    """Counts of recoil electrons per photon at the window, shape (photon, channel).

    The recoil at the angle theta is ``T = E - E / (1 + E / mc^2 (1 - cos theta))``, with the
    differential Compton cross section of silicon (xraylib) as weight, spread evenly over 0.1 keV
    as the resolution does; energies between those of a grid are interpolated.
    """
    shares = recoil_share_from_energy(detector=detector, energies_keV=_GRID_KEV)
    shapes = _shapes(np.asarray(edges_keV, dtype=np.float64).tobytes())
    place = np.interp(np.log(energies_keV), np.log(_GRID_KEV), np.arange(_GRID_KEV.size))
    weights = np.maximum(1 - np.abs(place[:, None] - np.arange(_GRID_KEV.size)), 0)
    weights[energies_keV < _GRID_KEV[0]] = 0.0
    return np.asarray((weights * shares) @ shapes)


# Every machine on the same bins has the same shapes.
@functools.lru_cache(maxsize=4)
def _shapes(edges: bytes) -> FloatArray:
    """Distribution of the recoil for each energy of the grid, shape (grid, channel)."""
    edges_keV = np.frombuffer(edges)
    angles = np.arccos(_COSINES)
    sections = np.asarray(xraylib_np.DCS_Compt(np.array([_SILICON]), _GRID_KEV, angles))[0]
    shapes = np.empty((_GRID_KEV.size, edges_keV.size - 1))
    for row, (energy, section) in enumerate(zip(_GRID_KEV, sections, strict=True)):
        kinetic = energy - energy / (1 + energy / ELECTRON_REST_ENERGY_KEV * (1 - _COSINES))
        below = np.append(0, np.cumsum((section[1:] + section[:-1]) / 2))
        spread = np.diff(_spread_below(edges_keV, kinetic, below / below[-1]))
        # Differences of a cumulative distribution leave rounding errors of either sign.
        shapes[row] = np.maximum(spread, 0.0)
    return shapes


def _spread_below(edges_keV: FloatArray, kinetic_keV: FloatArray, below: FloatArray) -> FloatArray:
    """Share below each edge once every recoil is spread over `_SPREAD_KEV`."""
    areas = np.append(0, np.cumsum(np.diff(kinetic_keV) * (below[1:] + below[:-1]) / 2))
    ends = [edges_keV - _SPREAD_KEV / 2, edges_keV + _SPREAD_KEV / 2]
    low, high = (
        np.interp(end, kinetic_keV, areas) + np.maximum(end - kinetic_keV[-1], 0.0) for end in ends
    )
    return np.asarray((high - low) / _SPREAD_KEV)
