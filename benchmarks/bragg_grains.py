"""Bragg peaks of simulated grains: how high they stand, and what they do to the shipped model.

    python -m benchmarks.bragg_grains [MODEL]

First the heights over the scattered continuum that `synthesis.distortions.bragg` draws from; then
how often spectra of natural compositions, thinned to 3 000 counts, are named right with and without
the peaks of a grain in random orientation. Own simulation throughout; takes some three minutes.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
from scipy.signal import find_peaks

from lithoscope.core.energy import EnergyAxis
from lithoscope.inference.predict import Predictor
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.diffraction import bragg_counts_from_grain, orientation_from_seed
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.source import source_from_instrument
from lithoscope.workflows.simulate import simulate

MEASURED = [
    "quartz",
    "calcite",
    "orthoclase",
    "pyrite",
    "galena",
    "hematite",
    "muscovite",
    "fluorite",
    "almandine",
    "zircon",
]
NAMED = [
    "quartz",
    "orthoclase",
    "albite",
    "calcite",
    "dolomite",
    "muscovite",
    "fluorite",
    "pyrite",
    "hematite",
    "almandine",
    "spodumene",
    "diopside",
    "forsterite",
    "gypsum",
    "baryte",
    "fluorapatite",
    "rutile",
    "zircon",
    "magnetite",
    "schorl",
]
ORIENTATIONS, GRAINS, DRAWS, COUNTS = 6, 3, 20, 3000
LOWEST_HEIGHT = 0.3


def heights_of_peaks(name: str) -> np.ndarray:
    """Energy and height over the continuum of each peak of some grains, shape (peak, 2)."""
    machine = dataclasses.replace(load_instrument("m4-tornado"), axis=EnergyAxis(0, 0.02, 1024))
    mineral, energies = load_library().get(name), machine.axis.energies_keV
    emission = emission_from_sample(
        composition=mineral.composition,
        instrument=machine,
        source=source_from_instrument(instrument=machine),
    )
    photons = np.concatenate([emission.rayleigh_photons, emission.compton_photons])
    continuum = photons @ counts_per_photon(
        instrument=machine,
        energies_keV=np.concatenate([emission.rayleigh_keV, emission.compton_keV]),
        edges_keV=machine.axis.edges_keV,
    )
    inside = (energies > 2.3) & (energies < 13)
    found = []
    for seed in range(ORIENTATIONS):
        peaks = bragg_counts_from_grain(
            mineral=mineral,
            composition=mineral.composition,
            orientation=orientation_from_seed(seed=seed),
            instrument=machine,
        )
        ratio = peaks / continuum * inside
        places, _ = find_peaks(ratio, height=LOWEST_HEIGHT)
        found += [(energies[place], ratio[place]) for place in places]
    return np.array(found)


def print_heights() -> None:
    """Print peaks a grain and quantiles of their heights, by energy."""
    found = np.concatenate([heights_of_peaks(name) for name in MEASURED])
    grains = len(MEASURED) * ORIENTATIONS
    print(f"{len(found) / grains:.1f} peaks a grain above {LOWEST_HEIGHT} of the continuum")
    for low, high in ((2.3, 4), (4, 6), (6, 8), (8, 10), (10, 13)):
        heights = found[(found[:, 0] > low) & (found[:, 0] < high), 1]
        quantiles = ", ".join(f"{value:.2f}" for value in np.quantile(heights, [0.1, 0.5, 0.9, 1]))
        print(f"{low:g} to {high:g} keV: {heights.size / grains:.1f} a grain, heights {quantiles}")


def share_named_right(model: str, *, bragg: bool) -> float:
    """Share of draws that are named right."""
    checkpoint = find_checkpoint(model)
    predictor = Predictor(checkpoint, load_instrument("m4-tornado").axis)
    rng = np.random.default_rng(0)
    right = []
    for name in NAMED:
        for seed in range(GRAINS):
            expected = simulate(name, sampled=True, seed=seed, bragg=bragg).counts
            drawn = rng.poisson(COUNTS * expected / expected.sum(), (DRAWS, expected.size))
            right.append(np.mean(predictor(drawn).classes == checkpoint.labels.index_of(name)))
    return float(np.mean(right))


def main() -> None:
    """Measure and print."""
    model = sys.argv[1] if len(sys.argv) > 1 else "default"
    print_heights()
    for bragg in (False, True):
        share = share_named_right(model, bragg=bragg)
        print(f"{'with' if bragg else 'without'} Bragg peaks {share:.1%} named right")


if __name__ == "__main__":
    main()
