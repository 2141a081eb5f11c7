"""An instrument compiled to tables that turn many compositions into spectra at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.physics.attenuation import (
    mass_attenuation_from_elements,
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
    production_from_lines,
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


@dataclass(frozen=True, eq=False)
class CompiledInstrument:
    """Tables for one instrument, one element set and one set of channels.

    Rows of tables follow `symbols` (element), `lines` (line), `exciters` (exciting line), the
    source's nodes (node) and the channels (channel). Cross sections are in cm²/g; those of
    `excitation`, `rayleigh` and `compton` are multiplied by the photons of their node and by the
    solid angle, `made_exciters` by the photons; responses hold counts per photon, gas included.
    """

    instrument: Instrument
    symbols: tuple[str, ...]
    edges_keV: FloatArray
    source_keV: FloatArray
    lines: LineTable
    attenuation_in: FloatArray
    attenuation_lines: FloatArray
    attenuation_compton: FloatArray
    excitation: FloatArray
    exciters: NDArray[np.int64]
    made_exciters: FloatArray
    production_by_lines: FloatArray
    rayleigh: FloatArray
    compton: FloatArray
    broad: NDArray[np.bool_]
    line_response: FloatArray
    rayleigh_response: FloatArray
    compton_response: FloatArray
    doppler_response: FloatArray

    def spectra(
        self,
        mass_fractions: NDArray[np.floating],
        *,
        diffuse_share: NDArray[np.floating] | float = 1.0,
        mass_thickness_g_cm2: NDArray[np.floating] | float = np.inf,
    ) -> FloatArray:
        """Expected counts of one second for many compositions.

        Parameters
        ----------
        mass_fractions
            Shape (composition, element), columns as `symbols`.
        diffuse_share
            Share of the Rayleigh scatter of free atoms that is seen: a number, or shape
            (composition, node) with nodes as in `source_keV`.
        mass_thickness_g_cm2
            Density times thickness: a number, or shape (composition,).

        Returns
        -------
        ndarray, shape (composition, channel)
        """
        fractions = np.asarray(mass_fractions, dtype=np.float64)
        if fractions.ndim != 2 or fractions.shape[1] != len(self.symbols):
            raise InvalidValueError(
                f"Mass fractions of shape {fractions.shape}.",
                expected=f"(composition, {len(self.symbols)})",
            )
        line_photons = np.zeros((len(fractions), self.lines.macros.size))
        rayleigh = np.zeros((len(fractions), self.rayleigh.shape[1]))
        compton = np.zeros((len(fractions), self.rayleigh.shape[1]))
        doppler = np.zeros((len(fractions), *self.doppler_response.shape[:2]))
        thickness = np.broadcast_to(mass_thickness_g_cm2, len(fractions))
        for row, weights in enumerate(fractions):
            present = np.flatnonzero(weights)
            line_photons[row] = self._line_photons(weights, present, thickness[row])
            rayleigh[row], scattered = self._scattered(weights, present, thickness[row])
            compton[row] = np.where(self.broad, 0.0, scattered.sum(axis=0))
            doppler[row][present] = scattered[:, self.broad]
        counts = line_photons @ self.line_response
        rayleigh *= diffuse_share
        counts += rayleigh @ self.rayleigh_response
        counts += compton @ self.compton_response
        peaks = self.doppler_response.reshape(-1, counts.shape[1])
        return counts + doppler.reshape(len(fractions), -1) @ peaks

    def _line_photons(
        self, weights: FloatArray, present: NDArray[np.int64], thickness: float
    ) -> FloatArray:
        emitting = np.flatnonzero(np.isin(self.lines.elements, present))
        own = weights[self.lines.elements]
        attenuation_in = weights[present] @ self.attenuation_in[present]
        attenuation_out = weights[present] @ self.attenuation_lines[present]

        def primary(mass_thickness: float) -> FloatArray:
            depth = escape_depth_factor(
                attenuation_in=attenuation_in[None, :],
                attenuation_out=attenuation_out[emitting, None],
                geometry=self.instrument.geometry,
                mass_thickness_g_cm2=mass_thickness,
            )
            return own[emitting] * np.einsum("ln,ln->l", self.excitation[emitting], depth)

        thick = primary(np.inf)
        direct = thick if np.isinf(thickness) else primary(thickness)
        acting = np.flatnonzero(np.isin(self.exciters, emitting))
        exciters = self.exciters[acting]
        excitation = Excitation(
            attenuation_in=attenuation_in,
            attenuation_lines=attenuation_out[emitting],
            attenuation_exciters=attenuation_out[exciters],
            made_exciters=own[exciters, None] * self.made_exciters[acting],
            production_lines=own[emitting, None] * self.production_by_lines[emitting][:, acting],
        )
        photons = np.zeros(self.lines.macros.size)
        photons[emitting] = direct + enhancement_from_primary(
            excitation=excitation,
            exciters=np.searchsorted(emitting, exciters),
            primary=direct,
            thick_primary=thick,
            geometry=self.instrument.geometry,
            mass_thickness_g_cm2=thickness,
        )
        return photons

    def _scattered(
        self, weights: FloatArray, present: NDArray[np.int64], thickness: float
    ) -> tuple[FloatArray, FloatArray]:
        own = weights[present]
        attenuation_in = own @ self.attenuation_in[present]
        back = escape_depth_factor(
            attenuation_in=attenuation_in,
            attenuation_out=attenuation_in,
            geometry=self.instrument.geometry,
            mass_thickness_g_cm2=thickness,
        )
        shifted = escape_depth_factor(
            attenuation_in=attenuation_in,
            attenuation_out=own @ self.attenuation_compton[present],
            geometry=self.instrument.geometry,
            mass_thickness_g_cm2=thickness,
        )
        return own @ self.rayleigh[present] * back, own[:, None] * self.compton[present] * shifted


def compile_instrument(
    *,
    instrument: Instrument,
    symbols: Sequence[str],
    edges_keV: FloatArray | None = None,
    source: Source | None = None,
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
    """
    edges = instrument.axis.edges_keV if edges_keV is None else np.asarray(edges_keV)
    source = source_from_instrument(instrument=instrument) if source is None else source
    angle = instrument.geometry.scattering_angle_deg
    energies = source.energies_keV
    shifted = compton_energy_from_angle(energies_keV=energies, angle_deg=angle)
    lines = lines_from_elements(symbols=symbols)
    solid_angle = instrument.geometry.solid_angle_sr
    seen = source.photons_per_s * solid_angle
    production = production_from_lines(symbols=symbols, lines=lines, energies_keV=energies)
    exciters = exciters_from_lines(lines=lines, production=production)
    return CompiledInstrument(
        instrument=instrument,
        symbols=tuple(symbols),
        edges_keV=edges,
        source_keV=energies,
        lines=lines,
        attenuation_in=mass_attenuation_from_elements(symbols=symbols, energies_keV=energies),
        attenuation_lines=mass_attenuation_from_elements(
            symbols=symbols, energies_keV=lines.energies_keV
        ),
        attenuation_compton=mass_attenuation_from_elements(symbols=symbols, energies_keV=shifted),
        excitation=production * seen / (4 * np.pi),
        exciters=exciters,
        made_exciters=production[exciters] * source.photons_per_s,
        production_by_lines=production_from_lines(
            symbols=symbols, lines=lines, energies_keV=lines.energies_keV[exciters]
        ),
        rayleigh=seen
        * rayleigh_from_elements(symbols=symbols, energies_keV=energies, angle_deg=angle),
        compton=seen
        * compton_from_elements(symbols=symbols, energies_keV=energies, angle_deg=angle),
        broad=doppler_nodes(source),
        line_response=_response(instrument, lines.energies_keV, edges),
        rayleigh_response=_response(instrument, energies, edges),
        compton_response=_response(instrument, shifted, edges),
        doppler_response=_doppler_response(instrument, symbols, source, edges),
    )


