"""The tube against XMI-MSIM's own implementation of Ebel, and against its limits."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lithoscope.core.instrument import Layer, Tube
from lithoscope.physics.tube import (
    anode_absorption_from_depth,
    continuum_from_tube,
    lines_from_tube,
)

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def reference():
    with np.load(DATA / "xmimsim_source.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture
def tube():
    return Tube(
        electron_angle_deg=60,
        take_off_angle_deg=60,
        current_mA=1.0,
        window=(Layer("Be", 100.0, 1.848),),
    )


def test_continuum_equals_xmimsim(tube, reference):
    # XMI-MSIM stores the lower end of each 0.1 keV cell and the flux at its middle.
    energies = reference["cont_energy_keV"][:-1] + 0.05
    flux = continuum_from_tube(tube=tube, energies_keV=energies) * 1e-4
    np.testing.assert_allclose(flux, reference["cont_photons_per_s_per_keV"][:-1], rtol=1e-3)


def test_lines_equal_xmimsim(tube, reference):
    lines = lines_from_tube(tube=tube)
    photons = lines.photons_per_s_sr * 1e-4
    for energy, expected in zip(
        reference["line_energy_keV"], reference["line_photons_per_s"], strict=True
    ):
        # The reference adds up lines that lie closer than its file's resolution.
        near = np.abs(lines.energies_keV - energy) < 0.03
        assert np.any(np.isclose(photons[near], expected, rtol=1e-3)) or np.isclose(
            photons[np.abs(lines.energies_keV - energy) < 0.05].sum(), expected, rtol=0.02
        ), energy


def test_no_photon_is_harder_than_the_voltage(tube):
    energies = np.array([10.0, 49.9, 50.0, 50.1, 80.0])
    flux = continuum_from_tube(tube=tube, energies_keV=energies)
    assert (flux[:2] > 0).all()
    assert (flux[2:] == 0).all()


def test_lines_need_a_voltage_above_their_edge(tube):
    low = dataclasses.replace(tube, voltage_kV=20.0)
    assert lines_from_tube(tube=tube).energies_keV.max() > 20
    assert lines_from_tube(tube=low).energies_keV.max() < 4


def test_self_absorption_vanishes_at_the_surface(tube):
    absorption = anode_absorption_from_depth(
        tube=tube, energies_keV=np.array([5.0, 20.0]), depths_g_cm2=np.zeros(2)
    )
    np.testing.assert_allclose(absorption, 1.0)


@pytest.mark.parametrize("anode", ["Cr", "Cu", "Mo", "Rh", "Ag", "W"])
def test_every_anode_has_its_lines(anode):
    lines = lines_from_tube(tube=Tube(anode=anode))
    assert lines.energies_keV.size > 2
    assert (lines.photons_per_s_sr >= 0).all()


def test_filters_harden_the_beam(tube):
    filtered = dataclasses.replace(tube, filters=(Layer("Al", 100.0, 2.70),))
    energies = np.array([4.0, 30.0])
    share = continuum_from_tube(tube=filtered, energies_keV=energies) / continuum_from_tube(
        tube=tube, energies_keV=energies
    )
    assert share[0] < 1e-3
    # NIST XCOM: Al at 30 keV has 1.128 cm²/g, so 100 µm pass exp(-1.128 * 2.70 * 0.01).
    assert share[1] == pytest.approx(np.exp(-1.128 * 2.70 * 0.01), rel=2e-3)
