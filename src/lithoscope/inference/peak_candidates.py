"""What a peak at an energy may be: elements, and artefacts that only look like one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xraylib
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number
from lithoscope.core.instrument import Instrument
from lithoscope.physics.detector import escape_energy_keV
from lithoscope.physics.lines import EmissionLine, main_lines
from lithoscope.physics.scatter import compton_energy_from_angle
from lithoscope.preprocess.resolution import fwhm_in_bins

FloatArray = NDArray[np.float64]

# Elements that occur in samples: no short-lived ones, and of the gases argon alone, from air.
_ELEMENTS = (
    *("Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe"),
    *("Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Rb", "Sr", "Y", "Zr", "Nb", "Mo"),
    *("Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Cs", "Ba", "La", "Ce", "Pr"),
    *("Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re"),
    *("Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Th", "U"),
)
# The lines that can be what is seen first of an element.
_PRINCIPAL = ("Kα", "Lα", "Lβ", "Mα")
_NEAR_FWHM = 0.6
_STRONGEST = 3
_SHELL_OF = {
    "K": xraylib.K_SHELL,
    "Lα": xraylib.L3_SHELL,
    "Lβ": xraylib.L2_SHELL,
    "M": xraylib.M5_SHELL,
}


def fwhm_at(energy_keV: float, edges_keV: FloatArray) -> float:
    """Full width at half maximum of a peak in keV."""
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    return float(np.interp(energy_keV, centres, fwhm_in_bins(edges_keV) * np.diff(edges_keV)))


def principal_lines_at(
    energy_keV: float, *, edges_keV: FloatArray, voltage_kV: float
) -> list[EmissionLine]:
    """Principal lines (Kα, Lα, Lβ, Mα) within 0.6 FWHM that the tube can excite, nearest first.

    Parameters
    ----------
    energy_keV
        Where the peak is.
    edges_keV
        Bin edges, shape (bin + 1,); they tell the resolution.
    voltage_kV
        Of the tube.
    """
    reach = _NEAR_FWHM * fwhm_at(energy_keV, edges_keV)
    found = [
        line
        for symbol in _ELEMENTS
        for line in main_lines(symbol, low_keV=energy_keV - reach, high_keV=energy_keV + reach)
        if line.label.split(" ")[1] in _PRINCIPAL and _edge_keV(line) < voltage_kV
    ]
    return sorted(found, key=lambda line: abs(line.energy_keV - energy_keV))


def artefacts_at(
    energy_keV: float,
    *,
    counts: FloatArray,
    edges_keV: FloatArray,
    instrument: Instrument,
) -> list[str]:
    """Say what else than an element's line may stand at an energy.

    Escape peaks of the spectrum's three strongest peaks, their sums, and the tube's scattered
    lines, each within 0.6 FWHM.

    Parameters
    ----------
    energy_keV
        Where the peak is.
    counts
        The measured spectrum, shape (bin,).
    edges_keV
        Bin edges, shape (bin + 1,).
    instrument
        Its tube and geometry.
    """
    reach = _NEAR_FWHM * fwhm_at(energy_keV, edges_keV)
    peaks = _strongest_peaks(counts, edges_keV)
    silicon_edge = float(xraylib.EdgeEnergy(14, xraylib.K_SHELL))
    places = [
        (f"escape peak of {peak:.2f} keV", peak - escape_energy_keV())
        for peak in peaks
        if peak > silicon_edge
    ]
    places += [
        (f"sum peak {one:.2f} + {other:.2f} keV", one + other)
        for place, one in enumerate(peaks)
        for other in peaks[place:]
    ]
    angle = instrument.geometry.scattering_angle_deg
    for line in main_lines(instrument.tube.anode, low_keV=1.0, high_keV=instrument.tube.voltage_kV):
        shifted = compton_energy_from_angle(
            energies_keV=np.array([line.energy_keV]), angle_deg=angle
        )
        places.append((f"scattered {line.label} of the tube", line.energy_keV))
        places.append((f"Compton-scattered {line.label} of the tube", float(shifted[0])))
    return [name for name, place in places if abs(place - energy_keV) < reach]


def _strongest_peaks(counts: FloatArray, edges_keV: FloatArray) -> Sequence[float]:
    """Energies of the highest local maxima of the counts per keV, strongest first."""
    smooth = np.convolve(counts, np.ones(3) / 3, "same")
    is_peak = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])
    places = np.flatnonzero(is_peak) + 1
    best = places[np.argsort(-smooth[places])][:_STRONGEST]
    return [float((edges_keV[place] + edges_keV[place + 1]) / 2) for place in best]


def _edge_keV(line: EmissionLine) -> float:
    family = line.label.split(" ")[1]
    shell = _SHELL_OF.get(family, _SHELL_OF.get(family[0]))
    return float(xraylib.EdgeEnergy(atomic_number(line.element), shell))