def _response(
    instrument: Instrument, energies_keV: FloatArray, edges_keV: FloatArray
) -> FloatArray:
    passed = transmission_from_atmosphere(
        atmosphere=instrument.atmosphere,
        path_mm=instrument.atmosphere.detection_path_mm,
        energies_keV=energies_keV,
    )
    response = response_from_energies(
        detector=instrument.detector, energies_keV=energies_keV, edges_keV=edges_keV
    )
    return passed[:, None] * response


def _doppler_response(
    instrument: Instrument, symbols: Sequence[str], source: Source, edges_keV: FloatArray
) -> FloatArray:
    """Counts per Compton-scattered photon, shape (element, broad line, channel)."""
    cells = doppler_edges(source)
    response = _response(instrument, (cells[:-1] + cells[1:]) / 2, edges_keV)
    energies = source.energies_keV[doppler_nodes(source)]
    profiles = [
        compton_profile_from_element(
            symbol=symbol,
            energy_keV=float(energy),
            angle_deg=instrument.geometry.scattering_angle_deg,
            edges_keV=cells,
        )
        for symbol in symbols
        for energy in energies
    ]
    if not profiles:
        return np.zeros((len(symbols), 0, edges_keV.size - 1))
    table = np.array(profiles) @ response
    return table.reshape(len(symbols), energies.size, -1)


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
