"""What a flat, homogeneous sample sends towards the detector: fluorescence and scatter."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Geometry, Instrument
from lithoscope.physics.attenuation import mass_attenuation_from_composition
from lithoscope.physics.cells import cells_from_source
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
from lithoscope.physics.multiple_scatter import (
    double_compton_profiles,
    multiple_from_single_scatter,
    multiple_scatter_tables,
)
from lithoscope.physics.scatter import (
    compton_energy_from_angle,
    compton_from_elements,
    compton_profile_from_element,
    rayleigh_from_elements,
)
from lithoscope.physics.source import Source, doppler_edges, doppler_nodes

FloatArray = NDArray[np.float64]


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


@dataclass(frozen=True, eq=False)
class _Sample:
    """A composition with what its attenuation is at the source's nodes."""

    composition: Composition
    attenuation_in: FloatArray
    mass_thickness_g_cm2: float

    @property
    def fractions(self) -> FloatArray:
        return np.array([fraction for _, fraction in self.composition])

    def attenuation(self, energies_keV: FloatArray) -> FloatArray:
        return mass_attenuation_from_composition(
            composition=self.composition, energies_keV=energies_keV
        )

    def depth(self, attenuation_out: FloatArray, geometry: Geometry) -> FloatArray:
        """Mass of sample that answers at each of the source's nodes."""
        return escape_depth_factor(
            attenuation_in=self.attenuation_in,
            attenuation_out=attenuation_out,
            geometry=geometry,
            mass_thickness_g_cm2=self.mass_thickness_g_cm2,
        )


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
    attenuation_in = mass_attenuation_from_composition(
        composition=composition, energies_keV=source.energies_keV
    )
    sample = _Sample(composition, attenuation_in, mass_thickness_g_cm2)
    lines = lines_from_elements(symbols=composition.elements)
    rayleigh_photons, compton_keV, compton_photons = _scattered(sample, instrument, source)
    return Emission(
        lines=lines,
        line_photons=_fluorescence(sample, instrument, source, lines),
        rayleigh_keV=source.energies_keV,
        rayleigh_photons=rayleigh_photons,
        compton_keV=compton_keV,
        compton_photons=compton_photons,
    )


def _fluorescence(
    sample: _Sample, instrument: Instrument, source: Source, lines: LineTable
) -> FloatArray:
    symbols = sample.composition.elements
    fractions = sample.fractions[lines.elements]
    cells = cells_from_source(source=source, symbols=symbols)
    production = cells.mean(
        production_from_lines(symbols=symbols, lines=lines, energies_keV=source.energies_keV)
    )
    attenuation_in = cells.mean(sample.attenuation_in)
    attenuation_out = sample.attenuation(lines.energies_keV)

    def primary(mass_thickness_g_cm2: float) -> FloatArray:
        return primary_from_sherman(
            photons_per_s=cells.photons_per_s,
            mass_fractions=fractions,
            production=production,
            attenuation_in=attenuation_in,
            attenuation_out=attenuation_out,
            geometry=instrument.geometry,
            mass_thickness_g_cm2=mass_thickness_g_cm2,
        )

    exciters = exciters_from_lines(lines=lines, production=production)
    by_lines = production_from_lines(
        symbols=symbols, lines=lines, energies_keV=exciters.energies_keV
    )
    excitation = Excitation(
        attenuation_in=attenuation_in,
        attenuation_lines=attenuation_out,
        attenuation_exciters=sample.attenuation(exciters.energies_keV),
        made_exciters=exciters.sum((cells.photons_per_s * fractions[:, None] * production).T).T,
        production_lines=fractions[:, None] * by_lines,
    )
    direct = primary(sample.mass_thickness_g_cm2)
    return direct + enhancement_from_primary(
        excitation=excitation,
        exciters=exciters,
        primary=direct,
        thick_primary=primary(np.inf),
        geometry=instrument.geometry,
        mass_thickness_g_cm2=sample.mass_thickness_g_cm2,
    )


def _scattered(
    sample: _Sample, instrument: Instrument, source: Source
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rayleigh photons, and energies and photons of Compton scatter, scattered once or more."""
    geometry, energies = instrument.geometry, source.energies_keV
    angle, symbols = geometry.scattering_angle_deg, sample.composition.elements
    shifted = compton_energy_from_angle(energies_keV=energies, angle_deg=angle)
    rayleigh = sample.fractions @ rayleigh_from_elements(
        symbols=symbols, energies_keV=energies, angle_deg=angle
    )
    compton = sample.fractions[:, None] * compton_from_elements(
        symbols=symbols, energies_keV=energies, angle_deg=angle
    )
    tables = multiple_scatter_tables(symbols=symbols, geometry=geometry, energies_keV=energies)
    more = multiple_from_single_scatter(
        tables=tables,
        mass_fractions=sample.fractions[None],
        attenuation=sample.attenuation_in[None],
        rayleigh=rayleigh[None],
        compton=compton.sum(axis=0)[None],
        mass_thickness_g_cm2=np.array([sample.mass_thickness_g_cm2]),
    )
    seen = source.photons_per_s * geometry.solid_angle_sr
    once = seen * rayleigh * sample.depth(sample.attenuation_in, geometry)
    shared = seen * compton * sample.depth(sample.attenuation(shifted), geometry)
    twice = shared.sum(axis=0) * more.double_compton[0]
    shared = shared * (1 + more.compton[0])

    broad, edges = doppler_nodes(source), doppler_edges(source)
    peaks = twice[broad] @ double_compton_profiles(
        tables=tables, lines_keV=energies[broad], edges_keV=edges
    )
    for element, node in itertools.product(range(len(symbols)), np.flatnonzero(broad)):
        peaks += shared[element, node] * compton_profile_from_element(
            symbol=symbols[element], energy_keV=energies[node], angle_deg=angle, edges_keV=edges
        )
    return (
        once * (1 + more.rayleigh[0]),
        np.concatenate([shifted[~broad], (edges[:-1] + edges[1:]) / 2]),
        np.concatenate([(shared.sum(axis=0) + twice)[~broad], peaks]),
    )
