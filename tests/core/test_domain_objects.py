"""Every domain object refuses what cannot be."""

import numpy as np
import pytest

from lithoscope.core.composition import Composition
from lithoscope.core.elements import atomic_number, symbols
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import (
    Atmosphere,
    Detector,
    Geometry,
    Instrument,
    Layer,
    Polycapillary,
    Tube,
)
from lithoscope.core.labels import Group, LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.core.scan import Scan
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InstrumentError, InvalidValueError, LithoscopeError, MineralError

AXIS = EnergyAxis(0.0, 0.01, 8)


def test_elements():
    assert atomic_number("Si") == 14
    assert symbols()[25] == "Fe"
    with pytest.raises(InvalidValueError, match="'Xx'"):
        atomic_number("Xx")


def test_composition_from_moles_is_by_weight():
    quartz = Composition.from_moles({"Si": 1, "O": 2})
    assert quartz.mass_fractions["Si"] == pytest.approx(0.4674, abs=1e-4)
    assert quartz.elements == ("O", "Si")


def test_composition_near_one_is_normalised_with_a_warning():
    with pytest.warns(UserWarning, match="normalised"):
        composition = Composition({"Fe": 0.98})
    assert composition.mass_fractions == {"Fe": 1.0}


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({}, "empty"),
        ({"Fe": 0.0}, "empty"),
        ({"Fe": 0.9}, "sum to 0.9"),
        ({"Fe": 1.1}, "sum to 1.1"),
        ({"Fe": 1.2, "O": -0.2}, "mass fraction of O"),
        ({"Fe": np.nan}, "mass fraction of Fe"),
        ({"Zz": 1.0}, "Zz"),
    ],
)
def test_impossible_compositions(fractions, message):
    with pytest.raises(InvalidValueError, match=message):
        Composition(fractions)


@pytest.mark.parametrize("moles", [{}, {"Fe": 0}, {"Fe": -1}, {"Fe": np.inf}])
def test_impossible_moles(moles):
    with pytest.raises(InvalidValueError):
        Composition.from_moles(moles)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Layer("Be", -1.0, 1.85), "thickness_um"),
        (lambda: Layer("Be", 1.0, 0.0), "density_g_cm3"),
        (lambda: Tube(anode="Fe"), "anode 'Fe'"),
        (lambda: Tube(voltage_kV=2.0), "voltage_kV"),
        (lambda: Tube(current_mA=0.0), "current_mA"),
        (lambda: Tube(take_off_angle_deg=0.0), "take_off_angle_deg"),
        (lambda: Polycapillary(0.0, 11.0, 4.0), "rise"),
        (lambda: Polycapillary(1.0, np.nan, 4.0), "fall_keV"),
        (lambda: Polycapillary(4.0, 9.0, 4.0), "steepness above the rise"),
        (lambda: Geometry(incidence_deg=0.0), "incidence_deg"),
        (lambda: Geometry(take_off_deg=91.0), "take_off_deg"),
        (lambda: Geometry(51, 51, 30), "scattering_angle_deg"),
        (lambda: Geometry(solid_angle_sr=0.0), "solid_angle_sr"),
        (lambda: Atmosphere("argon"), "argon"),
        (lambda: Atmosphere("air", pressure_mbar=-1), "pressure_mbar"),
        (lambda: Detector(thickness_um=0.0), "thickness_um"),
        (lambda: Detector(dead_layer_um=-1.0), "dead_layer_um"),
        (lambda: Detector(tail_fraction=0.9), "tail_fraction"),
        (lambda: Instrument(" "), "no name"),
    ],
)
def test_impossible_instruments(make, message):
    with pytest.raises(InstrumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Quartz"}, "lower case"),
        ({"kind": "rock"}, "kind 'rock'"),
        ({"density_g_cm3": 0.0}, "density"),
        ({"end_members": {"SiO2": (0.5, 0.2)}}, "ranges from"),
        ({"end_members": {"SiO2": (0.1, 0.2)}}, "sum to"),
        ({"traces": {"Ti": (0.0, 0.1)}}, "trace Ti"),
        ({"traces": {"Qq": (0.01, 0.1)}}, "Qq"),
        ({"formula": "SiO2)"}, "."),
    ],
)
def test_impossible_minerals(change, message):
    facts = {"name": "quartz", "formula": "SiO2", "density_g_cm3": 2.65}
    with pytest.raises(LithoscopeError, match=message):
        Mineral(**{**facts, **change})


def test_labels():
    labels = LabelSet((Group(("spodumene", "pyrophyllite")), Group(("quartz",))))
    assert labels.labels == ("spodumene/pyrophyllite", "quartz")
    assert labels.index_of("pyrophyllite") == 0
    assert labels.indices_of(["quartz", "spodumene", "pyrophyllite"]) == (0, 1)
    with pytest.raises(MineralError, match=r"quartz(.|\n)*lithoscope train"):
        labels.index_of("quarz")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Group(()),
        lambda: Group(("quartz", "quartz")),
        lambda: LabelSet(()),
        lambda: LabelSet((Group(("quartz",)), Group(("quartz", "albite")))),
    ],
)
def test_impossible_labels(make):
    with pytest.raises(InvalidValueError):
        make()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.zeros(7), "shape"),
        (np.full(8, -1), "-1"),
        (np.full(8, np.nan), "NaN"),
        (np.array(["a"] * 8), "type"),
    ],
)
def test_impossible_spectra(counts, message):
    with pytest.raises(InvalidValueError, match=message):
        Spectrum(counts, AXIS)


def test_a_spectrum_cannot_be_altered():
    counts = np.arange(8)
    spectrum = Spectrum(counts, AXIS)
    counts[0] = 99
    assert spectrum.counts[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        spectrum.counts[0] = 5
    with pytest.raises(InvalidValueError, match="live time"):
        Spectrum(counts, AXIS, live_time_s=0.0)


def test_scan_gives_rows_and_pixels():
    counts = np.arange(5 * 3 * 8).reshape(5, 3, 8)
    scan = Scan.from_counts(counts, AXIS, pixel_size_mm=(0.1, 0.2))
    blocks = list(scan.blocks(rows=2))
    assert [first for first, _ in blocks] == [0, 2, 4]
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), counts)
    np.testing.assert_array_equal(scan.spectrum(4, 2).counts, counts[4, 2])
    np.testing.assert_allclose(scan.coordinates_mm[1], [0, 0.2, 0.4])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Scan((0, 3), AXIS, lambda a, b: np.zeros((b - a, 3, 8))),
        lambda: Scan((2, 3), AXIS, lambda a, b: np.zeros(1), pixel_size_mm=(0.1, 0.0)),
        lambda: Scan.from_counts(np.zeros((2, 2)), AXIS),
        lambda: Scan.from_counts(np.zeros((2, 2, 7)), AXIS),
        lambda: Scan.from_counts(np.zeros((2, 2, 8)), AXIS).spectrum(2, 0),
        lambda: next(Scan.from_counts(np.zeros((2, 2, 8)), AXIS).blocks(rows=0)),
        lambda: next(Scan((2, 3), AXIS, lambda a, b: np.zeros((b - a, 2, 8))).blocks()),
    ],
)
def test_impossible_scans(make):
    with pytest.raises(InvalidValueError):
        make()
