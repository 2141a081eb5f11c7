"""Our lines beside those that fisx computed (`tests/data/reference/fisx_lines.json`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xraylib

from lithoscope.core.composition import Composition
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry, Instrument
from lithoscope.physics.attenuation import mass_attenuation_from_composition
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.fluorescence import (
    LineTable,
    primary_from_sherman,
    production_from_lines,
)
from lithoscope.physics.source import Source

REFERENCE = Path(__file__).parents[2] / "tests" / "data" / "reference"
GOAL = 0.02
# What is compared: the transitions that make the peaks, down to this share of the strongest.
MAIN_LINES = ("KL3", "KM3", "L3M5", "L2M4", "M5N7")
WEAKEST = 0.01
# As stored, see the reference's "origin".
_PROBE_KEV = 45.0
# Photons in all directions, as fisx counts them.
_GEOMETRY = Geometry(
    incidence_deg=50, take_off_deg=50, scattering_angle_deg=130, solid_angle_sr=4 * np.pi
)


@dataclass(frozen=True)
class LineRatio:
    """One line by us over fisx.

    Parameters
    ----------
    mineral, element, line, energy_keV
        Which line.
    total, primary
        Ours over fisx's, with secondary and tertiary fluorescence and without.
    same_tables
        The total of our equations on fisx's tables, over fisx's: what is left is code.
    production, attenuation
        Our production cross section at 45 keV over fisx's, and our attenuation of the line.
    enhancement, enhancement_by_fisx
        Secondary and tertiary over primary.
    own_scatter
        What coherent scatter of the line in the sample adds by fisx, over primary; it is in no
        other column, and left out by us.
    """

    mineral: str
    element: str
    line: str
    energy_keV: float
    total: float
    primary: float
    same_tables: float
    production: float
    attenuation: float
    enhancement: float
    enhancement_by_fisx: float
    own_scatter: float


def stored_source() -> Source:
    """The tube that fisx was given, node by node."""
    with np.load(REFERENCE / "fisx_source.npz", allow_pickle=False) as file:
        return Source(file["energies_keV"], file["photons"], file["is_line"])


def stored_minerals() -> dict[str, Any]:
    """What fisx computed, by mineral."""
    text = (REFERENCE / "fisx_lines.json").read_text(encoding="utf-8")
    minerals: dict[str, Any] = json.loads(text)["minerals"]
    return minerals


def _primary(composition: Composition, source: Source, lines: LineTable) -> np.ndarray:
    weights = np.array([fraction for _, fraction in composition])
    return primary_from_sherman(
        photons_per_s=source.photons_per_s,
        mass_fractions=weights[lines.elements],
        production=production_from_lines(
            symbols=composition.elements, lines=lines, energies_keV=source.energies_keV
        ),
        attenuation_in=mass_attenuation_from_composition(
            composition=composition, energies_keV=source.energies_keV
        ),
        attenuation_out=mass_attenuation_from_composition(
            composition=composition, energies_keV=lines.energies_keV
        ),
        geometry=_GEOMETRY,
    )


def _production(element: str, line: str) -> float:
    macro = getattr(xraylib, f"{line}_LINE")
    number = xraylib.SymbolToAtomicNumber(element)
    return float(xraylib.CS_FluorLine_Kissel_Cascade(number, macro, _PROBE_KEV))


def _attenuation(composition: Composition, energy_keV: float) -> float:
    return float(
        mass_attenuation_from_composition(
            composition=composition, energies_keV=np.array([energy_keV])
        )[0]
    )


def ratios_of_mineral(name: str, stored: dict[str, Any], source: Source) -> Iterator[LineRatio]:
    """Main lines of one mineral, the strongest first."""
    composition = composition_from_formula(stored["formula"])
    emission = emission_from_sample(
        composition=composition, instrument=Instrument("4 pi", geometry=_GEOMETRY), source=source
    )
    primary = _primary(composition, source, emission.lines)
    strongest = max(line["primary"] for line in stored["lines"])
    for line in stored["lines"]:
        if line["line"] not in MAIN_LINES or line["primary"] < WEAKEST * strongest:
            continue
        chosen = (emission.lines.elements == composition.elements.index(line["element"])) & (
            emission.lines.macros == getattr(xraylib, f"{line['line']}_LINE")
        )
        raised = line["secondary"] + line["tertiary"]
        total, direct = emission.line_photons[chosen].sum(), primary[chosen].sum()
        yield LineRatio(
            mineral=name,
            element=line["element"],
            line=line["line"],
            energy_keV=line["energy_keV"],
            total=total / (line["primary"] + raised),
            primary=direct / line["primary"],
            same_tables=(
                line["our_primary_on_fisx_tables"] + line["our_enhancement_on_fisx_tables"]
            )
            / (line["primary"] + raised),
            production=_production(line["element"], line["line"]) / line["production_cm2_g"],
            attenuation=_attenuation(composition, line["energy_keV"]) / line["attenuation_cm2_g"],
            enhancement=total / direct - 1,
            enhancement_by_fisx=raised / line["primary"],
            own_scatter=line["own_coherent_scatter"] / line["primary"],
        )


def fisx_ratios() -> list[LineRatio]:
    """All main lines of all minerals."""
    source = stored_source()
    return [
        row
        for name, stored in stored_minerals().items()
        for row in ratios_of_mineral(name, stored, source)
    ]
