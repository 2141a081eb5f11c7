"""Bragg peaks: what a crystal grain reflects from the tube's spectrum into a detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Geometry, Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.physics.attenuation import mass_attenuation_from_composition
from lithoscope.physics.constants import CLASSICAL_ELECTRON_RADIUS_A, HC_KEV_A
from lithoscope.physics.crystal import Reflections, reflections_from_mineral
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.directions import beam_direction, detector_direction
from lithoscope.physics.fluorescence import escape_depth_factor
from lithoscope.physics.source import Source, source_from_instrument

FloatArray = NDArray[np.float64]

# Directions of the convergent beam over which a reflection is summed, evenly spread on its cone.
_BEAM_DIRECTIONS = 200
# Beyond the first, reflections crowd into what passes for continuum; below the second, no window
# lets them through.
HIGHEST_KEV = 15.0
LOWEST_KEV = 0.5
_RAY_BIN_KEV = 0.005


@dataclass(frozen=True, eq=False)
class BraggPeaks:
    """Reflected photons in the solid angles of the detectors.

    Parameters
    ----------
    energies_keV
        Shape (ray,); the rays of one reflection lie close together.
    photons_per_s
        Shape (ray,).
    detectors
        Which detector each ray enters, shape (ray,).
    """

    energies_keV: FloatArray
    photons_per_s: FloatArray
    detectors: NDArray[np.int64]


def bragg_energy_from_spacing(*, spacing_A: FloatArray, scattering_angle_deg: float) -> FloatArray:
    """Energy that planes reflect into a detector, ``E = h c / (2 d sin(theta))``.

    Parameters
    ----------
    spacing_A
        Distances of the planes in Å.
    scattering_angle_deg
        Angle 2 theta between beam and detector.

    Returns
    -------
    ndarray, in keV, shaped as `spacing_A`
    """
    return HC_KEV_A / (2 * spacing_A * np.sin(np.deg2rad(scattering_angle_deg) / 2))


def orientation_from_seed(*, seed: int) -> FloatArray:
    """Draw a grain's orientation, a rotation matrix uniform over all, shape (3, 3)."""
    return Rotation.random(rng=np.random.default_rng(seed)).as_matrix()


def bragg_from_grain(
    *,
    reflections: Reflections,
    orientation: FloatArray,
    composition: Composition,
    density_g_cm3: float,
    instrument: Instrument,
    source: Source,
) -> BraggPeaks:
    """Peaks of one thick mosaic grain in each of the instrument's detectors.

    A ray of the beam along k meets planes with the reciprocal vector G at the wavelength
    ``lambda = -2 k.G / |G|^2`` and leaves along ``k + lambda G``. Of photons n(lambda) per
    wavelength, ``n(lambda) r_e^2 lambda^4 |F|^2 (1 + cos^2 2 theta) / 2 / (2 V^2 sin^2 theta) l``
    are reflected (Warren 1969, X-ray Diffraction, eq. 4.8 turned from a rotating crystal to a
    polychromatic beam), with the depth l that absorption leaves. Blocks of the mosaic are taken
    to be too small for extinction.

    Parameters
    ----------
    reflections
        The crystal's planes.
    orientation
        Rotation from the crystal's frame to the instrument's, shape (3, 3).
    composition, density_g_cm3
        Of the grain; they give absorption.
    instrument
        Gives geometry and convergence of the beam.
    source
        The exciting radiation; only its continuum is reflected, lines are too narrow to be met.
    """
    vectors = reflections.vectors_per_A @ orientation.T
    rays = _beam_rays(instrument)
    parts = []
    for number, direction in enumerate(_detector_directions(instrument.geometry)):
        radius = np.sqrt(instrument.geometry.solid_angle_sr / instrument.geometry.detectors / np.pi)
        near = _reflecting_near(vectors, direction, radius, instrument)
        along = rays @ vectors[near].T
        squares = (vectors[near] ** 2).sum(axis=1)
        wavelengths = -2 * along / squares
        leaving = rays[:, None, :] + wavelengths[:, :, None] * vectors[near]
        ray, plane = np.nonzero((leaving @ direction > np.cos(radius)) & (wavelengths > 0))
        wavelength = wavelengths[ray, plane]
        photons = _reflected(
            wavelength,
            reflections.structure_factors_squared[near[plane]] / reflections.volume_A3**2,
            np.sqrt(squares[plane]),
            source,
        ) / len(rays)
        parts.append((HC_KEV_A / wavelength, photons, np.full(wavelength.size, number)))
    energies, photons, detectors = (np.concatenate(column) for column in zip(*parts, strict=True))
    attenuation = mass_attenuation_from_composition(
        composition=composition, energies_keV=np.minimum(energies, 100.0)
    )
    depth_cm = (
        escape_depth_factor(
            attenuation_in=attenuation, attenuation_out=attenuation, geometry=instrument.geometry
        )
        / density_g_cm3
    )
    return BraggPeaks(energies, photons * depth_cm * 1e8, detectors)


