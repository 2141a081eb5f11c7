"""Rh Kα scattered off six minerals against XMI-MSIM, before convolution with the detector."""

import json
from pathlib import Path

import numpy as np
import pytest

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Detector, Geometry, Instrument, Layer
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.simulate import counts_from_emission

DATA = Path(__file__).parents[1] / "data" / "reference"
REFERENCE = json.loads((DATA / "xmimsim_scatter.json").read_text())
MINERALS = REFERENCE["minerals"]
RH_KA_KEV = (20.0737, 20.2161)


@pytest.fixture(scope="module")
def instrument():
    """The Monte Carlo's geometry and crystal, with peaks narrower than a channel."""
    return Instrument(
        "XMI-MSIM",
        geometry=Geometry(51, 51, 102, 0.03307),
        detector=Detector(
            thickness_um=450,
            dead_layer_um=0,
            window=(Layer("Be", 8, 1.848),),
            noise_keV=1e-3,
            fano=1e-6,
        ),
    )


@pytest.fixture(scope="module")
def spectra(instrument, xmimsim_source):
    """Our counts from 17 to 21 keV on the Monte Carlo's channels, by mineral."""
    channels = REFERENCE["channels"]
    energies = channels["first_keV"] + channels["step_keV"] * np.arange(channels["n"])
    energies = energies[(energies > 17) & (energies < 21)]
    edges = np.append(energies, energies[-1] + channels["step_keV"]) - channels["step_keV"] / 2
    counts = {}
    for name, stored in MINERALS.items():
        emission = emission_from_sample(
            composition=composition_from_formula(stored["formula"]),
            instrument=instrument,
            source=xmimsim_source,
            mass_thickness_g_cm2=stored["g_cm2"],
        )
        counts[name] = counts_from_emission(
            emission=emission, instrument=instrument, edges_keV=edges
        )
    return energies, counts


@pytest.mark.parametrize("mineral", sorted(MINERALS))
def test_rayleigh_peak(mineral, spectra):
    energies, counts = spectra
    total = 0.0
    for line in RH_KA_KEV:
        distance = np.abs(energies - line)
        near, beside = distance < 0.02, (distance > 0.025) & (distance < 0.055)
        total += counts[mineral][near].sum() - near.sum() * counts[mineral][beside].mean()
    assert total == pytest.approx(MINERALS[mineral]["rayleigh_rh_ka"], rel=0.15)


@pytest.mark.parametrize("mineral", sorted(MINERALS))
def test_compton_peak(mineral, spectra):
    energies, counts = spectra
    low, high = REFERENCE["compton_keV"]
    within = (energies > low) & (energies < high)
    total = counts[mineral][within].sum()
    assert total == pytest.approx(MINERALS[mineral]["compton_rh_ka"], rel=0.15)
