"""Our equations with fisx's tables: what then differs is code, what vanishes was tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import xraylib
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry
from lithoscope.physics.enhancement import (
    Excitation,
    enhancement_from_primary,
    exciters_from_lines,
)
from lithoscope.physics.fluorescence import LineTable, primary_from_sherman
from lithoscope.physics.source import Source

FloatArray = NDArray[np.float64]

# Below this fisx has no lines that any detector of ours sees.
_LOWEST_KEV = 0.25
# Where production cross sections are compared: above the K edges of all elements compared.
PROBE_KEV = 45.0


def _attenuation(library: Any, formula: str, energies_keV: FloatArray) -> FloatArray:
    return np.array(library.getMassAttenuationCoefficients(formula, energies_keV.tolist())["total"])


def _production(library: Any, names: list[tuple[str, str]], energies_keV: FloatArray) -> FloatArray:
    table = np.zeros((len(names), energies_keV.size))
    for element in dict.fromkeys(element for element, _ in names):
        rows = [(row, name) for row, (owner, name) in enumerate(names) if owner == element]
        for column, energy in enumerate(energies_keV):
            emitted = library.getExcitationFactors(element, [float(energy)], [1.0])
            for row, name in rows:
                table[row, column] = emitted[name]["rate"] if name in emitted else 0.0
    return table


def _line_table(
    library: Any, composition: Composition, highest_keV: float
) -> tuple[list[tuple[str, str]], LineTable]:
    names, elements, energies = [], [], []
    for index, element in enumerate(composition.elements):
        emitted = library.getExcitationFactors(element, [highest_keV], [1.0])
        for name, line in emitted.items():
            if line["energy"] > _LOWEST_KEV:
                names.append((element, name))
                elements.append(index)
                energies.append(line["energy"])
    macros = np.array([getattr(xraylib, f"{name}_LINE", 0) for _, name in names])
    return names, LineTable(np.array(elements), macros, np.array(energies))


def sherman_with_fisx_tables(
    *, formula: str, source: Source, geometry: Geometry, library: Any
) -> dict[tuple[str, str], tuple[float, float]]:
    """Primary photons and enhancement of each line, in 4 pi.

    Attenuation and production cross sections are fisx's; equations are those of
    `lithoscope.physics`.
    """
    composition = composition_from_formula(formula)
    names, lines = _line_table(library, composition, float(source.energies_keV.max()))
    weights = np.array([fraction for _, fraction in composition])[lines.elements]
    production = _production(library, names, source.energies_keV)
    attenuation_in = _attenuation(library, formula, source.energies_keV)
    attenuation_out = _attenuation(library, formula, lines.energies_keV)
    primary = primary_from_sherman(
        photons_per_s=source.photons_per_s,
        mass_fractions=weights,
        production=production,
        attenuation_in=attenuation_in,
        attenuation_out=attenuation_out,
        geometry=geometry,
    )
    exciters = exciters_from_lines(lines=lines, production=production)
    excitation = Excitation(
        attenuation_in=attenuation_in,
        attenuation_lines=attenuation_out,
        attenuation_exciters=attenuation_out[exciters],
        made_exciters=source.photons_per_s * weights[exciters, None] * production[exciters],
        production_lines=weights[:, None]
        * _production(library, names, lines.energies_keV[exciters]),
    )
    enhanced = enhancement_from_primary(
        excitation=excitation,
        exciters=exciters,
        primary=primary,
        thick_primary=primary,
        geometry=geometry,
    )
    everywhere = 4 * np.pi / geometry.solid_angle_sr
    return {
        name: (float(direct) * everywhere, float(raised) * everywhere)
        for name, direct, raised in zip(names, primary, enhanced, strict=True)
    }


def tables_of_line(
    *, formula: str, element: str, line: str, energy_keV: float, library: Any
) -> tuple[float, float]:
    """Production cross section at `PROBE_KEV` and attenuation of the line, in cm²/g, by fisx."""
    emitted = library.getExcitationFactors(element, [PROBE_KEV], [1.0])
    attenuation = _attenuation(library, formula, np.array([energy_keV]))
    return float(emitted[line]["rate"]), float(attenuation[0])
