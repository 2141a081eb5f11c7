"""Radiation scattered more than once, which light matrices send back in plenty.

Second order is integrated over all directions between the two scatters, with the form factors and
incoherent scattering functions of single scatter; third and higher orders follow the second as in
an isotropically scattering medium. Recoil between scatters changes the attenuation little and is
neglected there.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number
from lithoscope.core.instrument import Geometry
from lithoscope.physics.constants import ELECTRON_REST_ENERGY_KEV
from lithoscope.physics.directions import beam_direction, detector_direction

FloatArray = NDArray[np.floating]

# Directions between two scatters: heights by Gauss-Legendre in each hemisphere, and azimuths.
# Doubling either changes the second order by less than 1 % (tests/physics/test_multiple_scatter).
_HEIGHTS = 8
_AZIMUTHS = 16
# Energies at which second order is integrated; between them, per g/cm2, it is smooth.
_GRID_KEV = np.geomspace(0.5, 100.0, 14)
# Standard deviation in keV of a doubly scattered line about its recoil, from electrons' motion.
_DOPPLER_KEV = 0.2


@dataclass(frozen=True, eq=False)
class MultipleScatterTables:
    """Differential cross sections of elements for both of two scatters.

    Parameters
    ----------
    weights
        Solid angle of each direction between the scatters times the share of photons that meet
        the second in sight of the detector, shape (direction,), in sr.
    recoils
        Sum of ``1 - cos theta`` over both scatters, shape (direction,).
    rayleigh, compton
        Of the first and second scatter, shape (2, element, grid, direction), in cm²/g/sr.
    scattering
        Rayleigh and Compton cross section at the source's nodes, shape (element, node), in cm²/g.
    interpolation
        Weights that take the grid to the nodes, shape (grid, node).
    sines
        Of the angles of incidence and take-off.
    """

    weights: FloatArray
    recoils: FloatArray
    rayleigh: FloatArray
    compton: FloatArray
    scattering: FloatArray
    interpolation: FloatArray
    sines: tuple[float, float]

    def astype(self, dtype: type[np.floating]) -> MultipleScatterTables:
        """Return the tables in another precision."""
        return dataclasses.replace(
            self,
            weights=self.weights.astype(dtype),
            rayleigh=self.rayleigh.astype(dtype),
            compton=self.compton.astype(dtype),
            scattering=self.scattering.astype(dtype),
            interpolation=self.interpolation.astype(dtype),
        )

    def of_elements(self, present: NDArray[np.int64]) -> MultipleScatterTables:
        """Return the tables of some of the elements."""
        return dataclasses.replace(
            self,
            rayleigh=self.rayleigh[:, present],
            compton=self.compton[:, present],
            scattering=self.scattering[present],
        )


@dataclass(frozen=True, eq=False)
class MultipleScatter:
    """Photons scattered more than once per photon scattered once, shapes (sample, node).

    Parameters
    ----------
    rayleigh
        Without loss of energy, per Rayleigh-scattered photon.
    compton
        With one Compton scatter among them, per Compton-scattered photon.
    double_compton
        With two, per Compton-scattered photon.
    """

    rayleigh: FloatArray
    compton: FloatArray
    double_compton: FloatArray


def multiple_scatter_tables(
    *, symbols: Sequence[str], geometry: Geometry, energies_keV: FloatArray
) -> MultipleScatterTables:
    """Tables for samples of the given elements, and for a source's nodes."""
    weights, cosines = _cosines_between(geometry)
    rayleigh, compton = _sections(tuple(symbols), geometry)
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    nodes = np.ascontiguousarray(energies_keV, dtype=np.float64)
    return MultipleScatterTables(
        weights=weights,
        recoils=(1 - cosines).sum(axis=0),
        rayleigh=rayleigh,
        compton=compton,
        scattering=np.asarray(xraylib_np.CS_Rayl(numbers, nodes))
        + np.asarray(xraylib_np.CS_Compt(numbers, nodes)),
        interpolation=_interpolation(nodes),
        sines=(
            float(np.sin(np.deg2rad(geometry.incidence_deg))),
            float(np.sin(np.deg2rad(geometry.take_off_deg))),
        ),
    )


def _cosines_between(geometry: Geometry) -> tuple[FloatArray, FloatArray]:
    """Weights of directions, shape (direction,), and cosines of both scatters, (2, direction)."""
    directions, weights = _directions_between(geometry)
    towards = [directions @ beam_direction(geometry), directions @ detector_direction(geometry)]
    return weights, np.stack(towards)


# Machines of one make have one geometry.
@functools.lru_cache(maxsize=4)
def _sections(symbols: tuple[str, ...], geometry: Geometry) -> tuple[FloatArray, FloatArray]:
    """Differential cross sections of both scatters, shapes (2, element, grid, direction)."""
    _, cosines = _cosines_between(geometry)
    numbers = np.array([atomic_number(symbol) for symbol in symbols])
    rayleigh, compton = (
        np.stack(
            [
                np.asarray(section(numbers, _GRID_KEV, angle))
                for angle in np.arccos(np.clip(cosines, -1, 1))
            ]
        )
        for section in (xraylib_np.DCS_Rayl, xraylib_np.DCS_Compt)
    )
    return rayleigh, compton


