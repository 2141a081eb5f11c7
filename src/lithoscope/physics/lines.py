"""Fluorescence lines: their energies, and the names instruments give them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import xraylib
import xraylib_np
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number

# Every single transition xraylib knows, K to P shells.
LINE_MACROS = tuple(range(-1, -384, -1))

# What instrument software calls the strong transitions of a family, by xraylib's IUPAC macros.
_SIEGBAHN = {
    "Kα": (xraylib.KL3_LINE, xraylib.KL2_LINE),
    "Kβ": (xraylib.KM3_LINE, xraylib.KM2_LINE, xraylib.KN3_LINE, xraylib.KN2_LINE),
    "Lα": (xraylib.L3M5_LINE, xraylib.L3M4_LINE),
    "Lβ": (
        xraylib.L2M4_LINE,
        xraylib.L3N5_LINE,
        xraylib.L1M3_LINE,
        xraylib.L1M2_LINE,
    ),
    "Lγ": (xraylib.L2N4_LINE, xraylib.L1N3_LINE, xraylib.L1N2_LINE),
    "Ll": (xraylib.L3M1_LINE,),
    "Mα": (xraylib.M5N7_LINE, xraylib.M5N6_LINE),
    "Mβ": (xraylib.M4N6_LINE,),
}
# Excitation at which the strengths of an element's lines are compared for naming.
_REFERENCE_EXCITATION_KEV = 40.0


@dataclass(frozen=True)
class EmissionLine:
    """A named line (several close transitions together).

    Parameters
    ----------
    element
        Element symbol.
    label
        Name such as ``Fe Kα``.
    energy_keV
        Intensity-weighted mean energy.
    strength
        Production cross section at 40 keV in cm²/g, to rank lines of one element.
    """

    element: str
    label: str
    energy_keV: float
    strength: float


@functools.cache
def named_lines(symbol: str) -> tuple[EmissionLine, ...]:
    """Return an element's named lines above 0.1 keV, strongest first."""
    number = atomic_number(symbol)
    excitation = np.array([_REFERENCE_EXCITATION_KEV])
    lines = []
    for name, macros in _SIEGBAHN.items():
        codes = np.array(macros)
        strengths = np.asarray(
            xraylib_np.CS_FluorLine_Kissel_Cascade(np.array([number]), codes, excitation)
        )[0, :, 0]
        energies = np.asarray(xraylib_np.LineEnergy(np.array([number]), codes))[0]
        total = float(strengths.sum())
        if total <= 0:
            continue
        energy = float(strengths @ energies / total)
        if energy > 0.1:
            lines.append(EmissionLine(symbol, f"{symbol} {name}", energy, total))
    return tuple(sorted(lines, key=lambda line: -line.strength))


def transitions_of_line(line: EmissionLine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energies in keV of the transitions that a named line joins, and their shares in it."""
    number = np.array([atomic_number(line.element)])
    codes = np.array(_SIEGBAHN[line.label.split(" ", 1)[1]])
    energies = np.asarray(xraylib_np.LineEnergy(number, codes))[0]
    strengths = np.asarray(
        xraylib_np.CS_FluorLine_Kissel_Cascade(number, codes, np.array([_REFERENCE_EXCITATION_KEV]))
    )[0, :, 0]
    there = (strengths > 0) & (energies > 0)
    return energies[there], strengths[there] / strengths[there].sum()


def main_lines(symbol: str, *, low_keV: float, high_keV: float) -> list[EmissionLine]:
    """Return an element's named lines between two energies, strongest first."""
    return [line for line in named_lines(symbol) if low_keV <= line.energy_keV <= high_keV]
