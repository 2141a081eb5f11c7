"""Single Rayleigh and Compton scatter of the exciting radiation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number
from lithoscope.physics.constants import ELECTRON_REST_ENERGY_KEV, FINE_STRUCTURE

FloatArray = NDArray[np.float64]

# xraylib tabulates Compton profiles up to this momentum, in atomic units (Biggs et al. 1975).
_LARGEST_MOMENTUM = 99.0


def compton_energy_from_angle(*, energies_keV: FloatArray, angle_deg: float) -> FloatArray:
    """Energy after Compton scatter on an electron at rest, ``E / (1 + E/mc^2 (1 - cos theta))``."""
    recoil = 1 - np.cos(np.deg2rad(angle_deg))
    return energies_keV / (1 + energies_keV / ELECTRON_REST_ENERGY_KEV * recoil)


def rayleigh_from_elements(
    *, symbols: Sequence[str], energies_keV: FloatArray, angle_deg: float
) -> FloatArray:
    """Differential Rayleigh cross section (form factors, xraylib).

    Returns
    -------
    ndarray, shape (element, energy), in cm²/g/sr
    """
    return _differential(xraylib_np.DCS_Rayl, symbols, energies_keV, angle_deg)


def compton_from_elements(
    *, symbols: Sequence[str], energies_keV: FloatArray, angle_deg: float
) -> FloatArray:
    """Differential Compton cross section (incoherent scattering functions, xraylib).

    Returns
    -------
    ndarray, shape (element, energy), in cm²/g/sr
    """
    return _differential(xraylib_np.DCS_Compt, symbols, energies_keV, angle_deg)


def _differential(
    function: object, symbols: Sequence[str], energies_keV: FloatArray, angle_deg: float
) -> FloatArray:
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    angles = np.array([np.deg2rad(angle_deg)])
    energies = np.ascontiguousarray(energies_keV)
    return np.asarray(function(numbers, energies, angles))[:, :, 0]  # type: ignore[operator]


def compton_profile_from_element(
    *, symbol: str, energy_keV: float, angle_deg: float, edges_keV: FloatArray
) -> FloatArray:
    """Share of Compton-scattered photons in each energy bin, Doppler broadened.

    Electrons in the atom move; a photon scattered from E to E' met an electron of momentum
    ``p_z / (m c alpha) = (1 / alpha) (E - E' - E E' (1 - cos theta) / mc^2)
    / sqrt(E^2 + E'^2 - 2 E E' cos theta)`` (Ribberfors 1975, Phys. Rev. B 12, 2067), with a density
    given by the Compton profile J(p_z) (Biggs et al. 1975, xraylib). Photons cannot keep more than
    their energy, E' < E.

    Parameters
    ----------
    symbol
        The scattering element.
    energy_keV
        Energy before scatter.
    angle_deg
        Scattering angle.
    edges_keV
        Increasing bin edges, shape (bin + 1,), fine against the peak's width of some 0.3 keV.

    Returns
    -------
    ndarray, shape (bin,), summing to 1 over all energies below `energy_keV`
    """
    middles = np.clip((edges_keV[:-1] + edges_keV[1:]) / 2, 1e-3, None)
    cosine = np.cos(np.deg2rad(angle_deg))
    transfer = np.sqrt(energy_keV**2 + middles**2 - 2 * energy_keV * middles * cosine)
    momentum = (
        energy_keV - middles - energy_keV * middles * (1 - cosine) / ELECTRON_REST_ENERGY_KEV
    ) / (transfer * FINE_STRUCTURE)
    number = np.array([atomic_number(symbol)])
    inside = (np.abs(momentum) < _LARGEST_MOMENTUM) & (middles < energy_keV)
    density = np.zeros_like(middles)
    profile = np.asarray(
        xraylib_np.ComptonProfile(number, np.ascontiguousarray(np.abs(momentum[inside])))
    )[0]
    density[inside] = profile * middles[inside] / transfer[inside]
    weights = density * np.diff(edges_keV)
    total = weights.sum()
    return weights / total if total > 0 else weights
