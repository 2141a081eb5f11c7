"""Our lines and scatter beside XMI-MSIM's, with its source, geometry and detector.

Spectra are compared before convolution (after window, crystal and escape), so that nothing hangs on
the shape of the response.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xraylib
from numpy.typing import NDArray

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Atmosphere, Detector, Geometry, Instrument, Layer
from lithoscope.physics.emission import Emission, emission_from_sample
from lithoscope.physics.simulate import counts_from_emission
from lithoscope.physics.source import Source

FloatArray = NDArray[np.float64]

LINE_GOAL, SCATTER_GOAL = 0.05, 0.15
# Lines from this share of the strongest are main lines.
_WEAKEST = 0.02
_RH_KA_KEV = (20.0737, 20.2161)
# Ranges of scatter in keV; the tube's K lines alone and the continuum beside them. None holds a
# line of the sample, for any of the six, but those that `_FREE` does not list.
RANGES = {
    "Compton Rh Kα": (18.2, 19.9),
    "continuum 8.5 to 10": (8.5, 10.0),
    "continuum 10 to 12": (10.0, 12.0),
    "continuum 16.2 to 17.5": (16.2, 17.5),
    "continuum 24 to 30": (24.0, 30.0),
}
_TAKEN = {
    ("chalcopyrite", "continuum 8.5 to 10"),
    ("galena", "continuum 8.5 to 10"),
    ("galena", "continuum 10 to 12"),
    ("zircon", "continuum 16.2 to 17.5"),
}
INSTRUMENT = Instrument(
    "XMI-MSIM",
    geometry=Geometry(51, 51, 102, 0.03307),
    atmosphere=Atmosphere("vacuum"),
    detector=Detector(
        thickness_um=450,
        dead_layer_um=0,
        window=(Layer("Be", 8, 1.848),),
        # Peaks narrower than a channel: the spectra are not convolved.
        noise_keV=1e-3,
        fano=1e-6,
    ),
)
_THICKNESS_CM = 0.5


@dataclass(frozen=True)
class Ratio:
    """Ours over XMI-MSIM's for one quantity of one mineral; `counts` are XMI-MSIM's per second."""

    mineral: str
    quantity: str
    energy_keV: float
    counts: float
    ratio: float


def xmimsim_source(folder: Path) -> Source:
    """Rh 50 kV, exactly as the Monte Carlo had it."""
    with np.load(folder / "source.npz", allow_pickle=False) as file:
        edges = np.concatenate([np.arange(1, 12, 0.02), np.arange(12, 50.01, 0.05)])
        middles = (edges[1:] + edges[:-1]) / 2
        flux = np.interp(middles, file["cont_energy_keV"], file["cont_photons_per_s_per_keV"])
        energies = np.concatenate([middles, file["line_energy_keV"]])
        photons = np.concatenate([flux * np.diff(edges), file["line_photons_per_s"]])
    return Source(energies, photons, np.arange(energies.size) >= middles.size)


def _efficiency(energies_keV: FloatArray) -> FloatArray:
    """Window and crystal; XMI-MSIM counts scatter in the silicon as absorption."""
    window = np.array([xraylib.CS_Total_Kissel(4, energy) for energy in energies_keV])
    silicon = np.array([xraylib.CS_Total_Kissel(14, energy) for energy in energies_keV])
    return np.exp(-window * 1.848 * 8e-4) * -np.expm1(-silicon * 2.33 * 0.045)


def _lines(
    mineral: str, named: dict, elements: tuple[str, ...], emission: Emission
) -> Iterator[Ratio]:
    counts = emission.line_photons * _efficiency(emission.lines.energies_keV)
    rows = [
        (line["intensity"], symbol, name, line["energy_keV"])
        for symbol, lines in named.items()
        for name, line in lines.items()
    ]
    strongest = max(rows)[0]
    for intensity, symbol, name, energy in sorted(rows, reverse=True):
        if intensity < _WEAKEST * strongest:
            break
        chosen = (emission.lines.elements == elements.index(symbol)) & (
            emission.lines.macros == getattr(xraylib, f"{name}_LINE")
        )
        yield Ratio(
            mineral, f"{symbol} {name}", energy, intensity, counts[chosen].sum() / intensity
        )


def rayleigh_peak(energies_keV: FloatArray, counts: FloatArray) -> float:
    """Counts of Rh Kα above the channels beside, in a spectrum that is not convolved."""
    total = 0.0
    for line in _RH_KA_KEV:
        distance = np.abs(energies_keV - line)
        near = distance < 0.02
        beside = (distance > 0.025) & (distance < 0.055)
        total += counts[near].sum() - near.sum() * counts[beside].mean()
    return float(total)


def _scatter(mineral: str, energies_keV: FloatArray, ours: FloatArray, theirs: FloatArray):
    counted = rayleigh_peak(energies_keV, theirs)
    yield Ratio(
        mineral, "Rayleigh Rh Kα", 20.17, counted, rayleigh_peak(energies_keV, ours) / counted
    )
    for name, (low, high) in RANGES.items():
        if (mineral, name) not in _TAKEN:
            within = (energies_keV > low) & (energies_keV < high)
            counted = theirs[within].sum()
            yield Ratio(mineral, name, (low + high) / 2, counted, ours[within].sum() / counted)


def xmimsim_ratios(folder: Path) -> list[Ratio]:
    """Main lines, Rayleigh and Compton peaks and continuum of all six minerals."""
    source = xmimsim_source(folder)
    named = json.loads((folder / "lines.json").read_text(encoding="utf-8"))
    with np.load(folder / "minerals.npz", allow_pickle=False) as file:
        stored = {key: file[key] for key in file.files}
    fine = stored["energies_fine_keV"]
    step = fine[1] - fine[0]
    edges = np.append(fine - step / 2, fine[-1] + step / 2)
    ratios: list[Ratio] = []
    for row, name in enumerate(stored["names"].tolist()):
        composition = composition_from_formula(str(stored["formulas"][row]))
        emission = emission_from_sample(
            composition=composition,
            instrument=INSTRUMENT,
            source=source,
            mass_thickness_g_cm2=float(stored["densities"][row]) * _THICKNESS_CM,
        )
        ours = counts_from_emission(emission=emission, instrument=INSTRUMENT, edges_keV=edges)
        ratios += _lines(name, named[name]["lines"], composition.elements, emission)
        ratios += _scatter(name, fine, ours, stored["spectra_unconvolved"][row])
    return ratios


def store_scatter(folder: Path, path: Path) -> None:
    """Store what tests compare with: XMI-MSIM's scatter of Rh Kα, in counts per second."""
    with np.load(folder / "minerals.npz", allow_pickle=False) as file:
        stored = {key: file[key] for key in file.files}
    fine = stored["energies_fine_keV"]
    low, high = RANGES["Compton Rh Kα"]
    within = (fine > low) & (fine < high)
    minerals = {
        name: {
            "formula": str(formula),
            "g_cm2": round(float(density) * _THICKNESS_CM, 4),
            "rayleigh_rh_ka": round(rayleigh_peak(fine, spectrum), 3),
            "compton_rh_ka": round(float(spectrum[within].sum()), 3),
        }
        for name, formula, density, spectrum in zip(
            stored["names"].tolist(),
            stored["formulas"],
            stored["densities"],
            stored["spectra_unconvolved"],
            strict=True,
        )
    }
    reference = {
        "origin": "XMI-MSIM 8.1, computed for this project, before convolution; Monte Carlo error "
        "1 to 2 %. Source: xmimsim_source.npz; 51 degrees in and out, 102 scattered, 0.03307 sr, "
        "8 µm Be, 0.45 mm Si. Written by python -m benchmarks.physics",
        "compton_keV": [low, high],
        "channels": {
            "first_keV": float(fine[0]),
            "step_keV": float(fine[1] - fine[0]),
            "n": fine.size,
        },
        "minerals": minerals,
    }
    text = json.dumps(reference, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
