"""Pile-up, zero peak and stray lines."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Detector, Instrument, StrayLine
from lithoscope.errors import InstrumentError
from lithoscope.physics.own_signals import stray_from_counts, zero_peak_from_detector
from lithoscope.physics.pileup import pileup_from_rates

AXIS = EnergyAxis(-0.955, 0.01, 4096)


def peak(energy, rate):
    return rate * np.exp(-(((AXIS.energies_keV - energy) / 0.06) ** 2)) * 0.01 / 0.1063


def test_sum_peak_stands_at_the_sum_with_the_expected_rate():
    rates = peak(6.4, 20_000.0) + peak(3.69, 5_000.0)
    recorded = pileup_from_rates(counts_per_s=rates, axis=AXIS, pulse_pair_resolution_ns=80)
    energies = AXIS.energies_keV
    for energy, expected in ((12.8, 20_000.0**2), (10.09, 2 * 20_000.0 * 5_000.0)):
        near = np.abs(energies - energy) < 0.3
        piled = recorded[near]
        # Of n counts, 2 n t are lost to pairs; terms of the next order are n t.
        assert piled.sum() == pytest.approx(80e-9 * expected, rel=0.01)
        assert piled @ energies[near] / piled.sum() == pytest.approx(energy, abs=2e-3)


@given(st.floats(0, 500), st.floats(1, 1e6))
def test_pile_up_conserves_energy_and_loses_counts(resolution, rate):
    rates = peak(5.0, rate) + peak(9.0, rate / 3)
    recorded = pileup_from_rates(counts_per_s=rates, axis=AXIS, pulse_pair_resolution_ns=resolution)
    assert recorded @ AXIS.energies_keV == pytest.approx(rates @ AXIS.energies_keV, rel=1e-6)
    total = rates.sum()
    alone = np.exp(-2 * total * resolution * 1e-9)
    assert recorded.sum() == pytest.approx(total * (1 + alone) / 2, rel=1e-6)


def test_zero_resolution_changes_nothing():
    rates = peak(5.0, 1e5)
    recorded = pileup_from_rates(counts_per_s=rates, axis=AXIS, pulse_pair_resolution_ns=0)
    np.testing.assert_array_equal(recorded, rates)


def test_zero_peak_is_as_wide_as_the_noise():
    detector = Detector(noise_keV=0.0755, zero_peak_per_s=9970)
    counts = zero_peak_from_detector(detector=detector, edges_keV=AXIS.edges_keV)
    assert counts.sum() == pytest.approx(9970)
    width = np.sqrt(counts @ AXIS.energies_keV**2 / counts.sum())
    assert 2.3548 * width == pytest.approx(0.0755, rel=0.01)


def test_stray_lines_have_their_share_and_follow_what_excites_them():
    machine = Instrument("m", axis=AXIS, stray_lines=(StrayLine("Ni", 1e-3),))
    counts = peak(15.0, 1e6) + peak(5.0, 1e6)
    stray = stray_from_counts(counts=counts, instrument=machine, edges_keV=AXIS.edges_keV)
    assert stray.sum() == pytest.approx(1e-3 * 1e6, rel=1e-3)
    energies = AXIS.energies_keV
    assert energies[stray.argmax()] == pytest.approx(7.478, abs=0.01)
    beta = stray[np.abs(energies - 8.265) < 0.1].sum()
    # Measured behind 630 µm of Al: 0.134 ± 0.025.
    assert beta / stray[np.abs(energies - 7.47) < 0.15].sum() == pytest.approx(0.134, abs=0.03)
    soft = stray_from_counts(counts=peak(5.0, 1e6), instrument=machine, edges_keV=AXIS.edges_keV)
    assert soft.sum() < 1e-6


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: StrayLine("Ni", 1.5), "share of the stray Ni"),
        (lambda: Detector(pulse_pair_resolution_ns=-1.0), "pulse_pair_resolution_ns"),
        (lambda: Detector(zero_peak_per_s=np.nan), "zero_peak_per_s"),
        (lambda: Detector(electron_loss=-0.1), "electron_loss"),
    ],
)
def test_impossible_values_are_refused(make, said):
    with pytest.raises(InstrumentError, match=said):
        make()


def test_stray_elements_are_elements():
    with pytest.raises(Exception, match="Xx"):
        dataclasses.replace(Instrument("m"), stray_lines=(StrayLine("Xx", 1e-3),))


@pytest.mark.parametrize("element", ["H", "U"])
def test_stray_lines_that_cannot_be_seen_are_refused(element):
    machine = Instrument("m", axis=AXIS, stray_lines=(StrayLine(element, 1e-3),))
    with pytest.raises(InstrumentError, match=f"name {element}, of whose K lines"):
        stray_from_counts(counts=peak(5.0, 1e6), instrument=machine, edges_keV=AXIS.edges_keV)
