"""Primary fluorescence of a flat sample (Sherman)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number
from lithoscope.core.instrument import Geometry
from lithoscope.physics.lines import LINE_MACROS

FloatArray = NDArray[np.float64]

# Lines weaker than this share of their element's emission are left out.
_WEAKEST_LINE = 1e-4
_LOWEST_LINE_KEV = 0.25
# Lines are chosen at an energy above every K edge that a 100 kV tube can excite, and at one that
# excites L and M shells alone, so that no voltage misses a family.
_SELECTION_KEV = (12.0, 30.0, 99.0)


@dataclass(frozen=True, eq=False)
class LineTable:
    """The lines that a set of elements can emit.

    Parameters
    ----------
    elements
        Index of the emitting element of each line in the set, shape (line,).
    macros
        xraylib's transition codes, shape (line,).
    energies_keV
        Line energies, shape (line,).
    """

    elements: NDArray[np.int64]
    macros: NDArray[np.int64]
    energies_keV: FloatArray


@functools.cache
def _element_lines(number: int) -> tuple[NDArray[np.int64], FloatArray]:
    macros = np.array(LINE_MACROS)
    sections = np.asarray(
        xraylib_np.CS_FluorLine_Kissel_Cascade(np.array([number]), macros, np.array(_SELECTION_KEV))
    )[0]
    energies = np.asarray(xraylib_np.LineEnergy(np.array([number]), macros))[0]
    totals = np.maximum(sections.sum(axis=0), 1e-30)
    strong = (sections / totals > _WEAKEST_LINE).any(axis=1) & (energies > _LOWEST_LINE_KEV)
    return macros[strong], energies[strong]


def lines_from_elements(*, symbols: Sequence[str]) -> LineTable:
    """Lines above 0.25 keV that carry more than 1e-4 of their element's emission."""
    elements, macros, energies = [], [], []
    for index, symbol in enumerate(symbols):
        element_macros, element_energies = _element_lines(atomic_number(symbol))
        elements.append(np.full(element_macros.size, index))
        macros.append(element_macros)
        energies.append(element_energies)
    return LineTable(np.concatenate(elements), np.concatenate(macros), np.concatenate(energies))


def production_from_lines(
    *, symbols: Sequence[str], lines: LineTable, energies_keV: FloatArray
) -> FloatArray:
    """Fluorescence production cross section of each line at each exciting energy.

    Photoionisation, fluorescence yield, radiative rate, Coster-Kronig transitions and the full
    cascade: xraylib's ``CS_FluorLine_Kissel_Cascade`` (Kissel photoionisation of subshells).

    Returns
    -------
    ndarray, shape (line, energy), in cm² per g of the emitting element
    """
    excitation = np.ascontiguousarray(energies_keV)
    table = np.empty((lines.macros.size, excitation.size))
    for index, symbol in enumerate(symbols):
        chosen = lines.elements == index
        table[chosen] = np.asarray(
            xraylib_np.CS_FluorLine_Kissel_Cascade(
                np.array([atomic_number(symbol)]), lines.macros[chosen], excitation
            )
        )[0]
    return table


def escape_depth_factor(
    *,
    attenuation_in: NDArray[np.floating],
    attenuation_out: NDArray[np.floating],
    geometry: Geometry,
    mass_thickness_g_cm2: NDArray[np.floating] | float = np.inf,
) -> FloatArray:
    """Effective mass of sample that answers, with absorption on both ways.

    Integrating ``exp(-(mu0 / sin psi1 + mu1 / sin psi2) rho z) d(rho z) / sin psi1`` over the depth
    gives ``(1 - exp(-chi rho d)) / (chi sin psi1)`` with
    ``chi = mu0 / sin psi1 + mu1 / sin psi2`` (Sherman 1955, Spectrochim. Acta 7, 283, eq. 4).

    Parameters
    ----------
    attenuation_in, attenuation_out
        Mass attenuation of exciting and emitted radiation in cm²/g; broadcast together.
    geometry
        Gives the angles psi1 and psi2.
    mass_thickness_g_cm2
        Mass per area of the sample, broadcast with the others; infinite for a thick one.

    Returns
    -------
    ndarray, in g/cm²
    """
    return depth_factor_from_sines(
        attenuation_in=attenuation_in,
        attenuation_out=attenuation_out,
        sine_in=np.sin(np.deg2rad(geometry.incidence_deg)),
        sine_out=np.sin(np.deg2rad(geometry.take_off_deg)),
        mass_thickness_g_cm2=mass_thickness_g_cm2,
    )


def depth_factor_from_sines(
    *,
    attenuation_in: NDArray[np.floating],
    attenuation_out: NDArray[np.floating],
    sine_in: NDArray[np.floating] | float,
    sine_out: NDArray[np.floating] | float,
    mass_thickness_g_cm2: NDArray[np.floating] | float = np.inf,
) -> FloatArray:
    """The same for surfaces whose angles differ from sample to sample.

    Parameters
    ----------
    attenuation_in, attenuation_out, mass_thickness_g_cm2
        As in `escape_depth_factor`.
    sine_in, sine_out
        Sines of psi1 and psi2, broadcast with the others.

    Returns
    -------
    ndarray, in g/cm²
    """
    chi = attenuation_in / sine_in + attenuation_out / sine_out
    seen = 1.0 if np.all(np.isinf(mass_thickness_g_cm2)) else -np.expm1(-chi * mass_thickness_g_cm2)
    return np.asarray(seen / (chi * sine_in))


def primary_from_sherman(
    *,
    photons_per_s: FloatArray,
    mass_fractions: FloatArray,
    production: FloatArray,
    attenuation_in: FloatArray,
    attenuation_out: FloatArray,
    geometry: Geometry,
    mass_thickness_g_cm2: float = np.inf,
) -> FloatArray:
    """Photons of each line emitted towards the detector by primary excitation.

    ``I_l = Omega / (4 pi) w_l sum_E N(E) sigma_l(E) F(E, E_l)`` with the depth factor F of
    `escape_depth_factor` (Sherman 1955, eq. 4).

    Parameters
    ----------
    photons_per_s
        Photons on the sample, shape (energy,).
    mass_fractions
        Mass fraction of each line's element, shape (line,).
    production
        From `production_from_lines`, shape (line, energy), in cm²/g.
    attenuation_in, attenuation_out
        Mass attenuation of the sample at the exciting energies, shape (energy,), and at the line
        energies, shape (line,), in cm²/g.
    geometry
        Angles and solid angle.
    mass_thickness_g_cm2
        Mass per area of the sample.

    Returns
    -------
    ndarray, shape (line,), photons/s in the detector's solid angle
    """
    depth = escape_depth_factor(
        attenuation_in=attenuation_in[None, :],
        attenuation_out=attenuation_out[:, None],
        geometry=geometry,
        mass_thickness_g_cm2=mass_thickness_g_cm2,
    )
    emitted = np.einsum("le,le,e->l", production, depth, photons_per_s)
    return geometry.solid_angle_sr / (4 * np.pi) * mass_fractions * emitted
