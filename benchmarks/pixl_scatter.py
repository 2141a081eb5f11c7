"""What the scattered tube line of the PIXL scan says of elements that are not seen."""

# Lines of the page are as long as they are there.
# ruff: noqa: E501

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.scan import Scan
from lithoscope.io import load_instrument
from lithoscope.workflows.simulate import simulate

# Windows of the scattered Rh K alpha of the tube, in keV.
_COMPTON, _RAYLEIGH = (18.2, 19.6), (19.9, 20.6)
_TRIED = ("calcite", "dolomite", "gypsum", "colemanite", "ulexite", "fluorite", "wollastonite")


def scatter_rows(scan: Scan, matrix: NDArray[np.bool_]) -> list[list[str]]:
    """Return the ratio of Compton to Rayleigh scatter, measured in the matrix and simulated."""
    spectra = scan.read_rows(0, scan.shape[0])
    measured = spectra[matrix].sum(axis=0, dtype=np.float64)
    ratio, error = compton_to_rayleigh(measured, scan.axis.energies_keV)
    rows = [["measured, pixels called calcite", f"{ratio:.2f} ± {error:.2f}"]]
    instrument = load_instrument("pixl-breadboard")
    for name in _TRIED:
        spectrum = simulate(name, instrument=instrument)
        expected, _ = compton_to_rayleigh(spectrum.counts, spectrum.axis.energies_keV)
        rows.append([f"{name}, simulated", f"{expected:.2f}"])
    return rows


def scatter_words() -> tuple[str, str]:
    """Return what stands before and after the table."""
    before = f"""Boron and carbon are not seen, so that a calcium borate differs from calcite by little but what it scatters. That matters here: Laguna Salinas in Peru, if that is the one (the data do not say
where theirs is), is a borate playa of ulexite and inyoite in muds under volcanic ash (S. Muessig 1958, American Mineralogist 43). The Rh Kα of the tube tells: the lighter the elements, the more
of it is scattered by Compton and the less by Rayleigh, and both peaks lie so close that optics and windows hardly matter. Counts from {_COMPTON[0]} to {_COMPTON[1]} keV over those from {_RAYLEIGH[0]} to {_RAYLEIGH[1]} keV,
continuum included:"""
    after = """The error is of counting alone; simulated are ideal formulas on `pixl-breadboard`. So the matrix scatters as calcite does, and not as a borate, if scatter and geometry are simulated right. Other minerals of calcium and light elements come as close:
the ratio speaks against borates, not for calcite."""
    return before, after


def compton_to_rayleigh(
    counts: NDArray[np.floating], energies_keV: NDArray[np.floating]
) -> tuple[float, float]:
    """Return the ratio of counts in both windows, and its standard error for Poisson counts."""
    compton, rayleigh = (
        float(counts[(energies_keV >= low) & (energies_keV < high)].sum())
        for low, high in (_COMPTON, _RAYLEIGH)
    )
    ratio = compton / rayleigh
    return ratio, ratio * float(np.sqrt(1 / compton + 1 / rayleigh))