def _directions_between(geometry: Geometry) -> tuple[FloatArray, FloatArray]:
    """Directions, shape (direction, 3), and weights.

    A photon that goes down with the cosine m to the normal meets its second scatter where the
    detector sees it with the share ``s2 / (s2 + m)``, one that goes up ``s1 / (s1 + m)``, with
    ``s`` the sines of take-off and incidence: the integral over both depths, relative to single
    scatter, in a half-space of one attenuation.
    """
    heights, of_height = np.polynomial.legendre.leggauss(_HEIGHTS)
    cosines = np.concatenate([-(heights + 1) / 2, (heights + 1) / 2])
    azimuths = (np.arange(_AZIMUTHS) + 0.5) * 2 * np.pi / _AZIMUTHS
    sine_in = np.sin(np.deg2rad(geometry.incidence_deg))
    sine_out = np.sin(np.deg2rad(geometry.take_off_deg))
    height, azimuth = (grid.ravel() for grid in np.meshgrid(cosines, azimuths, indexing="ij"))
    flat = np.sqrt(1 - height**2)
    towards = np.where(height < 0, sine_out, sine_in)
    share = towards / (towards + np.abs(height))
    solid_angle = np.repeat(np.tile(of_height / 2, 2), _AZIMUTHS) * 2 * np.pi / _AZIMUTHS
    directions = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), height], axis=1)
    return directions, solid_angle * share


def _interpolation(energies_keV: FloatArray) -> FloatArray:
    """Weights linear in the logarithm of the energy, shape (grid, node)."""
    place = np.interp(np.log(energies_keV), np.log(_GRID_KEV), np.arange(_GRID_KEV.size))
    return np.maximum(1 - np.abs(place[None, :] - np.arange(_GRID_KEV.size)[:, None]), 0)


def multiple_from_single_scatter(
    *,
    tables: MultipleScatterTables,
    mass_fractions: FloatArray,
    attenuation: FloatArray,
    rayleigh: FloatArray,
    compton: FloatArray,
    mass_thickness_g_cm2: FloatArray,
) -> MultipleScatter:
    """Share of multiple scatter in thick and thin samples.

    ``I2 / I1 = integral dOmega' s(theta1) s(theta2) g / (mu s(theta))`` with the differential cross
    sections s, the attenuation mu and the depth share g of `_directions_between`. A sample of mass
    per area m shows the share ``1 - exp(-mu m)`` of it: right in both limits.

    Parameters
    ----------
    tables
        From `multiple_scatter_tables`.
    mass_fractions
        Shape (sample, element).
    attenuation, rayleigh, compton
        Of the samples at the nodes, shape (sample, node), in cm²/g and cm²/g/sr: total, and
        differential towards the detector.
    mass_thickness_g_cm2
        Shape (sample,).
    """
    first_r, second_r = (np.tensordot(mass_fractions, table, 1) for table in tables.rayleigh)
    first_c, second_c = (np.tensordot(mass_fractions, table, 1) for table in tables.compton)
    twice = first_r * second_r @ tables.weights
    mixed = (first_r * second_c + first_c * second_r) @ tables.weights
    compton_twice = first_c * second_c @ tables.weights
    albedo = np.minimum(mass_fractions @ tables.scattering / attenuation, 1.0)
    absorbed = -np.expm1(-attenuation * mass_thickness_g_cm2[:, None])
    factor = absorbed * _higher_orders(albedo, *tables.sines) / attenuation

    def at_nodes(on_grid: FloatArray) -> FloatArray:
        return factor * np.exp(np.log(on_grid) @ tables.interpolation)

    return MultipleScatter(
        rayleigh=at_nodes(twice) / rayleigh,
        compton=at_nodes(mixed) / compton,
        double_compton=at_nodes(compton_twice) / compton,
    )


def _higher_orders(albedo: FloatArray, sine_in: float, sine_out: float) -> FloatArray:
    """All orders from the second on, relative to the second, in an isotropic medium.

    ``(H(s1) H(s2) - 1)`` over its part linear in the albedo w, with
    ``H(s) = (1 + 2 s) / (1 + 2 s sqrt(1 - w))`` (Hapke 1981, J. Geophys. Res. 86, 3039, eq. 8,
    within 4 % of Chandrasekhar's functions).
    """
    root = np.sqrt(1 - albedo)
    both = np.ones_like(root)
    for sine in (sine_in, sine_out):
        both *= (1 + 2 * sine) / (1 + 2 * sine * root)
    linear = sum(sine / (1 + 2 * sine) for sine in (sine_in, sine_out))
    return np.asarray((both - 1) / (linear * np.maximum(albedo, 1e-6)))


def double_compton_profiles(
    *, tables: MultipleScatterTables, lines_keV: FloatArray, edges_keV: FloatArray
) -> FloatArray:
    """Where photons of lines lie after two Compton scatters, shape (line, bin), rows sum to 1.

    The recoils of all pairs of directions, ``E / (1 + E / mc^2 sum (1 - cos theta))``, spread by
    the motion of the electrons.
    """
    from scipy.special import ndtr

    profiles = np.empty((len(lines_keV), edges_keV.size - 1))
    for row, energy in enumerate(lines_keV):
        centres = energy / (1 + energy / ELECTRON_REST_ENERGY_KEV * tables.recoils)
        below = ndtr((edges_keV[:, None] - centres) / _DOPPLER_KEV)
        profiles[row] = np.diff(below, axis=0) @ tables.weights
        profiles[row] /= max(profiles[row].sum(), 1e-300)
    return profiles
