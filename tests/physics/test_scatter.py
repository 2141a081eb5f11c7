"""Scatter against Thomson's limit and Compton kinematics."""

import numpy as np
import pytest

from lithoscope.physics.constants import ELECTRON_REST_ENERGY_KEV
from lithoscope.physics.scatter import (
    compton_energy_from_angle,
    compton_from_elements,
    compton_profile_from_element,
    rayleigh_from_elements,
)

# Classical electron radius squared in cm² and Avogadro's number (CODATA 2022).
R2, AVOGADRO = (2.8179403205e-13) ** 2, 6.02214076e23


def test_rayleigh_forward_is_thomson_of_all_electrons():
    section = rayleigh_from_elements(symbols=["Fe"], energies_keV=np.array([10.0]), angle_deg=0.01)[
        0, 0
    ]
    assert section == pytest.approx(26**2 * R2 * AVOGADRO / 55.845, rel=1e-3)


def test_compton_at_large_transfer_is_klein_nishina():
    energy, angle = 90.0, 150.0
    ratio = compton_energy_from_angle(energies_keV=np.array([energy]), angle_deg=angle)[0] / energy
    cosine = np.cos(np.deg2rad(angle))
    free = R2 / 2 * ratio**2 * (ratio + 1 / ratio - 1 + cosine**2)
    section = compton_from_elements(
        symbols=["C"], energies_keV=np.array([energy]), angle_deg=angle
    )[0, 0]
    assert section == pytest.approx(6 * free * AVOGADRO / 12.011, rel=0.02)


def test_compton_energy_backwards():
    shifted = compton_energy_from_angle(energies_keV=np.array([20.0]), angle_deg=180)
    assert shifted[0] == pytest.approx(20 / (1 + 40 / ELECTRON_REST_ENERGY_KEV))


@pytest.mark.parametrize("symbol", ["C", "O", "Fe"])
def test_profile_is_a_peak_at_the_compton_energy(symbol):
    edges = np.arange(12, 20.2, 0.02)
    profile = compton_profile_from_element(
        symbol=symbol, energy_keV=20.2, angle_deg=130, edges_keV=edges
    )
    middles = (edges[1:] + edges[:-1]) / 2
    assert profile.sum() == pytest.approx(1)
    expected = compton_energy_from_angle(energies_keV=np.array([20.2]), angle_deg=130)[0]
    assert middles[profile.argmax()] == pytest.approx(expected, abs=0.1)


def test_heavier_atoms_broaden_more():
    edges = np.arange(12, 20.2, 0.02)
    widths = []
    for symbol in ("C", "Fe"):
        profile = compton_profile_from_element(
            symbol=symbol, energy_keV=20.2, angle_deg=130, edges_keV=edges
        )
        middles = (edges[1:] + edges[:-1]) / 2
        mean = profile @ middles
        widths.append(np.sqrt(profile @ (middles - mean) ** 2))
    assert widths[1] > 1.2 * widths[0]