def bragg_counts_from_grain(
    *,
    mineral: Mineral,
    composition: Composition,
    orientation: FloatArray,
    instrument: Instrument,
) -> FloatArray:
    """Expected counts of a grain's Bragg peaks per second, all detectors together.

    Parameters
    ----------
    mineral
        Gives cell, structure factors and density.
    composition
        Of this grain; it gives absorption.
    orientation
        Rotation from the crystal's frame to the instrument's, shape (3, 3).
    instrument
        The instrument.

    Returns
    -------
    ndarray, shape (channel,)

    Raises
    ------
    MineralError
        If the mineral has no unit cell.
    """
    shortest = float(
        bragg_energy_from_spacing(
            spacing_A=np.array(1.0), scattering_angle_deg=instrument.geometry.scattering_angle_deg
        )
        / HIGHEST_KEV
    )
    peaks = bragg_from_grain(
        reflections=reflections_from_mineral(mineral=mineral, shortest_d_A=shortest),
        orientation=orientation,
        composition=composition,
        density_g_cm3=mineral.density_g_cm3,
        instrument=instrument,
        source=source_from_instrument(instrument=instrument),
    )
    edges = instrument.axis.edges_keV
    fine = np.arange(max(edges[0], LOWEST_KEV), min(edges[-1], HIGHEST_KEV * 1.2), _RAY_BIN_KEV)
    photons, _ = np.histogram(peaks.energies_keV, fine, weights=peaks.photons_per_s)
    met = np.flatnonzero(photons)
    response = counts_per_photon(
        instrument=instrument, energies_keV=(fine[met] + fine[met + 1]) / 2, edges_keV=edges
    )
    return photons[met] @ response


def _reflected(
    wavelength_A: FloatArray, squared_per_A6: FloatArray, lengths_per_A: FloatArray, source: Source
) -> FloatArray:
    """Reflected photons per second and Å of depth."""
    energies = HC_KEV_A / wavelength_A
    per_A = _continuum_per_keV(source, energies) * energies / wavelength_A
    sine = np.minimum(wavelength_A * lengths_per_A / 2, 1.0)
    polarisation = (1 + (1 - 2 * sine**2) ** 2) / 2
    return np.asarray(
        per_A
        * CLASSICAL_ELECTRON_RADIUS_A**2
        * wavelength_A**4
        * squared_per_A6
        * polarisation
        / (2 * sine**2)
    )


def _continuum_per_keV(source: Source, energies_keV: FloatArray) -> FloatArray:
    nodes = source.energies_keV[~source.is_line]
    density = source.photons_per_s[~source.is_line] / np.gradient(nodes)
    return np.interp(energies_keV, nodes, density, left=0.0, right=0.0)


def _detector_directions(geometry: Geometry) -> list[FloatArray]:
    return [
        detector_direction(geometry, mirrored=bool(number)) for number in range(geometry.detectors)
    ]


def _beam_rays(instrument: Instrument) -> FloatArray:
    """Directions of the convergent beam, shape (ray, 3), even over its cone (a sunflower)."""
    centre = beam_direction(instrument.geometry)
    if instrument.optic is None:
        return centre[None]
    number = np.arange(_BEAM_DIRECTIONS) + 0.5
    tilt = np.deg2rad(instrument.optic.convergence_deg) * np.sqrt(number / _BEAM_DIRECTIONS)
    turn = number * np.pi * (3 - np.sqrt(5))
    side = np.array([0.0, 1.0, 0.0])
    other = np.cross(centre, side)
    return (
        np.cos(tilt)[:, None] * centre
        + (np.sin(tilt) * np.cos(turn))[:, None] * side
        + (np.sin(tilt) * np.sin(turn))[:, None] * other
    )


def _reflecting_near(
    vectors: FloatArray, direction: FloatArray, radius: float, instrument: Instrument
) -> NDArray[np.int64]:
    """Planes that may send some ray of the beam into the detector.

    Turning the beam by its half angle turns what leaves by no more than that.
    """
    centre = beam_direction(instrument.geometry)
    convergence = 0.0 if instrument.optic is None else instrument.optic.convergence_deg
    reach = radius + 2 * np.deg2rad(convergence)
    along = vectors @ centre
    wavelengths = -2 * along / (vectors**2).sum(axis=1)
    leaving = centre + wavelengths[:, None] * vectors
    return np.flatnonzero((leaving @ direction > np.cos(min(reach, np.pi))) & (wavelengths > 0))
