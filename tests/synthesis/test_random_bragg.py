"""Random Bragg peaks: where they stand, how high, and that they are like those of grains."""

import dataclasses

import numpy as np
import pytest
import torch

from lithoscope.core.energy import EnergyAxis
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.diffraction import bragg_counts_from_grain, orientation_from_seed
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.source import source_from_instrument
from lithoscope.synthesis.random_bragg import PEAKS, BraggDraw, add_bragg, sample_bragg

EDGES = torch.arange(1.0, 20.0, 0.05, dtype=torch.float64)
MIDDLES = ((EDGES[:-1] + EDGES[1:]) / 2).numpy()


def fwhm(energies):
    return 0.13 + 0 * energies


def draw_of(*peaks):
    energies = torch.full((1, PEAKS), 5.0, dtype=torch.float64)
    heights = torch.zeros((1, PEAKS), dtype=torch.float64)
    for place, (energy, height) in enumerate(peaks):
        energies[0, place], heights[0, place] = energy, height
    return BraggDraw(energies, heights)


def sampled(probability, count=20_000):
    generator = torch.Generator().manual_seed(0)
    return sample_bragg(
        probability,
        lambda: torch.rand(count, generator=generator, dtype=torch.float64),
        generator,
    )


def test_a_peak_stands_where_and_as_high_as_drawn():
    flat = torch.ones((1, len(MIDDLES)))
    added = (add_bragg(flat, draw_of((8.02, 3.0)), EDGES, fwhm) - flat)[0].numpy()
    assert added.max() == pytest.approx(3.0, rel=0.02)
    centre = added @ MIDDLES / added.sum()
    assert centre == pytest.approx(8.02, abs=0.005)
    width = np.sqrt(added @ (MIDDLES - centre) ** 2 / added.sum())
    assert width == pytest.approx(np.hypot(0.13 / 2.3548, 0.012 * 8.02), rel=0.02)


def test_height_is_over_the_continuum_not_over_a_line():
    counts = 1 + 500 * np.exp(-0.5 * ((MIDDLES - 6.4) / 0.06) ** 2)
    spectrum = torch.from_numpy(counts).float()[None]
    added = (add_bragg(spectrum, draw_of((6.5, 1.0)), EDGES, fwhm) - spectrum)[0]
    assert added.max() < 2


def test_no_peaks_change_nothing():
    spectrum = torch.rand(4, len(MIDDLES))
    none = sampled(0.0, count=4)
    assert torch.equal(add_bragg(spectrum, none, EDGES, fwhm), spectrum)


def test_the_share_asked_for_shows_peaks():
    heights = sampled(0.3).heights
    assert (heights.amax(dim=1) > 0).double().mean() == pytest.approx(0.3, abs=0.02)


def test_heights_are_like_those_of_simulated_grains():
    """Highest peak of a grain between 4 and 12 keV over the scattered continuum."""
    machine = dataclasses.replace(load_instrument("m4-tornado"), axis=EnergyAxis(0, 0.04, 512))
    edges, energies = machine.axis.edges_keV, machine.axis.energies_keV
    inside = (energies > 4) & (energies < 12)
    highest = []
    for name in ("quartz", "pyrite"):
        mineral = load_library().get(name)
        emission = emission_from_sample(
            composition=mineral.composition,
            instrument=machine,
            source=source_from_instrument(instrument=machine),
        )
        scattered = np.concatenate([emission.rayleigh_keV, emission.compton_keV])
        photons = np.concatenate([emission.rayleigh_photons, emission.compton_photons])
        continuum = photons @ counts_per_photon(
            instrument=machine, energies_keV=scattered, edges_keV=edges
        )
        for seed in range(3):
            peaks = bragg_counts_from_grain(
                mineral=mineral,
                composition=mineral.composition,
                orientation=orientation_from_seed(seed=seed),
                instrument=machine,
            )
            highest.append((peaks / continuum)[inside].max())
    draw = sampled(1.0, count=2000)
    shown = torch.where(
        (draw.energies_keV > 4) & (draw.energies_keV < 12), draw.heights, torch.zeros(1)
    )
    # Drawn grains may share their pixel with others: the upper half are single ones.
    drawn = float(shown.amax(dim=1).quantile(0.75))
    assert drawn / 3 < np.median(highest) < drawn * 3
