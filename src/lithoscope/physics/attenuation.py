"""Attenuation: what passes a layer, a gas or a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xraylib
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.elements import atomic_number
from lithoscope.core.instrument import Atmosphere, Layer

FloatArray = NDArray[np.float64]

# xraylib's Kissel tables begin here; nothing below reaches a detector through any window.
LOWEST_ENERGY_KEV = 0.1

# Dry air by mass (NIST, ESTAR composition 104) and densities at 20 degrees C and 1013 mbar.
_GASES = {
    "air": (Composition({"C": 0.000124, "N": 0.755268, "O": 0.231781, "Ar": 0.012827}), 1.20479e-3),
    "helium": (Composition({"He": 1.0}), 1.66322e-4),
}
_STANDARD_PRESSURE_MBAR = 1013.25


def mass_attenuation_from_elements(
    *, symbols: Sequence[str], energies_keV: FloatArray
) -> FloatArray:
    """Total mass attenuation coefficients of elements.

    Photoelectric, Rayleigh and Compton cross sections of xraylib (Kissel).

    Parameters
    ----------
    symbols
        Element symbols.
    energies_keV
        Photon energies, shape (energy,), in keV, at least `LOWEST_ENERGY_KEV`.

    Returns
    -------
    ndarray, shape (element, energy), in cm²/g
    """
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    energies = np.ascontiguousarray(np.maximum(energies_keV, LOWEST_ENERGY_KEV))
    return np.asarray(xraylib_np.CS_Total_Kissel(numbers, energies))


def mass_attenuation_from_composition(
    *, composition: Composition, energies_keV: FloatArray
) -> FloatArray:
    """Mass attenuation coefficient of a mixture, ``mu(E) = sum_i w_i mu_i(E)``.

    Returns
    -------
    ndarray, shape (energy,), in cm²/g
    """
    weights = np.array([fraction for _, fraction in composition])
    return weights @ mass_attenuation_from_elements(
        symbols=composition.elements, energies_keV=energies_keV
    )


def transmission_from_layers(*, layers: Sequence[Layer], energies_keV: FloatArray) -> FloatArray:
    """Transmission of a stack of layers, ``T(E) = exp(-sum_k mu_k(E) rho_k d_k)``.

    Returns
    -------
    ndarray, shape (energy,)
    """
    exponent = np.zeros_like(energies_keV)
    for layer in layers:
        attenuation = mass_attenuation_from_composition(
            composition=layer.composition, energies_keV=energies_keV
        )
        exponent += attenuation * layer.mass_thickness_g_cm2
    return np.exp(-exponent)


def transmission_from_atmosphere(
    *, atmosphere: Atmosphere, path_mm: float, energies_keV: FloatArray
) -> FloatArray:
    """Transmission of a path through the chamber's gas.

    Returns
    -------
    ndarray, shape (energy,)
    """
    if atmosphere.gas == "vacuum":
        return np.ones_like(energies_keV)
    composition, density = _GASES[atmosphere.gas]
    attenuation = mass_attenuation_from_composition(
        composition=composition, energies_keV=energies_keV
    )
    pressure = atmosphere.pressure_mbar / _STANDARD_PRESSURE_MBAR
    return np.exp(-attenuation * density * pressure * path_mm * 0.1)


def silicon_absorption_from_thickness(
    *, thickness_um: float, energies_keV: FloatArray
) -> FloatArray:
    """Share of photons absorbed by the photoelectric effect in silicon.

    ``1 - exp(-tau_Si(E) rho d)``; scattered photons leave a thin detector unseen.

    Returns
    -------
    ndarray, shape (energy,)
    """
    energies = np.ascontiguousarray(np.maximum(energies_keV, LOWEST_ENERGY_KEV))
    photo = np.asarray(xraylib_np.CS_Photo(np.array([14]), energies))[0]
    return -np.expm1(-photo * float(xraylib.ElementDensity(14)) * thickness_um * 1e-4)
