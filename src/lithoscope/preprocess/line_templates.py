"""Shapes that the lines of elements, and the tube's scatter, would have in a spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number
from lithoscope.core.instrument import Instrument
from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.physics.detector import efficiency_from_detector, response_from_energies
from lithoscope.physics.lines import EmissionLine, named_lines, transitions_of_line
from lithoscope.physics.scatter import compton_energy_from_angle

# Elements that minerals and their common accessories are made of. Others would only stand in for
# these when the axis is off.
_ELEMENTS = (
    *("Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni"),
    *("Cu", "Zn", "As", "Br", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Ag", "Sn", "Sb", "Te", "Cs"),
    *("Ba", "La", "Ce", "Nd", "Ta", "W", "Au", "Hg", "Pb", "Bi", "Th", "U"),
)
# The L lines of lighter elements lie among the K lines of light ones, and are weak beside their own
# K lines; so do the M lines of tantalum and tungsten, within 35 eV of silicon.
_L_FROM_Z, _M_FROM_Z = 38, 79
_HIGHEST_L_KEV = 30.0
# Peaks that Compton scatter broadens, in eV (FWHM) beyond the resolution, at 20 keV.
_COMPTON_FWHM_KEV = 0.45
# Of the template grid.
STEP_KEV = 0.005


@dataclass(frozen=True, eq=False)
class LineTemplates:
    """What spectra of single families of lines look like, on a fine grid of true energies.

    Parameters
    ----------
    energies_keV
        The grid, at steps of `STEP_KEV`, shape (node,).
    densities
        Counts per keV of one count of each family, shape (family, node).
    families
        Named lines of each family; none for Compton scatter.
    """

    energies_keV: NDArray[np.float64]
    densities: NDArray[np.float64]
    families: tuple[tuple[EmissionLine, ...], ...]

    def at(self, energies_keV: NDArray[np.float64]) -> NDArray[np.float64]:
        """Densities at other energies, shape (family, energy)."""
        place = (energies_keV - self.energies_keV[0]) / STEP_KEV
        below = np.clip(place.astype(np.int64), 0, self.energies_keV.size - 2)
        inside = np.clip(place - below, 0.0, 1.0)
        return (1 - inside) * self.densities[:, below] + inside * self.densities[:, below + 1]


def line_templates(instrument: Instrument, low_keV: float, high_keV: float) -> LineTemplates:
    """Make the shapes of all families that can be seen between two energies.

    Lines of one shell are in the ratios of their production at 40 keV, times the detector's
    efficiency; escape peaks and tails belong to them.
    """
    high_keV = min(high_keV, instrument.tube.voltage_kV)
    grid = np.arange(low_keV, high_keV, STEP_KEV)
    edges = np.append(grid, grid[-1] + STEP_KEV) - STEP_KEV / 2
    families = [
        lines
        for symbol in dict.fromkeys((instrument.tube.anode, *_ELEMENTS))
        for lines in _families_of(symbol, symbol == instrument.tube.anode, low_keV, high_keV)
    ]
    shapes = [_shape(instrument, lines, edges) for lines in families]
    for energy in _compton_energies(instrument, low_keV, high_keV):
        width = _COMPTON_FWHM_KEV * energy / 20 / FWHM_PER_SIGMA
        shapes.append(np.exp(-0.5 * ((grid - energy) / width) ** 2))
        families.append(())
    densities = np.array([shape / (shape.sum() * STEP_KEV) for shape in shapes])
    return LineTemplates(grid, densities, tuple(families))


def line_shape(
    instrument: Instrument, line: EmissionLine, edges_keV: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Counts of one named line in bins, of one count in all, shape (bin,)."""
    shape = _shape(instrument, (line,), edges_keV)
    return shape / shape.sum()


def _families_of(
    symbol: str, is_anode: bool, low_keV: float, high_keV: float
) -> list[tuple[EmissionLine, ...]]:
    number = atomic_number(symbol)
    shells = {"K": True, "L": number >= _L_FROM_Z or is_anode, "M": number >= _M_FROM_Z}
    found = []
    for shell, wanted in shells.items():
        lines = tuple(
            line
            for line in named_lines(symbol)
            if line.label.split(" ")[1].startswith(shell) and low_keV < line.energy_keV < high_keV
        )
        # A family whose strongest line cannot be seen is of no use.
        strongest = lines and lines[0].label[-1] == "α"
        if wanted and strongest and (shell == "K" or lines[0].energy_keV < _HIGHEST_L_KEV):
            found.append(lines)
    return found


def _shape(
    instrument: Instrument, lines: Sequence[EmissionLine], edges_keV: NDArray[np.float64]
) -> NDArray[np.float64]:
    energies, strengths = [], []
    for line in lines:
        own, shares = transitions_of_line(line)
        energies.append(own)
        strengths.append(line.strength * shares)
    at = np.concatenate(energies)
    response = response_from_energies(
        detector=instrument.detector, energies_keV=at, edges_keV=edges_keV
    )
    return np.asarray(np.concatenate(strengths) @ response)


def _compton_energies(instrument: Instrument, low_keV: float, high_keV: float) -> list[float]:
    """Energies of the Compton peaks of the tube's K lines."""
    lines = [line for line in named_lines(instrument.tube.anode) if " K" in line.label]
    angle = instrument.geometry.scattering_angle_deg
    energies = [
        float(
            compton_energy_from_angle(energies_keV=np.array([line.energy_keV]), angle_deg=angle)[0]
        )
        for line in lines
    ]
    seen = efficiency_from_detector(
        detector=instrument.detector, energies_keV=np.array(energies or [1.0])
    )
    return [
        energy
        for energy, share in zip(energies, seen, strict=False)
        if low_keV < energy < high_keV and share > 0
    ]
