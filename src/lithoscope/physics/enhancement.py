"""Secondary fluorescence: lines of the sample that excite other lines of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Geometry
from lithoscope.physics.fluorescence import LineTable

FloatArray = NDArray[np.float64]

# Tertiary fluorescence is added where secondary fluorescence raises an exciter by more than this;
# elsewhere it stays below 0.5 % (measured: tests/physics/test_enhancement.py).
TERTIARY_FROM = 0.02

# Lines that excite must be harder than the softest edge worth exciting (sodium K) and carry at
# least this share of what their element's strongest line carries.
_SOFTEST_EXCITER_KEV = 1.05
_WEAKEST_EXCITER = 0.01
# Lines of an element act as one exciter up to this multiple of the softest's energy.
_ONE_EXCITER = 1.03


@dataclass(frozen=True, eq=False)
class Excitation:
    """What a sample meets, per exciting energy and per line, for one composition.

    Parameters
    ----------
    attenuation_in
        Mass attenuation at the source's nodes, shape (node,), in cm²/g.
    attenuation_lines
        Mass attenuation at the emitted lines, shape (line,), in cm²/g.
    attenuation_exciters
        Mass attenuation at the exciting lines, shape (exciter,), in cm²/g.
    made_exciters
        Exciting photons made per unit of mass depth, ``N(E) w_j sigma_m(E)``, shape
        (exciter, node).
    production_lines
        ``w_i sigma_i(E_m)``, emitted per g/cm² and exciting photon, shape (line, exciter).
    """

    attenuation_in: FloatArray
    attenuation_lines: FloatArray
    attenuation_exciters: FloatArray
    made_exciters: FloatArray
    production_lines: FloatArray


@dataclass(frozen=True, eq=False)
class Exciters:
    """Lines hard and strong enough to excite others; neighbours of one element act as one.

    Parameters
    ----------
    lines
        Indices of the lines, exciter after exciter, shape (line,).
    starts
        Where in `lines` each exciter begins, shape (exciter,).
    elements
        Emitting element of each exciter, shape (exciter,).
    energies_keV
        Mean energy of each exciter, weighted by the strengths of its lines, shape (exciter,).
    """

    lines: NDArray[np.int64]
    starts: NDArray[np.int64]
    elements: NDArray[np.int64]
    energies_keV: FloatArray

    def sum(self, table: FloatArray) -> FloatArray:
        """Sum over the lines of each exciter of what a table, shape (..., all lines), holds."""
        if not self.starts.size:
            return np.zeros((*table.shape[:-1], 0), dtype=table.dtype)
        return np.asarray(np.add.reduceat(table[..., self.lines], self.starts, axis=-1))


def exciters_from_lines(*, lines: LineTable, production: FloatArray) -> Exciters:
    """Choose the lines that excite others, and take together what lies within 3 %.

    Kα1 and Kα2, or the crowd of Lβ lines, excite as one line at their mean energy does (line
    intensities stay within 5e-4, tests/physics/test_enhancement.py).

    Parameters
    ----------
    lines
        All lines.
    production
        Cross sections, shape (line, energy); a line's strength is its largest.
    """
    strength = production.max(axis=1)
    strongest = np.zeros(int(lines.elements.max()) + 1 if lines.elements.size else 0)
    np.maximum.at(strongest, lines.elements, strength)
    strong = strength >= _WEAKEST_EXCITER * strongest[lines.elements]
    acting = np.flatnonzero(strong & (strength > 0) & (lines.energies_keV > _SOFTEST_EXCITER_KEV))
    acting = acting[np.lexsort((lines.energies_keV[acting], lines.elements[acting]))]
    starts: list[int] = []
    for place, line in enumerate(acting):
        first = acting[starts[-1]] if starts else line
        is_near = lines.energies_keV[line] < _ONE_EXCITER * lines.energies_keV[first]
        if not starts or lines.elements[line] != lines.elements[first] or not is_near:
            starts.append(place)
    begins = np.array(starts, dtype=np.int64)
    if not begins.size:
        return Exciters(acting, begins, begins, np.zeros(0))
    weights = np.add.reduceat(strength[acting], begins)
    energies = np.add.reduceat((strength * lines.energies_keV)[acting], begins) / weights
    return Exciters(acting, begins, lines.elements[acting[begins]], energies)


def secondary_from_sherman(*, excitation: Excitation, geometry: Geometry) -> FloatArray:
    """Photons of each line emitted towards the detector after excitation by other lines.

    An exciting line m is made at depth z, goes either way, and makes line i at depth z'; both
    depths integrate to (Sherman 1955, Spectrochim. Acta 7, 283, eq. 13; Shiraiwa and Fujino 1966,
    Jpn. J. Appl. Phys. 5, 886)

    ``I_i = Omega / (4 pi sin psi1) sum_m w_i sigma_i(E_m) sum_E N(E) w_j sigma_m(E) L / chi``,
    ``L = 1/2 [sin psi1 / mu0 ln(1 + mu0 / (mu_m sin psi1))
    + sin psi2 / mu_i ln(1 + mu_i / (mu_m sin psi2))]``,
    ``chi = mu0 / sin psi1 + mu_i / sin psi2``.

    For thick samples.

    Parameters
    ----------
    excitation
        What the sample meets.
    geometry
        Angles and solid angle.

    Returns
    -------
    ndarray, shape (line,), photons/s in the detector's solid angle
    """
    sine_in = np.sin(np.deg2rad(geometry.incidence_deg))
    sine_out = np.sin(np.deg2rad(geometry.take_off_deg))
    down = excitation.attenuation_in / sine_in
    up = excitation.attenuation_lines / sine_out
    between = excitation.attenuation_exciters
    absorbed = 1 / (down[None, :] + up[:, None])
    on_the_way_in = excitation.made_exciters * (
        np.log1p(down[None, :] / between[:, None]) / down[None, :]
    )
    on_the_way_out = np.log1p(up[:, None] / between[None, :]) / up[:, None]
    met = absorbed @ on_the_way_in.T + (absorbed @ excitation.made_exciters.T) * on_the_way_out
    emitted = (excitation.production_lines * met).sum(axis=1) / 2
    return geometry.solid_angle_sr / (4 * np.pi * sine_in) * emitted


def enhancement_from_primary(
    *,
    excitation: Excitation,
    exciters: Exciters,
    primary: FloatArray,
    thick_primary: FloatArray,
    geometry: Geometry,
    mass_thickness_g_cm2: float = np.inf,
) -> FloatArray:
    """Secondary and tertiary fluorescence of a sample of any thickness.

    Tertiary fluorescence takes exciters to be raised by their own enhancement, at the depths of
    their primary production. In a finite sample a line's enhancement shrinks as its primary
    intensity does, and each exciter acts with the share ``1 - exp(-mu_m rho d)`` of it that the
    sample absorbs: right in both limits, an interpolation between them.

    Parameters
    ----------
    excitation
        What the sample meets.
    exciters
        The exciting lines among all lines.
    primary, thick_primary
        Primary photons of each line from this sample and from a thick one, shape (line,).
    geometry
        Angles and solid angle.
    mass_thickness_g_cm2
        Mass per area of the sample.

    Returns
    -------
    ndarray, shape (line,), photons/s in the detector's solid angle
    """
    if exciters.starts.size == 0:
        return np.zeros_like(primary)
    absorbed = -np.expm1(-excitation.attenuation_exciters * mass_thickness_g_cm2)
    acting = dataclasses.replace(
        excitation, production_lines=excitation.production_lines * absorbed
    )
    secondary = secondary_from_sherman(excitation=acting, geometry=geometry)
    raised = exciters.sum(secondary) / np.maximum(exciters.sum(thick_primary), 1e-300)
    if raised.max() > TERTIARY_FROM:
        made = excitation.made_exciters * (1 + raised)[:, None]
        acting = dataclasses.replace(acting, made_exciters=made)
        secondary = secondary_from_sherman(excitation=acting, geometry=geometry)
    return secondary * primary / np.maximum(thick_primary, 1e-300)
