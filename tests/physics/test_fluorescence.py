"""Primary fluorescence against quadrature, closed forms and Monte Carlo."""

import json
from pathlib import Path

import numpy as np
import pytest
import xraylib
from scipy.integrate import quad

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry, Instrument
from lithoscope.physics.attenuation import mass_attenuation_from_composition
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.fluorescence import (
    escape_depth_factor,
    lines_from_elements,
    primary_from_sherman,
    production_from_lines,
)
from lithoscope.physics.source import Source

DATA = Path(__file__).parents[1] / "data"
REFERENCE = json.loads((DATA / "xmimsim_lines.json").read_text())


@pytest.mark.parametrize("thickness", [1e-4, 1e-2, np.inf])
def test_depth_factor_equals_quadrature(thickness):
    geometry = Geometry(incidence_deg=50, take_off_deg=60, scattering_angle_deg=120)
    factor = escape_depth_factor(
        attenuation_in=np.array(30.0),
        attenuation_out=np.array(200.0),
        geometry=geometry,
        mass_thickness_g_cm2=thickness,
    )
    sine_in, sine_out = np.sin(np.deg2rad(50)), np.sin(np.deg2rad(60))
    end = min(thickness, 0.5)
    integral, _ = quad(
        lambda depth: np.exp(-depth * (30.0 / sine_in + 200.0 / sine_out)) / sine_in,
        0,
        end,
        points=[0.001, 0.01] if end > 0.01 else None,
    )
    assert factor == pytest.approx(integral, rel=1e-6)


def monochromatic(energy_keV):
    return Source(np.array([energy_keV]), np.array([1e6]), np.array([True]))


def test_pure_iron_under_one_energy_equals_sherman_by_hand():
    instrument = Instrument("bare", geometry=Geometry(45, 45, 90, 0.01))
    emission = emission_from_sample(
        composition=composition_from_formula("Fe"),
        instrument=instrument,
        source=monochromatic(20.0),
    )
    line = int(np.flatnonzero(emission.lines.macros == xraylib.KL3_LINE)[0])
    sine = np.sin(np.pi / 4)
    chi = (xraylib.CS_Total_Kissel(26, 20.0) + xraylib.CS_Total_Kissel(26, 6.4052)) / sine
    # Without cascade from higher shells Kα1 is photoionisation x yield x radiative rate.
    section = (
        xraylib.CS_Photo_Partial(26, xraylib.K_SHELL, 20.0)
        * xraylib.FluorYield(26, xraylib.K_SHELL)
        * xraylib.RadRate(26, xraylib.KL3_LINE)
    )
    expected = 1e6 * 0.01 / (4 * np.pi) * section / (chi * sine)
    assert emission.line_photons[line] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("mineral", sorted(REFERENCE))
def test_primary_lines_equal_monte_carlo(mineral, xmimsim_source, xmimsim_efficiency):
    """Main lines within 1 % of XMI-MSIM's first interaction."""
    source = xmimsim_source
    composition = composition_from_formula(REFERENCE[mineral]["formula"])
    symbols = composition.elements
    lines = lines_from_elements(symbols=symbols)
    fractions = np.array([fraction for _, fraction in composition])
    photons = primary_from_sherman(
        photons_per_s=source.photons_per_s,
        mass_fractions=fractions[lines.elements],
        production=production_from_lines(
            symbols=symbols, lines=lines, energies_keV=source.energies_keV
        ),
        attenuation_in=mass_attenuation_from_composition(
            composition=composition, energies_keV=source.energies_keV
        ),
        attenuation_out=mass_attenuation_from_composition(
            composition=composition, energies_keV=lines.energies_keV
        ),
        geometry=Geometry(51, 51, 102, 0.03307),
    )
    counts = photons * xmimsim_efficiency(lines.energies_keV)
    strongest = max(
        line["first_interaction"]
        for named in REFERENCE[mineral]["lines"].values()
        for line in named.values()
    )
    compared = 0
    for symbol, named in REFERENCE[mineral]["lines"].items():
        for name, line in named.items():
            if line["first_interaction"] < 0.05 * strongest:
                continue
            chosen = (lines.elements == symbols.index(symbol)) & (
                lines.macros == getattr(xraylib, f"{name}_LINE")
            )
            assert counts[chosen].sum() == pytest.approx(line["first_interaction"], rel=0.015)
            compared += 1
    assert compared >= 2


def test_lines_of_lead_reach_from_m_to_k():
    lines = lines_from_elements(symbols=["Pb"])
    energies = lines.energies_keV
    for energy in (2.345, 10.55, 12.61, 74.97):
        assert np.abs(energies - energy).min() < 0.02, energy
