"""The X-ray tube: continuum and characteristic lines after Ebel.

Sources
-------
Ebel H. (1999), X-ray tube spectra, X-Ray Spectrometry 28, 255-266: equations 1 to 12.
Ebel H. (2003), Lt, La12, Ln, Lb123456, Lg123 spectra of x-ray tubes, X-Ray Spectrometry 32, 46-51:
constants of the L lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xraylib
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number, atomic_weight
from lithoscope.core.instrument import Tube
from lithoscope.physics.attenuation import transmission_from_layers

FloatArray = NDArray[np.float64]

# Photons / (s sr mA keV) and photons / (s sr mA): Ebel (1999), conclusion, and Ebel (2003).
_CONTINUUM = 1.35e9
_K_LINES = 5.0e13
_L_LINES = {"L1": 0.71e13, "L2": 2.70e13, "L3": 4.94e13}
# Mean L fluorescence yields, Hubbell et al. (1994), J. Phys. Chem. Ref. Data 23, 339, table 8
# (2004 erratum), for the anodes of `core.instrument.ANODES`.
_MEAN_L_YIELD = {
    "Cr": 0.00450,
    "Cu": 0.00939,
    "Mo": 0.0363,
    "Rh": 0.0459,
    "Ag": 0.0534,
    "W": 0.269,
}
_SHELLS = {
    "K": (xraylib.K_SHELL, xraylib.KL1_LINE, xraylib.KP5_LINE),
    "L1": (xraylib.L1_SHELL, xraylib.L1L2_LINE, xraylib.L1P5_LINE),
    "L2": (xraylib.L2_SHELL, xraylib.L2L3_LINE, xraylib.L2Q1_LINE),
    "L3": (xraylib.L3_SHELL, xraylib.L3M1_LINE, xraylib.L3Q1_LINE),
}
_LOWEST_LINE_KEV = 1.0


@dataclass(frozen=True, eq=False)
class TubeLines:
    """Characteristic lines of a tube.

    Parameters
    ----------
    energies_keV
        Line energies, shape (line,).
    photons_per_s_sr
        Photons per second and steradian, shape (line,).
    """

    energies_keV: FloatArray
    photons_per_s_sr: FloatArray


def mean_depth_from_overvoltage(
    *, anode: str, voltage_kV: float, overvoltage: FloatArray
) -> FloatArray:
    """Mean depth of X-ray production in the anode (Ebel 1999, eq. 4 to 8).

    ``rho z = rho z_m ln U (0.49269 - 1.0987 eta + 0.78557 eta^2)
    / (0.70256 - 1.09865 eta + 1.0046 eta^2 + ln U)`` with
    ``rho z_m = A / Z (0.787e-5 sqrt(J) E0^1.5 + 0.735e-6 E0^2)`` and ``J = 0.0135 Z``.

    Parameters
    ----------
    overvoltage
        ``U = E0 / E``, shape (energy,), above 1.

    Returns
    -------
    ndarray, shape (energy,), in g/cm²
    """
    z = atomic_number(anode)
    log_z = np.log(z)
    exponent = 0.1382 - 0.9211 / np.sqrt(z)
    backscatter = voltage_kV**exponent * (
        0.1904 - 0.2236 * log_z + 0.1292 * log_z**2 - 0.0149 * log_z**3
    )
    deepest = (
        atomic_weight(anode)
        / z
        * (0.787e-5 * np.sqrt(0.0135 * z) * voltage_kV**1.5 + 0.735e-6 * voltage_kV**2)
    )
    log_u = np.log(overvoltage)
    above = 0.49269 - 1.0987 * backscatter + 0.78557 * backscatter**2
    below = 0.70256 - 1.09865 * backscatter + 1.0046 * backscatter**2 + log_u
    return deepest * log_u * above / below


def anode_absorption_from_depth(
    *, tube: Tube, energies_keV: FloatArray, depths_g_cm2: FloatArray
) -> FloatArray:
    """Self-absorption in the anode (Ebel 1999, eq. 3).

    ``f = (1 - exp(-x)) / x`` with ``x = 2 mu(E) rho z sin(phi) / sin(epsilon)``, phi the angle of
    the electrons and epsilon that of the X-rays to the surface.
    """
    numbers = np.array([atomic_number(tube.anode)])
    attenuation = np.asarray(xraylib_np.CS_Total(numbers, np.ascontiguousarray(energies_keV)))[0]
    angles = np.sin(np.deg2rad(tube.electron_angle_deg)) / np.sin(
        np.deg2rad(tube.take_off_angle_deg)
    )
    x = 2 * attenuation * depths_g_cm2 * angles
    return np.where(x > 1e-9, -np.expm1(-x) / np.maximum(x, 1e-9), 1.0)


def continuum_from_tube(*, tube: Tube, energies_keV: FloatArray) -> FloatArray:
    """Bremsstrahlung after window and filters (Ebel 1999, eq. 1 and 2).

    ``dN/dE = 1.35e9 Z (E0 / E - 1)^x f(E)`` with ``x = 1.109 - 0.00435 Z + 0.00175 E0``.

    Returns
    -------
    ndarray, shape (energy,), photons / (s sr keV); zero above the tube voltage
    """
    z = atomic_number(tube.anode)
    below = energies_keV < tube.voltage_kV
    energies = energies_keV[below]
    overvoltage = tube.voltage_kV / energies
    depths = mean_depth_from_overvoltage(
        anode=tube.anode, voltage_kV=tube.voltage_kV, overvoltage=overvoltage
    )
    absorption = anode_absorption_from_depth(tube=tube, energies_keV=energies, depths_g_cm2=depths)
    exponent = 1.109 - 0.00435 * z + 0.00175 * tube.voltage_kV
    passed = transmission_from_layers(layers=tube.window + tube.filters, energies_keV=energies)
    flux = np.zeros_like(energies_keV)
    flux[below] = (
        tube.current_mA * _CONTINUUM * z * (overvoltage - 1) ** exponent * absorption * passed
    )
    return flux


def stopping_factor_from_overvoltage(
    *, anode: str, edge_keV: float, overvoltage: float, shell: str
) -> float:
    """Ionisations of a shell per electron, ``1 / S`` (Ebel 1999, eq. 10).

    ``1/S = z b / Z (U ln U + 1 - U)
    [1 + 16.05 sqrt(J / E_edge) (sqrt(U) ln U + 2 (1 - sqrt(U))) / (U ln U + 1 - U)]``
    with z = 2, b = 0.35 for K and z = 8, b = 0.25 for L.
    """
    z = atomic_number(anode)
    electrons = 2 * 0.35 if shell == "K" else 8 * 0.25
    log_u, root = np.log(overvoltage), np.sqrt(overvoltage)
    base = overvoltage * log_u + 1 - overvoltage
    correction = 16.05 * np.sqrt(0.0135 * z / edge_keV) * (root * log_u + 2 * (1 - root))
    return float(electrons / z * (base + correction))


def lines_from_tube(*, tube: Tube) -> TubeLines:
    """Characteristic K and L lines after window and filters (Ebel 1999, eq. 9 to 12; Ebel 2003).

    ``N = const (1/S) R omega p f`` with the backscatter factor
    ``R = 1 - 0.0081517 Z + 3.613e-5 Z^2 + 0.009583 Z exp(-U) + 0.001141 E0``, fluorescence yield
    omega and radiative rate p (xraylib). L1 and L2 carry Ebel's correction
    ``-0.4814 + 0.03781 Z - 2.413e-4 Z^2``.
    """
    energies, photons = [], []
    for shell in _SHELLS:
        shell_energies, shell_photons = _shell_lines(tube, shell)
        energies.append(shell_energies)
        photons.append(shell_photons)
    return TubeLines(np.concatenate(energies), np.concatenate(photons))


def _shell_lines(tube: Tube, shell: str) -> tuple[FloatArray, FloatArray]:
    z = atomic_number(tube.anode)
    code, first, last = _SHELLS[shell]
    edge = float(xraylib.EdgeEnergy(z, code))
    if edge >= tube.voltage_kV or edge < _LOWEST_LINE_KEV:
        return np.zeros(0), np.zeros(0)
    macros = np.arange(first, last - 1, -1)
    rates = np.asarray(xraylib_np.RadRate(np.array([z]), macros))[0]
    energies = np.asarray(xraylib_np.LineEnergy(np.array([z]), macros))[0]
    known = (rates > 0) & (energies > _LOWEST_LINE_KEV)
    energies, rates = energies[known], rates[known]

    overvoltage = tube.voltage_kV / edge
    backscatter = (
        1
        - 0.0081517 * z
        + 3.613e-5 * z**2
        + 0.009583 * z * np.exp(-overvoltage)
        + 0.001141 * tube.voltage_kV
    )
    depths = mean_depth_from_overvoltage(
        anode=tube.anode,
        voltage_kV=tube.voltage_kV,
        overvoltage=np.full_like(energies, overvoltage),
    )
    absorption = anode_absorption_from_depth(tube=tube, energies_keV=energies, depths_g_cm2=depths)
    passed = transmission_from_layers(layers=tube.window + tube.filters, energies_keV=energies)
    stopping = stopping_factor_from_overvoltage(
        anode=tube.anode, edge_keV=edge, overvoltage=overvoltage, shell=shell
    )
    strength = _shell_strength(tube, shell)
    photons = tube.current_mA * strength * stopping * backscatter * rates * absorption * passed
    return energies, photons


def _shell_strength(tube: Tube, shell: str) -> float:
    z = atomic_number(tube.anode)
    if shell == "K":
        return tube.k_line_factor * _K_LINES * float(xraylib.FluorYield(z, xraylib.K_SHELL))
    correction = 1.0 if shell == "L3" else -0.4814 + 0.03781 * z - 2.413e-4 * z**2
    return _L_LINES[shell] * correction * _MEAN_L_YIELD[tube.anode]
