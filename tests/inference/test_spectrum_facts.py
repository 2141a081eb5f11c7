"""Voltage and visible elements, on spectra whose truth is known."""

import dataclasses

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry, Instrument, Polycapillary, Tube
from lithoscope.inference.elements import (
    net_counts_from_window,
    visible_lines,
    window_of_line,
)
from lithoscope.inference.voltage import voltage_from_spectrum
from lithoscope.physics.lines import main_lines, named_lines
from lithoscope.physics.simulate import spectrum_from_composition

MACHINE = Instrument(
    "test",
    optic=Polycapillary(1.2, 9.0, 4.4),
    geometry=Geometry(50, 50, 130),
    axis=EnergyAxis(0.0, 0.02, 2048),
)


def measured(formula, voltage=50.0, counts=1e6):
    machine = dataclasses.replace(MACHINE, tube=Tube(voltage_kV=voltage))
    expected = spectrum_from_composition(
        composition=composition_from_formula(formula), instrument=machine
    )
    return np.random.default_rng(0).poisson(expected * counts / expected.sum())


@pytest.mark.parametrize("voltage", [15.0, 28.0, 35.0])
def test_voltage_is_where_the_spectrum_ends(voltage):
    counts = measured("C5H8O2", voltage, counts=1e8)
    assert voltage_from_spectrum(counts=counts, axis=MACHINE.axis) == pytest.approx(voltage, abs=2)


def test_a_spectrum_without_an_end_tells_no_voltage():
    assert voltage_from_spectrum(counts=np.ones(2048) * 100, axis=MACHINE.axis) is None
    assert voltage_from_spectrum(counts=np.zeros(2048), axis=MACHINE.axis) is None


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("KAlSi3O8", {"K", "Al", "Si"}),
        ("CaMgSi2O6", {"Ca", "Mg", "Si"}),
        ("CuFeS2", {"Cu", "Fe", "S"}),
        ("BaSO4", {"Ba", "S"}),
        ("FeTiO3", {"Fe", "Ti"}),
        ("PbS", {"Pb"}),
    ],
)
def test_elements_of_a_mineral_are_found_and_no_others(formula, expected):
    windows = visible_lines(
        counts=measured(formula),
        axis=MACHINE.axis,
        detector=MACHINE.detector,
        exclude=("Rh",),
    )
    found = {window.line.element for window in windows}
    assert expected <= found
    assert len(found - expected) <= 1, found


def test_net_counts_subtract_a_sloping_background():
    axis = EnergyAxis(0.0, 0.01, 2048)
    line = main_lines("Fe", low_keV=1, high_keV=10)[0]
    window = window_of_line(line=line, axis=axis, detector=MACHINE.detector)
    background = 50 - 2.0 * axis.energies_keV
    net, variance = net_counts_from_window(counts=background, window=window)
    assert net == pytest.approx(0, abs=0.5)
    first, last = window.peak
    background[(first + last) // 2] += 700
    assert net_counts_from_window(counts=background, window=window)[0] == pytest.approx(700, abs=1)
    assert variance > 0


@pytest.mark.parametrize(
    ("symbol", "label", "energy"),
    # Bearden (1967), Rev. Mod. Phys. 39, 78, weighted means of the doublets.
    [("Fe", "Fe Kα", 6.399), ("Si", "Si Kα", 1.740), ("Pb", "Pb Lα", 10.54), ("Au", "Au Mα", 2.12)],
)
def test_named_lines_stand_where_tables_say(symbol, label, energy):
    lines = {line.label: line.energy_keV for line in named_lines(symbol)}
    assert lines[label] == pytest.approx(energy, abs=0.012)
