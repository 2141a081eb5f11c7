"""The reference and the compiled simulator are one truth; polycapillary and source."""

import dataclasses

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import (
    Atmosphere,
    Detector,
    Geometry,
    Instrument,
    Layer,
    Polycapillary,
    Tube,
)
from lithoscope.errors import InstrumentError, InvalidValueError
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.physics.source import source_from_instrument, transmission_from_polycapillary

FORMULAS = ["SiO2", "LiAlSi2O6", "PbS", "C5H8O2", "(Mg0.9Fe0.1)2SiO4"]


@pytest.fixture(scope="module")
def instrument():
    return Instrument(
        "test",
        optic=Polycapillary(1.2, 9.0, 4.4),
        geometry=Geometry(51, 51, 127),
        axis=EnergyAxis(0.0, 0.04, 1024),
    )


def test_compiled_equals_reference(instrument):
    compositions = [composition_from_formula(formula) for formula in FORMULAS]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    compiled = compile_instrument(instrument=instrument, symbols=symbols)
    many = compiled.spectra(mass_fraction_matrix(compositions, symbols))
    for spectrum, composition in zip(many, compositions, strict=True):
        one = spectrum_from_composition(composition=composition, instrument=instrument)
        np.testing.assert_allclose(spectrum, one, rtol=1e-7, atol=1e-12 * one.max())


def test_single_precision_is_close_to_double(instrument):
    compositions = [composition_from_formula(formula) for formula in FORMULAS]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    matrix = mass_fraction_matrix(compositions, symbols)
    single, double = (
        compile_instrument(instrument=instrument, symbols=symbols, dtype=dtype).spectra(matrix)
        for dtype in (np.float32, np.float64)
    )
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-7 * double.max())


def test_order_of_the_samples_does_not_matter(instrument):
    """Samples are grouped by their elements inside."""
    compositions = [composition_from_formula(formula) for formula in FORMULAS * 3]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    matrix = mass_fraction_matrix(compositions, symbols)
    compiled = compile_instrument(instrument=instrument, symbols=symbols)
    order = np.random.default_rng(0).permutation(len(matrix))
    np.testing.assert_allclose(compiled.spectra(matrix[order]), compiled.spectra(matrix)[order])


def test_compiled_equals_reference_for_thin_samples(instrument):
    compositions = [composition_from_formula(formula) for formula in FORMULAS]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    compiled = compile_instrument(instrument=instrument, symbols=symbols)
    thickness = np.array([0.5, 1e-3, 1e-3, 0.8, 1e-5])
    many = compiled.spectra(
        mass_fraction_matrix(compositions, symbols), mass_thickness_g_cm2=thickness
    )
    for spectrum, composition, mass in zip(many, compositions, thickness, strict=True):
        one = spectrum_from_composition(
            composition=composition, instrument=instrument, mass_thickness_g_cm2=mass
        )
        np.testing.assert_allclose(spectrum, one, rtol=1e-7, atol=1e-12 * one.max())


def test_compiled_equals_reference_without_tube_k_lines(instrument):
    low = dataclasses.replace(instrument, tube=Tube(voltage_kV=15.0))
    composition = composition_from_formula("CaCO3")
    compiled = compile_instrument(instrument=low, symbols=composition.elements)
    many = compiled.spectra(mass_fraction_matrix([composition], composition.elements))
    one = spectrum_from_composition(composition=composition, instrument=low)
    np.testing.assert_allclose(many[0], one, rtol=1e-7, atol=1e-12 * one.max())


def test_quartz_shows_silicon_and_rhodium_scatter(instrument):
    spectrum = spectrum_from_composition(
        composition=composition_from_formula("SiO2"), instrument=instrument
    )
    energies = instrument.axis.energies_keV
    assert energies[spectrum.argmax()] == pytest.approx(1.74, abs=0.04)
    hard = energies > 17
    assert energies[hard][spectrum[hard].argmax()] == pytest.approx(18.9, abs=0.2)


def test_air_swallows_soft_lines(instrument):
    # Recoil electrons of hard radiation would hide what the air swallows.
    instrument = dataclasses.replace(instrument, detector=Detector(recoil=False))
    air = dataclasses.replace(instrument, atmosphere=Atmosphere("air"))
    composition = composition_from_formula("NaAlSi3O8")
    energies = instrument.axis.energies_keV
    ratio = spectrum_from_composition(composition=composition, instrument=air) / (
        spectrum_from_composition(composition=composition, instrument=instrument)
    )
    assert ratio[np.abs(energies - 1.04).argmin()] < 0.02
    assert ratio[np.abs(energies - 15).argmin()] > 0.95


def test_polycapillary_form():
    optic = Polycapillary(rise=1.0, fall_keV=10.0, steepness=4.0)
    energies = np.array([1e-9, 5.0, 10.0, 1e3])
    passed = transmission_from_polycapillary(optic=optic, energies_keV=energies)
    expected = [1e-10, 0.5 / (1 + 0.5**4), 0.5, 100 / (1 + 1e8)]
    np.testing.assert_allclose(passed, expected, rtol=1e-6)
    assert (transmission_from_polycapillary(optic=None, energies_keV=energies) == 1).all()


def test_source_conserves_the_tube_s_photons(instrument):
    bare = dataclasses.replace(instrument, optic=None)
    source = source_from_instrument(instrument=bare)
    fine = np.linspace(0.5, 50, 200_001)
    from lithoscope.physics.tube import continuum_from_tube

    flux = continuum_from_tube(tube=bare.tube, energies_keV=fine)
    integral = np.trapezoid(flux, fine) * bare.tube.solid_angle_sr
    assert source.photons_per_s[~source.is_line].sum() == pytest.approx(integral, rel=2e-3)


def test_matrix_refuses_elements_it_has_no_column_for():
    with pytest.raises(InvalidValueError, match="holds Ca"):
        mass_fraction_matrix([composition_from_formula("CaCO3")], ["C", "O"])


def test_compiled_refuses_wrong_columns(instrument):
    compiled = compile_instrument(instrument=instrument, symbols=["Si", "O"])
    with pytest.raises(InvalidValueError, match="Mass fractions of shape"):
        compiled.spectra(np.ones((2, 3)))


def test_a_tube_that_nothing_leaves_is_refused(instrument):
    filters = (Layer("Pb", 500.0, 11.3),)
    dark = dataclasses.replace(instrument, tube=Tube(voltage_kV=10.0, filters=filters))
    with pytest.raises(InstrumentError, match=r"10: behind .*Pb 500 µm"):
        source_from_instrument(instrument=dark)
