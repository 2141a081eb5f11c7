"""Samples: how they lie, how thick they are, how they scatter."""

import dataclasses

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry, Instrument, Polycapillary
from lithoscope.errors import InvalidValueError
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.synthesis.distortions.coherent import Coherent
from lithoscope.synthesis.distortions.thickness import Thickness
from lithoscope.synthesis.distortions.tilt import Tilt, angles_from_slope
from lithoscope.synthesis.surface import Surface

FORMULAS = ["KAlSi3O8", "Fe2O3"]
# Beam and detector in one plane with the normal, which bends back the way it came.
IN_PLANE = Geometry(51, 51, 102)


def tilted(x, y, geometry):
    """Angles of one slope."""
    incidence, take_off = angles_from_slope(
        slope_x_deg=np.array([x]), slope_y_deg=np.array([y]), geometry=geometry
    )
    return float(incidence[0]), float(take_off[0])


@pytest.mark.parametrize(
    "geometry", [IN_PLANE, Geometry(50, 50, 130, detectors=2), Geometry(90, 40, 130)]
)
def test_a_flat_surface_has_the_instrument_s_angles(geometry):
    expected = (geometry.incidence_deg, geometry.take_off_deg)
    assert tilted(0.0, 0.0, geometry) == pytest.approx(expected, abs=1e-6)


def test_slopes_worked_by_hand():
    # In one plane the slope adds to one angle and is taken from the other.
    assert tilted(10.0, 0.0, IN_PLANE) == pytest.approx((61.0, 41.0))
    assert tilted(-10.0, 0.0, IN_PLANE) == pytest.approx((41.0, 61.0))
    # Across it both sines fall by the slope's cosine.
    across = np.rad2deg(np.arcsin(np.sin(np.deg2rad(51)) * np.cos(np.deg2rad(20))))
    assert tilted(0.0, 20.0, IN_PLANE) == pytest.approx((across, across))
    # A beam from straight above, a detector aside: one to the left and one to the right have the
    # same mean sine, sin(40) cos(slope), whichever way the surface slopes across.
    above = Geometry(90, 40, 130, detectors=1)
    incidence, take_off = tilted(15.0, 0.0, above)
    assert incidence == pytest.approx(75.0)
    assert take_off == pytest.approx(25.0)
    # The M4's detectors stand aside: by the scattering angle of 130 degrees,
    # d_x = (cos 130 + sin^2 50) / cos 50 = -0.0871, and sin psi2 = cos s sin 50 - sin s d_x.
    tornado = Geometry(50, 50, 130, detectors=2)
    slope = np.deg2rad(10)
    expected = np.rad2deg(np.arcsin(np.cos(slope) * 0.766044 + np.sin(slope) * 0.08706))
    assert tilted(10.0, 0.0, tornado) == pytest.approx((60.0, expected), abs=1e-2)
    assert tilted(0.0, 10.0, tornado)[1] == pytest.approx(tilted(0.0, -10.0, tornado)[1])


def test_surfaces_seen_edge_on_are_another_part_of_the_spot():
    assert tilted(45.0, 0.0, IN_PLANE)[1] == pytest.approx(8.0)
    assert tilted(-45.0, 0.0, IN_PLANE)[0] == pytest.approx(8.0)


def test_drawn_slopes(tornado):
    surface = Surface.ideal(4000, np.array([1.0, 20.0]), tornado.geometry)
    for severity in (1.0, 4.0):
        drawn = Tilt(severity).sample(surface, tornado, np.random.default_rng(1))
        for values in drawn.values():
            assert values.std() == pytest.approx(2.5 * severity, rel=0.05)
        changed = Tilt(severity).apply(surface, drawn, tornado)
        expected = angles_from_slope(**drawn, geometry=tornado.geometry)
        np.testing.assert_array_equal(changed.incidence_deg, expected[0])
        np.testing.assert_array_equal(changed.take_off_deg, expected[1])


@pytest.fixture(scope="module")
def machine():
    return Instrument(
        "test",
        optic=Polycapillary(1.2, 9.0, 4.4),
        geometry=Geometry(51, 51, 127),
        axis=EnergyAxis(0.0, 0.02, 2048),
    )


@pytest.fixture(scope="module")
def compiled(machine):
    symbols = sorted({name for one in FORMULAS for name in composition_from_formula(one).elements})
    return compile_instrument(instrument=machine, symbols=symbols)


@pytest.fixture(scope="module")
def fractions(compiled):
    return mass_fraction_matrix(
        [composition_from_formula(formula) for formula in FORMULAS], compiled.symbols
    )


