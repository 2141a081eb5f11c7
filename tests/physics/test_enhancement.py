"""Secondary fluorescence against quadrature, and the whole against Monte Carlo."""

import json
from pathlib import Path

import numpy as np
import pytest
import xraylib
from scipy.integrate import dblquad

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.enhancement import Excitation, secondary_from_sherman

DATA = Path(__file__).parents[1] / "data"
REFERENCE = json.loads((DATA / "xmimsim_lines.json").read_text())


def test_one_exciter_and_one_line_equal_quadrature():
    """Integrate over the depths of both emissions, with the exponential integral between them."""
    from scipy.special import exp1

    geometry = Geometry(50, 60, 120, 0.01)
    mu0, mu_line, mu_exciter = 40.0, 150.0, 90.0
    excitation = Excitation(
        attenuation_in=np.array([mu0]),
        attenuation_lines=np.array([mu_line]),
        attenuation_exciters=np.array([mu_exciter]),
        made_exciters=np.array([[3.0]]),
        production_lines=np.array([[5.0]]),
    )
    sine_in, sine_out = np.sin(np.deg2rad(50)), np.sin(np.deg2rad(60))

    def met(other, depth):
        # A plane of isotropic emitters at `other` seen at `depth`: E1 of the mass between, halved.
        between = max(abs(depth - other) * mu_exciter, 1e-12)
        made = 3.0 * np.exp(-mu0 * other / sine_in) / sine_in
        return made * 5.0 * exp1(between) / 2 * np.exp(-mu_line * depth / sine_out)

    end = 0.12
    below, _ = dblquad(met, 0, end, 0, lambda depth: depth, epsabs=1e-7)
    above, _ = dblquad(met, 0, end, lambda depth: depth, end, epsabs=1e-7)
    photons = secondary_from_sherman(excitation=excitation, geometry=geometry)
    assert photons[0] == pytest.approx(0.01 / (4 * np.pi) * (below + above), rel=2e-3)


@pytest.mark.parametrize("mineral", sorted(REFERENCE))
def test_main_lines_equal_monte_carlo_within_five_percent(
    mineral, xmimsim_source, xmimsim_instrument, xmimsim_efficiency
):
    source, instrument = xmimsim_source, xmimsim_instrument
    composition = composition_from_formula(REFERENCE[mineral]["formula"])
    emission = emission_from_sample(composition=composition, instrument=instrument, source=source)
    counts = emission.line_photons * xmimsim_efficiency(emission.lines.energies_keV)
    lines = [
        (line["intensity"], symbol, name)
        for symbol, named in REFERENCE[mineral]["lines"].items()
        for name, line in named.items()
    ]
    strongest = max(lines)[0]
    for intensity, symbol, name in lines:
        if intensity < 0.02 * strongest:
            continue
        chosen = (emission.lines.elements == composition.elements.index(symbol)) & (
            emission.lines.macros == getattr(xraylib, f"{name}_LINE")
        )
        assert counts[chosen].sum() == pytest.approx(intensity, rel=0.05), (symbol, name)


@pytest.mark.parametrize(
    ("mineral", "symbol", "tolerance"),
    [("chalcopyrite", "Fe", 0.012), ("orthoclase", "Al", 0.004), ("zircon", "Si", 0.004)],
)
def test_enhancement_itself_equals_monte_carlo(
    mineral, symbol, tolerance, xmimsim_source, xmimsim_instrument, xmimsim_efficiency
):
    source, instrument = xmimsim_source, xmimsim_instrument
    composition = composition_from_formula(REFERENCE[mineral]["formula"])
    line = REFERENCE[mineral]["lines"][symbol]["KL3"]

    def photons(mass_thickness):
        emission = emission_from_sample(
            composition=composition,
            instrument=instrument,
            source=source,
            mass_thickness_g_cm2=mass_thickness,
        )
        chosen = (emission.lines.elements == composition.elements.index(symbol)) & (
            emission.lines.macros == xraylib.KL3_LINE
        )
        return emission.line_photons[chosen][0]

    efficiency = xmimsim_efficiency([line["energy_keV"]])[0]
    # Less than 1 % is left to scattered photons, which excite too and are not simulated.
    raised = photons(np.inf) * efficiency / line["first_interaction"]
    assert raised == pytest.approx(line["intensity"] / line["first_interaction"], abs=tolerance)


def test_a_thin_film_has_no_enhancement(xmimsim_source, xmimsim_instrument):
    source, instrument = xmimsim_source, xmimsim_instrument
    composition = composition_from_formula("CuFeS2")
    rates = []
    for mass_thickness in (1e-7, 1e-6):
        emission = emission_from_sample(
            composition=composition,
            instrument=instrument,
            source=source,
            mass_thickness_g_cm2=mass_thickness,
        )
        iron = emission.lines.elements == composition.elements.index("Fe")
        rates.append(emission.line_photons[iron].sum() / mass_thickness)
    assert rates[0] == pytest.approx(rates[1], rel=1e-3)


def test_tertiary_fluorescence_matters_in_steel(xmimsim_source, xmimsim_instrument, monkeypatch):
    """Nickel excites iron excites chromium."""
    source, instrument = xmimsim_source, xmimsim_instrument
    composition = composition_from_formula("Fe70Cr18Ni12")
    photons = []
    for threshold in (0.02, np.inf):
        monkeypatch.setattr("lithoscope.physics.enhancement.TERTIARY_FROM", threshold)
        emission = emission_from_sample(
            composition=composition, instrument=instrument, source=source
        )
        chromium = emission.lines.elements == composition.elements.index("Cr")
        photons.append(emission.line_photons[chromium].sum())
    assert 0.005 < photons[0] / photons[1] - 1 < 0.05


def test_tertiary_fluorescence_left_out_is_below_half_a_percent(
    xmimsim_source, xmimsim_instrument, monkeypatch
):
    source, instrument = xmimsim_source, xmimsim_instrument
    for formula in ("CuFeS2", "ZrSiO4", "PbS", "KAlSi3O8", "Fe3Al2Si3O12"):
        photons = []
        for threshold in (0.0, 0.02):
            monkeypatch.setattr("lithoscope.physics.enhancement.TERTIARY_FROM", threshold)
            emission = emission_from_sample(
                composition=composition_from_formula(formula),
                instrument=instrument,
                source=source,
            )
            photons.append(emission.line_photons)
        strong = photons[0] > 1e-3 * photons[0].max()
        np.testing.assert_allclose(photons[1][strong], photons[0][strong], rtol=0.005)


@pytest.mark.parametrize("formula", ["CuFeS2", "PbS", "CePO4", "Fe70Cr18Ni12", "CaNb2O6"])
def test_neighbouring_lines_excite_as_one(formula, xmimsim_source, xmimsim_instrument, monkeypatch):
    composition = composition_from_formula(formula)
    photons = []
    for width in (1.03, 1.0):
        monkeypatch.setattr("lithoscope.physics.enhancement._ONE_EXCITER", width)
        emission = emission_from_sample(
            composition=composition, instrument=xmimsim_instrument, source=xmimsim_source
        )
        photons.append(emission.line_photons)
    strong = photons[1] > 1e-4 * photons[1].max()
    np.testing.assert_allclose(photons[0][strong], photons[1][strong], rtol=5e-4)
