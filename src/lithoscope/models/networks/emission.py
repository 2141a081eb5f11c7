"""Tables of a reduced forward model: what elements emit and scatter, in groups of photons."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.elements import symbols
from lithoscope.core.instrument import Instrument
from lithoscope.io import load_instrument
from lithoscope.physics.compile import compile_instrument
from lithoscope.physics.compiled import CompiledInstrument
from lithoscope.physics.detection import counts_per_photon

FloatArray = NDArray[np.float64]

# Lines of an element within 6 % leave the sample together; exciting photons act together within
# 12 %, scattered ones within 5 %. Groups that give less than this share of their element's counts
# are left out.
_LINE_RATIO, _CELL_RATIO, _SCATTER_RATIO = 1.06, 1.12, 1.05
_LEAST_SHARE = 1e-4
# Elements of minerals: up to uranium, without noble gases and those that are nowhere in amounts.
# Not those of today's library, so that it can grow without making trained networks useless.
_ABSENT = ("He", "Ne", "Ar", "Kr", "Xe", "Rn", "Tc", "Pm", "Po", "At", "Fr", "Ra", "Ac", "Pa")
_SYMBOLS = tuple(symbol for symbol in symbols()[:92] if symbol not in _ABSENT)


@dataclass(frozen=True, eq=False)
class LineEmission:
    """Fluorescence of a thick sample in groups of lines, per mass fraction and absorption.

    Parameters
    ----------
    elements
        The element of each group, shape (group,).
    made
        Towards the detector under each cell of the source, shape (group, cell), photons/s cm²/g.
    attenuation_in
        In cm²/g, shape (element, cell).
    attenuation_out
        In cm²/g, shape (element, group).
    counts
        Counts in each bin per photon of a group, shape (group, bin).
    """

    elements: NDArray[np.int64]
    made: FloatArray
    attenuation_in: FloatArray
    attenuation_out: FloatArray
    counts: FloatArray


@dataclass(frozen=True, eq=False)
class ScatterEmission:
    """Scatter of a thick sample in groups of photons, Rayleigh's first, then Compton's.

    Parameters
    ----------
    made
        Towards the detector, shape (element, group), photons/s cm²/g.
    attenuation_in, attenuation_out
        In cm²/g, shape (element, group).
    counts
        Counts in each bin per photon of a group, shape (group, bin).
    """

    made: FloatArray
    attenuation_in: FloatArray
    attenuation_out: FloatArray
    counts: FloatArray


@dataclass(frozen=True, eq=False)
class EmissionTables:
    """What a thick sample sends to the detector.

    Parameters
    ----------
    symbols
        Elements.
    edges_keV
        Edges of the bins, shape (bin + 1,).
    sine_in, sine_out
        Sines of the angles of beam and detector to the surface.
    lines, scatter
        Fluorescence and scatter.
    """

    symbols: tuple[str, ...]
    edges_keV: FloatArray
    sine_in: float
    sine_out: float
    lines: LineEmission
    scatter: ScatterEmission


def emission_tables(*, instrument: Instrument, edges_keV: FloatArray) -> EmissionTables:
    """Group the compiled physics of all elements that minerals hold.

    Kept: Sherman's primary fluorescence with absorption on both ways, K, L and M lines with
    cascade, single Rayleigh and Compton scatter, the detector's response. Left out: secondary
    fluorescence, multiple scatter, thin samples.

    Parameters
    ----------
    instrument
        The instrument.
    edges_keV
        Edges of the bins, shape (bin + 1,).
    """
    compiled = compile_instrument(instrument=instrument, symbols=_SYMBOLS, edges_keV=edges_keV)
    geometry = instrument.geometry
    return EmissionTables(
        symbols=compiled.symbols,
        edges_keV=edges_keV,
        sine_in=float(np.sin(np.deg2rad(geometry.incidence_deg))),
        sine_out=float(np.sin(np.deg2rad(geometry.take_off_deg))),
        lines=_line_emission(compiled),
        scatter=_scatter_emission(compiled),
    )


@functools.lru_cache(maxsize=4)
def tables_of_m4(edges_keV: tuple[float, ...]) -> EmissionTables:
    """Return the tables of the M4 Tornado, made once for each axis."""
    return emission_tables(instrument=load_instrument("m4-tornado"), edges_keV=np.array(edges_keV))


def _line_emission(compiled: CompiledInstrument) -> LineEmission:
    tables, source = compiled.fluorescence, compiled.source
    response = counts_per_photon(
        instrument=compiled.instrument,
        energies_keV=tables.lines.energies_keV,
        edges_keV=compiled.edges_keV,
    )
    towards = compiled.instrument.geometry.solid_angle_sr / (4 * np.pi)
    made = tables.production * source.photons_per_s * towards
    seen = made.sum(axis=1) * response.sum(axis=1)
    groups = [
        group
        for element in range(len(compiled.symbols))
        for group in _groups_of_element(
            tables.lines.elements == element, tables.lines.energies_keV, seen
        )
    ]
    weights = _shares(groups, made.sum(axis=1))
    cells = _runs(source.energies_keV, _CELL_RATIO)
    photons = _shares(cells, source.photons_per_s)
    members = (weights > 0).astype(np.float64)
    return LineEmission(
        elements=np.array([tables.lines.elements[group[0]] for group in groups]),
        made=np.stack([(members @ made)[:, cell].sum(axis=1) for cell in cells], axis=1),
        attenuation_in=tables.attenuation_in @ photons.T,
        attenuation_out=tables.attenuation_lines @ weights.T,
        counts=weights @ response,
    )


def _groups_of_element(
    own: NDArray[np.bool_], energies: FloatArray, seen: FloatArray
) -> list[NDArray[np.int64]]:
    lines = np.flatnonzero(own & (seen > 0))
    groups = [lines[run] for run in _runs(energies[lines], _LINE_RATIO)]
    return [group for group in groups if seen[group].sum() > _LEAST_SHARE * seen[lines].sum()]


def _scatter_emission(compiled: CompiledInstrument) -> ScatterEmission:
    tables, source = compiled.scatter, compiled.source
    response = counts_per_photon(
        instrument=compiled.instrument,
        energies_keV=tables.energies_keV,
        edges_keV=compiled.edges_keV,
    )
    nodes, broad = source.energies_keV.size, tables.broad
    smooth = np.zeros((nodes, response.shape[1]))
    smooth[~broad] = response[nodes : nodes + int((~broad).sum())]
    # A mean profile for all elements: their Compton profiles differ less than what varies in depth.
    smooth[broad] = tables.profiles.mean(axis=0) @ response[nodes + int((~broad).sum()) :]
    cells = _runs(source.energies_keV, _SCATTER_RATIO)
    made, into, out, counts = [], [], [], []
    for sections, attenuation, seen in (
        (tables.rayleigh, tables.attenuation_in, response[:nodes]),
        (tables.compton, tables.attenuation_compton, smooth),
    ):
        by_node = sections * tables.seen
        shares = _shares(cells, by_node.mean(axis=0))
        made.append(np.stack([by_node[:, cell].sum(axis=1) for cell in cells], axis=1))
        into.append(tables.attenuation_in @ shares.T)
        out.append(attenuation @ shares.T)
        counts.append(shares @ seen)
    return ScatterEmission(
        made=np.concatenate(made, axis=1),
        attenuation_in=np.concatenate(into, axis=1),
        attenuation_out=np.concatenate(out, axis=1),
        counts=np.concatenate(counts),
    )


def _runs(energies: FloatArray, ratio: float) -> list[NDArray[np.int64]]:
    """Indices in runs of energies of which the highest is at most `ratio` times the lowest."""
    runs: list[list[int]] = []
    for index in np.argsort(energies, kind="stable"):
        if runs and energies[index] <= ratio * energies[runs[-1][0]]:
            runs[-1].append(int(index))
        else:
            runs.append([int(index)])
    return [np.array(run) for run in runs]


def _shares(groups: list[NDArray[np.int64]], weights: FloatArray) -> FloatArray:
    """Share of each member in its group, shape (group, member)."""
    shares = np.zeros((len(groups), weights.size))
    for row, group in enumerate(groups):
        total = weights[group].sum()
        shares[row, group] = weights[group] / total if total > 0 else 1 / group.size
    return shares
