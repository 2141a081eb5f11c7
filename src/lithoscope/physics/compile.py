"""An instrument compiled to tables that turn many compositions into spectra at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.physics.banded import BandedResponse, banded_response
from lithoscope.physics.compiled import CompiledInstrument
from lithoscope.physics.compiled_fluorescence import FluorescenceTables
from lithoscope.physics.compiled_scatter import ScatterTables
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.enhancement import exciters_from_lines
from lithoscope.physics.multiple_scatter import (
    double_compton_profiles,
    multiple_scatter_tables,
)
from lithoscope.physics.remembered import (
    remembered_attenuation,
    remembered_lines,
    remembered_production,
)
from lithoscope.physics.scatter import (
    compton_energy_from_angle,
    compton_from_elements,
    compton_profile_from_element,
    rayleigh_from_elements,
)
from lithoscope.physics.source import (
    Source,
    doppler_edges,
    doppler_nodes,
    source_from_instrument,
)

FloatArray = NDArray[np.float64]


def compile_instrument(
    *,
    instrument: Instrument,
    symbols: Sequence[str],
    edges_keV: FloatArray | None = None,
    source: Source | None = None,
    dtype: type[np.floating] = np.float64,
) -> CompiledInstrument:
    """Compute the tables with which an instrument sees a set of elements.

    Parameters
    ----------
    instrument
        The instrument.
    symbols
        All elements that compositions will hold.
    edges_keV
        Channel edges; the instrument's own when left out.
    source
        The exciting radiation; the instrument's own when left out.
    dtype
        Precision of the evaluation: float32 is twice as fast and within 1e-4 of float64
        (tests/physics/test_compile.py).
    """
    edges = instrument.axis.edges_keV if edges_keV is None else np.asarray(edges_keV)
    source = source_from_instrument(instrument=instrument) if source is None else source
    fluorescence = _fluorescence_tables(symbols, source)
    scatter = _scatter_tables(instrument, symbols, source).astype(dtype)
    return CompiledInstrument(
        instrument=instrument,
        symbols=tuple(symbols),
        edges_keV=edges,
        source=source,
        fluorescence=fluorescence,
        scatter=scatter,
        line_response=_response(instrument, fluorescence.lines.energies_keV, edges, dtype),
        scatter_response=_response(instrument, scatter.energies_keV, edges, dtype),
        dtype=np.dtype(dtype),
    )


def _fluorescence_tables(symbols: Sequence[str], source: Source) -> FluorescenceTables:
    elements = tuple(symbols)
    lines, attenuation = remembered_lines(elements), remembered_attenuation(elements)
    production = remembered_production(elements).at(source.energies_keV)
    exciters = exciters_from_lines(lines=lines, production=production)
    return FluorescenceTables(
        lines=lines,
        production=production,
        exciters=exciters,
        production_by_lines=remembered_production(elements).at(exciters.energies_keV),
        attenuation_in=attenuation.at(source.energies_keV),
        attenuation_lines=attenuation.at(lines.energies_keV),
        attenuation_exciters=attenuation.at(exciters.energies_keV),
    )


def _scatter_tables(
    instrument: Instrument, symbols: Sequence[str], source: Source
) -> ScatterTables:
    geometry, energies = instrument.geometry, source.energies_keV
    attenuation = remembered_attenuation(tuple(symbols))
    angle = geometry.scattering_angle_deg
    shifted = compton_energy_from_angle(energies_keV=energies, angle_deg=angle)
    broad, edges = doppler_nodes(source), doppler_edges(source)
    multiple = multiple_scatter_tables(symbols=symbols, geometry=geometry, energies_keV=energies)
    profiles = np.zeros((len(symbols), int(broad.sum()), edges.size - 1))
    for element, symbol in enumerate(symbols):
        for line, energy in enumerate(energies[broad]):
            profiles[element, line] = compton_profile_from_element(
                symbol=symbol, energy_keV=float(energy), angle_deg=angle, edges_keV=edges
            )
    return ScatterTables(
        seen=source.photons_per_s * geometry.solid_angle_sr,
        rayleigh=rayleigh_from_elements(symbols=symbols, energies_keV=energies, angle_deg=angle),
        compton=compton_from_elements(symbols=symbols, energies_keV=energies, angle_deg=angle),
        attenuation_in=attenuation.at(energies),
        attenuation_compton=attenuation.at(shifted),
        multiple=multiple,
        broad=broad,
        energies_keV=np.concatenate([energies, shifted[~broad], (edges[:-1] + edges[1:]) / 2]),
        profiles=profiles,
        double_profiles=double_compton_profiles(
            tables=multiple, lines_keV=energies[broad], edges_keV=edges
        ),
    )


def _response(
    instrument: Instrument,
    energies_keV: FloatArray,
    edges_keV: FloatArray,
    dtype: type[np.floating],
) -> BandedResponse:
    return banded_response(
        response=counts_per_photon(
            instrument=instrument, energies_keV=energies_keV, edges_keV=edges_keV
        ),
        energies_keV=energies_keV,
        edges_keV=edges_keV,
        dtype=dtype,
    )


def mass_fraction_matrix(compositions: Sequence[Composition], symbols: Sequence[str]) -> FloatArray:
    """Mass fractions as a matrix, shape (composition, element), columns as `symbols`.

    Raises
    ------
    InvalidValueError
        If a composition holds an element that is not among `symbols`.
    """
    column = {symbol: index for index, symbol in enumerate(symbols)}
    matrix = np.zeros((len(compositions), len(symbols)))
    for row, composition in enumerate(compositions):
        for symbol, fraction in composition:
            if symbol not in column:
                raise InvalidValueError(
                    f"The composition holds {symbol}.", expected=f"elements among {list(symbols)}"
                )
            matrix[row, column[symbol]] = fraction
    return matrix
