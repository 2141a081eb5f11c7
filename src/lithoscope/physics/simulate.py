"""The readable reference: the expected spectrum of one composition.

`physics.compile` does the same for thousands of compositions; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Instrument
from lithoscope.physics.attenuation import (
    mass_attenuation_from_composition,
    transmission_from_atmosphere,
)
from lithoscope.physics.detector import response_from_energies
from lithoscope.physics.enhancement import (
    Excitation,
    enhancement_from_primary,
    exciters_from_lines,
)
from lithoscope.physics.fluorescence import (
    LineTable,
    escape_depth_factor,
    lines_from_elements,
    primary_from_sherman,
    production_from_lines,
)
from lithoscope.physics.scatter import (
    compton_energy_from_angle,
    compton_from_elements,
    compton_profile_from_element,
    rayleigh_from_elements,
)
from lithoscope.physics.source import Source, source_from_instrument

FloatArray = NDArray[np.float64]

# Below this energy a Compton peak's Doppler width hides under the detector's.
_DOPPLER_FROM_KEV = 10.0
_DOPPLER_STEP_KEV = 0.025
# Share of its energy below which a Doppler-broadened photon has a negligible probability.
_DOPPLER_REACH = 0.7


@dataclass(frozen=True, eq=False)
class Emission:
    """Photons that the sample sends into the detector's solid angle, before gas and detector.

    Parameters
    ----------
    lines
        Which line each entry of `line_photons` is.
    line_photons, rayleigh_photons, compton_photons
        Photons/s, at the energies of the lines, of the source's nodes, and at `compton_keV`.
    rayleigh_keV, compton_keV
        Energies of the scattered photons.
    """

    lines: LineTable
    line_photons: FloatArray
    rayleigh_keV: FloatArray
    rayleigh_photons: FloatArray
    compton_keV: FloatArray
    compton_photons: FloatArray


def emission_from_sample(
    *,
    composition: Composition,
    instrument: Instrument,
    source: Source,
    mass_thickness_g_cm2: float = np.inf,
) -> Emission:
    """Fluorescence and scatter of a flat, homogeneous sample.

    Parameters
    ----------
    composition
        Element mass fractions.
    instrument
        Gives the geometry.
    source
        The exciting radiation, `source_from_instrument` or any other.
    mass_thickness_g_cm2
        Density times thickness; infinite for a thick sample.
    """
    lines = lines_from_elements(symbols=composition.elements)
    attenuation_in = mass_attenuation_from_composition(
        composition=composition, energies_keV=source.energies_keV
    )
    line_photons = _fluorescence(
        composition, instrument, source, lines, attenuation_in, mass_thickness_g_cm2
    )
    scattered = _scatter(composition, instrument, source, attenuation_in, mass_thickness_g_cm2)
    return Emission(lines, line_photons, *scattered)


def _fluorescence(
    composition: Composition,
    instrument: Instrument,
    source: Source,
    lines: LineTable,
    attenuation_in: FloatArray,
    mass_thickness_g_cm2: float,
) -> FloatArray:
    symbols = composition.elements
    fractions = np.array([fraction for _, fraction in composition])[lines.elements]
    production = production_from_lines(
        symbols=symbols, lines=lines, energies_keV=source.energies_keV
    )
    attenuation_out = mass_attenuation_from_composition(
        composition=composition, energies_keV=lines.energies_keV
    )
    primary, thick = (
        primary_from_sherman(
            photons_per_s=source.photons_per_s,
            mass_fractions=fractions,
            production=production,
            attenuation_in=attenuation_in,
            attenuation_out=attenuation_out,
            geometry=instrument.geometry,
            mass_thickness_g_cm2=thickness,
        )
        for thickness in (mass_thickness_g_cm2, np.inf)
    )
    exciters = exciters_from_lines(lines=lines, production=production)
    by_lines = production_from_lines(
        symbols=symbols, lines=lines, energies_keV=lines.energies_keV[exciters]
    )
    excitation = Excitation(
        attenuation_in=attenuation_in,
        attenuation_lines=attenuation_out,
        attenuation_exciters=attenuation_out[exciters],
        made_exciters=source.photons_per_s * fractions[exciters, None] * production[exciters],
        production_lines=fractions[:, None] * by_lines,
    )
    return primary + enhancement_from_primary(
        excitation=excitation,
        exciters=exciters,
        primary=primary,
        thick_primary=thick,
        geometry=instrument.geometry,
        mass_thickness_g_cm2=mass_thickness_g_cm2,
    )


def _scatter(
    composition: Composition,
    instrument: Instrument,
    source: Source,
    attenuation_in: FloatArray,
    mass_thickness_g_cm2: float,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    geometry = instrument.geometry
    symbols = composition.elements
    fractions = np.array([fraction for _, fraction in composition])
    angle = geometry.scattering_angle_deg
    energies = source.energies_keV
    shifted = compton_energy_from_angle(energies_keV=energies, angle_deg=angle)
    after_compton = mass_attenuation_from_composition(composition=composition, energies_keV=shifted)
    seen = source.photons_per_s * geometry.solid_angle_sr
    rayleigh = (
        seen
        * (
            fractions
            @ rayleigh_from_elements(symbols=symbols, energies_keV=energies, angle_deg=angle)
        )
        * escape_depth_factor(
            attenuation_in=attenuation_in,
            attenuation_out=attenuation_in,
            geometry=geometry,
            mass_thickness_g_cm2=mass_thickness_g_cm2,
        )
    )
    compton = (
        seen
        * compton_from_elements(symbols=symbols, energies_keV=energies, angle_deg=angle)
        * fractions[:, None]
        * escape_depth_factor(
            attenuation_in=attenuation_in,
            attenuation_out=after_compton,
            geometry=geometry,
            mass_thickness_g_cm2=mass_thickness_g_cm2,
        )
    )
    broad = doppler_nodes(source)
    edges = doppler_edges(source)
    peaks = np.zeros(edges.size - 1)
    for element, symbol in enumerate(symbols):
        for node in np.flatnonzero(broad):
            peaks += compton[element, node] * compton_profile_from_element(
                symbol=symbol, energy_keV=energies[node], angle_deg=angle, edges_keV=edges
            )
    compton_keV = np.concatenate([shifted[~broad], (edges[:-1] + edges[1:]) / 2])
    compton_photons = np.concatenate([compton[:, ~broad].sum(axis=0), peaks])
    return energies, rayleigh, compton_keV, compton_photons


def doppler_nodes(source: Source) -> NDArray[np.bool_]:
    """Which nodes of a source give Compton peaks whose Doppler width is seen, shape (node,)."""
    return source.is_line & (source.energies_keV > _DOPPLER_FROM_KEV)


def doppler_edges(source: Source) -> FloatArray:
    """Bin edges in keV that cover all Doppler-broadened Compton peaks of a source."""
    energies = source.energies_keV[doppler_nodes(source)]
    if energies.size == 0:
        return np.array([_DOPPLER_FROM_KEV, _DOPPLER_FROM_KEV + _DOPPLER_STEP_KEV])
    return np.arange(_DOPPLER_REACH * energies.min(), energies.max(), _DOPPLER_STEP_KEV)


def counts_from_emission(
    *, emission: Emission, instrument: Instrument, edges_keV: FloatArray
) -> FloatArray:
    """Expected counts per second in each channel.

    Parameters
    ----------
    emission
        Photons from the sample.
    instrument
        Gives the gas and the detector.
    edges_keV
        Channel edges, shape (channel + 1,).

    Returns
    -------
    ndarray, shape (channel,)
    """
    energies = np.concatenate(
        [emission.lines.energies_keV, emission.rayleigh_keV, emission.compton_keV]
    )
    photons = np.concatenate(
        [emission.line_photons, emission.rayleigh_photons, emission.compton_photons]
    )
    passed = transmission_from_atmosphere(
        atmosphere=instrument.atmosphere,
        path_mm=instrument.atmosphere.detection_path_mm,
        energies_keV=energies,
    )
    response = response_from_energies(
        detector=instrument.detector, energies_keV=energies, edges_keV=edges_keV
    )
    return (photons * passed) @ response


def spectrum_from_composition(
    *,
    composition: Composition,
    instrument: Instrument,
    mass_thickness_g_cm2: float = np.inf,
) -> FloatArray:
    """Expected counts of one second on the instrument's own channels, shape (channel,).

    Fluorescence (primary, secondary, tertiary), Rayleigh and Compton scatter, and the detector's
    response; no diffraction, pile-up, zero peak or stray lines.
    """
    source = source_from_instrument(instrument=instrument)
    emission = emission_from_sample(
        composition=composition,
        instrument=instrument,
        source=source,
        mass_thickness_g_cm2=mass_thickness_g_cm2,
    )
    return counts_from_emission(
        emission=emission, instrument=instrument, edges_keV=instrument.axis.edges_keV
    )