def line_counts(spectrum, machine, energy_keV):
    """Net counts of a line, its ground taken off."""
    energies = machine.axis.energies_keV
    peak = np.abs(energies - energy_keV) < 0.15
    beside = (np.abs(energies - energy_keV) > 0.2) & (np.abs(energies - energy_keV) < 0.35)
    return spectrum[peak].sum() - spectrum[beside].mean() * peak.sum()


def test_a_tilted_sample_is_one_of_another_geometry(machine, compiled, fractions):
    """Fluorescence exactly, scatter but for the share of multiple scatter."""
    incidence, take_off = 60.0, 43.0
    spectra = compiled.spectra(
        fractions,
        incidence_deg=np.full(len(fractions), incidence),
        take_off_deg=np.full(len(fractions), take_off),
    )
    geometry = dataclasses.replace(machine.geometry, incidence_deg=incidence, take_off_deg=take_off)
    turned = dataclasses.replace(machine, geometry=geometry)
    flat = compiled.spectra(fractions)
    for row, (formula, line) in enumerate((("KAlSi3O8", 3.313), ("Fe2O3", 6.404))):
        exact = spectrum_from_composition(
            composition=composition_from_formula(formula), instrument=turned
        )
        ours = line_counts(spectra[row], machine, line)
        assert ours == pytest.approx(line_counts(exact, machine, line), rel=2e-5)
        # It is the tilt that is tested.
        assert abs(ours / line_counts(flat[row], machine, line) - 1) > 0.02
        hard = machine.axis.energies_keV > 17
        assert spectra[row, hard].sum() == pytest.approx(exact[hard].sum(), rel=0.02)


def test_thin_samples_are_finite_samples(machine, compiled, fractions):
    surface = Surface.ideal(2, compiled.source_keV, machine.geometry)
    thin = (
        Thickness()
        .apply(surface, {"mass_thickness_g_cm2": np.array([0.02, 0.004])}, machine)
        .mass_thickness_g_cm2
    )
    many = compiled.spectra(fractions, mass_thickness_g_cm2=thin)
    for formula, mass, spectrum in zip(FORMULAS, (0.02, 0.004), many, strict=True):
        one = spectrum_from_composition(
            composition=composition_from_formula(formula),
            instrument=machine,
            mass_thickness_g_cm2=mass,
        )
        np.testing.assert_allclose(spectrum, one, rtol=1e-6, atol=1e-10 * one.max())


def test_drawn_thicknesses(tornado):
    surface = Surface.ideal(4000, np.array([1.0]), tornado.geometry)
    for severity, thinnest in ((2.0, 0.3), (4.0, 0.009)):
        drawn = Thickness(severity).sample(surface, tornado, np.random.default_rng(1))
        values = drawn["mass_thickness_g_cm2"]
        assert thinnest <= values.min() < 1.1 * thinnest
        assert 9 < values.max() <= 10
        assert np.median(values) == pytest.approx(np.sqrt(10 * thinnest), rel=0.1)
    # A sample that is thinner already stays so.
    thin = dataclasses.replace(surface, mass_thickness_g_cm2=np.full(4000, 0.001))
    assert (Thickness().apply(thin, drawn, tornado).mass_thickness_g_cm2 == 0.001).all()


def test_coherent_scatter(tornado, compiled, fractions, machine):
    surface = Surface.ideal(2, compiled.source_keV, tornado.geometry)
    parameters = {"hard_share": np.array([0.5, 1.5]), "soft_part": np.array([0.2, 1.0])}
    changed = Coherent().apply(surface, parameters, tornado)
    soft = compiled.source_keV < 4
    assert changed.diffuse_share[0, soft] == pytest.approx(0.1)
    assert changed.diffuse_share[0, ~soft] == pytest.approx(0.5)
    assert changed.diffuse_share[1] == pytest.approx(1.5)
    none, once, more = (
        compiled.spectra(fractions, diffuse_share=share)
        for share in (0.0, 1.0, changed.diffuse_share)
    )
    # Rayleigh scattered Rh Ka stands at 20.2 keV and is linear in the share.
    here = np.abs(machine.axis.energies_keV - 20.2) < 0.1
    assert (more - none)[0, here] == pytest.approx(0.5 * (once - none)[0, here])
    assert (more - none)[1, here] == pytest.approx(1.5 * (once - none)[1, here])


@pytest.mark.parametrize(
    "changes",
    [
        {"mass_thickness_g_cm2": np.zeros(3)},
        {"diffuse_share": np.full((3, 2), -0.1)},
        {"diffuse_share": np.ones((3, 4))},
        {"incidence_deg": np.full(2, 50.0)},
    ],
)
def test_impossible_surfaces_are_refused(changes, tornado):
    surface = Surface.ideal(3, np.array([1.0, 2.0]), tornado.geometry)
    with pytest.raises(InvalidValueError, match=r"surface|Surfaces"):
        dataclasses.replace(surface, **changes)
