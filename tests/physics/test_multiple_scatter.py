"""Multiple scatter against closed forms and against a Monte Carlo of its own."""

import dataclasses

import numpy as np
import pytest

from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument import Geometry
from lithoscope.physics import multiple_scatter
from lithoscope.physics.attenuation import mass_attenuation_from_elements
from lithoscope.physics.multiple_scatter import (
    double_compton_profiles,
    multiple_from_single_scatter,
    multiple_scatter_tables,
)
from lithoscope.physics.scatter import compton_from_elements, rayleigh_from_elements

GEOMETRY = Geometry(50, 40, 120)
ENERGIES = np.array([5.0, 12.0, 20.2])


def of_formula(formula, geometry=GEOMETRY, mass_thickness=np.inf):
    composition = composition_from_formula(formula)
    symbols = composition.elements
    fractions = np.array([[fraction for _, fraction in composition]])
    angle = geometry.scattering_angle_deg
    tables = multiple_scatter_tables(symbols=symbols, geometry=geometry, energies_keV=ENERGIES)
    return multiple_from_single_scatter(
        tables=tables,
        mass_fractions=fractions,
        attenuation=fractions
        @ mass_attenuation_from_elements(symbols=symbols, energies_keV=ENERGIES),
        rayleigh=fractions
        @ rayleigh_from_elements(symbols=symbols, energies_keV=ENERGIES, angle_deg=angle),
        compton=fractions
        @ compton_from_elements(symbols=symbols, energies_keV=ENERGIES, angle_deg=angle),
        mass_thickness_g_cm2=np.array([mass_thickness]),
    )


def test_weights_are_isotropic_second_order():
    """Chandrasekhar (1960): ``H(s) = 1 + w/2 s ln((1 + s) / s) + ...`` for both directions."""
    tables = multiple_scatter_tables(symbols=["O"], geometry=GEOMETRY, energies_keV=ENERGIES)
    sines = np.sin(np.deg2rad([50.0, 40.0]))
    expected = (sines / 2 * np.log((1 + sines) / sines)).sum()
    assert tables.weights.sum() / (4 * np.pi) == pytest.approx(expected, rel=2e-3)


def chandrasekhar_h(albedo, sine):
    """H of an isotropic medium, iterated from its integral equation (1960, chapter V, eq. 16)."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    nodes, weights = (nodes + 1) / 2, weights / 2
    h = np.ones_like(nodes)
    for _ in range(200):
        kernel = nodes / (nodes[:, None] + nodes) * h
        h = 1 / (np.sqrt(1 - albedo) + albedo / 2 * kernel @ weights)
    return 1 / (np.sqrt(1 - albedo) + albedo / 2 * (nodes / (sine + nodes) * h) @ weights)


@pytest.mark.parametrize("albedo", [0.1, 0.4, 0.7])
def test_all_orders_follow_chandrasekhar(albedo):
    sines = np.sin(np.deg2rad([50.0, 40.0]))
    second = albedo * (sines / 2 * np.log((1 + sines) / sines)).sum()
    higher = multiple_scatter._higher_orders(np.array([[albedo]]), *sines)[0, 0]
    exact = chandrasekhar_h(albedo, sines[0]) * chandrasekhar_h(albedo, sines[1])
    assert 1 + second * higher == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("formula", ["SiO2", "C5H8O2", "PbS"])
def test_directions_and_energies_are_fine_enough(formula, monkeypatch):
    coarse = of_formula(formula)
    # Sections are remembered, and would stay on the coarser grid, or the finer one after the test.
    fresh = multiple_scatter._sections.__wrapped__
    monkeypatch.setattr(multiple_scatter, "_sections", fresh)
    monkeypatch.setattr(multiple_scatter, "_HEIGHTS", 24)
    monkeypatch.setattr(multiple_scatter, "_AZIMUTHS", 48)
    monkeypatch.setattr(multiple_scatter, "_GRID_KEV", np.geomspace(0.5, 100, 60))
    fine = of_formula(formula)
    for field in dataclasses.fields(fine):
        np.testing.assert_allclose(
            1 + getattr(coarse, field.name), 1 + getattr(fine, field.name), rtol=0.01
        )


def test_light_matrices_scatter_more_than_once():
    resin, quartz, galena = (of_formula(name).rayleigh[0, 2] for name in ("C5H8O2", "SiO2", "PbS"))
    assert resin > 3 * quartz > 3 * galena


def test_a_film_scatters_once():
    film = of_formula("SiO2", mass_thickness=1e-6)
    assert film.compton.max() < 1e-5


def test_second_order_equals_monte_carlo():
    """Photons followed through quartz, two scatters each, with the tabulated cross sections."""
    energy, count, rng = 20.2, 400_000, np.random.default_rng(1)
    angles = np.linspace(0, np.pi, 721)
    composition = composition_from_formula("SiO2")
    fractions = np.array([fraction for _, fraction in composition])
    section = np.array(
        [
            fractions
            @ compton_from_elements(
                symbols=composition.elements,
                energies_keV=np.array([energy]),
                angle_deg=float(np.rad2deg(angle)),
            )[:, 0]
            for angle in angles
        ]
    )
    mu = (
        fractions
        @ mass_attenuation_from_elements(
            symbols=composition.elements, energies_keV=np.array([energy])
        )[:, 0]
    )
    beam = multiple_scatter.beam_direction(GEOMETRY)
    out = multiple_scatter.detector_direction(GEOMETRY)
    depth = rng.exponential(-beam[2] / mu, count)
    between = rng.standard_normal((count, 3))
    between /= np.linalg.norm(between, axis=1, keepdims=True)
    way = rng.exponential(1 / mu, count)
    second = depth - way * between[:, 2]
    inside = second > 0
    first = np.interp(np.arccos(between @ beam), angles, section)
    again = np.interp(np.arccos(between @ out), angles, section)
    seen = inside * np.exp(-mu * np.where(inside, second, 0) / out[2])
    double = (4 * np.pi * first / mu * again / mu * seen).mean()
    once = (
        np.interp(np.deg2rad(GEOMETRY.scattering_angle_deg), angles, section)
        / mu
        * np.exp(-mu * depth / out[2]).mean()
    )
    result = of_formula("SiO2")
    albedo_order = result.double_compton[0, 2]
    assert albedo_order == pytest.approx(double / once, rel=0.1)


def test_double_compton_lies_about_twice_the_recoil():
    tables = multiple_scatter_tables(symbols=["O"], geometry=GEOMETRY, energies_keV=ENERGIES)
    edges = np.arange(14, 22, 0.05)
    profile = double_compton_profiles(tables=tables, lines_keV=np.array([20.2]), edges_keV=edges)[0]
    assert profile.sum() == pytest.approx(1)
    mean = profile @ ((edges[1:] + edges[:-1]) / 2)
    assert mean == pytest.approx(20.2 / (1 + 2 * 20.2 / 511), abs=0.15)
