"""The detector's response: areas, widths, escape."""

import numpy as np
import pytest
import xraylib

from lithoscope.core.instrument import Detector
from lithoscope.physics.detector import (
    efficiency_from_detector,
    escape_energy_keV,
    escape_from_energy,
    fwhm_from_energy,
    response_from_energies,
    shelf_fraction_from_energy,
)

EDGES = np.arange(-1.0, 45.0, 0.005)
MIDDLES = (EDGES[1:] + EDGES[:-1]) / 2
FULL = Detector(
    tail_fraction=0.02,
    tail_width_keV=0.15,
    shelf_fraction=0.01,
    incomplete_layer_um=0.03,
    recoil=False,
)


@pytest.mark.parametrize("energy", [1.04, 1.74, 3.69, 6.4, 20.2])
@pytest.mark.parametrize(
    "detector", [Detector(recoil=False), FULL], ids=["gaussian", "tail and shelf"]
)
def test_every_absorbed_photon_is_counted_once(detector, energy):
    energies = np.array([energy])
    response = response_from_energies(detector=detector, energies_keV=energies, edges_keV=EDGES)
    efficiency = efficiency_from_detector(detector=detector, energies_keV=energies)
    # The escape peak of a photon just above the edge lies below the axis.
    assert response.sum() == pytest.approx(efficiency[0], rel=2e-4)
    assert (response >= 0).all()


def test_resolution_is_recovered_from_the_peak():
    detector = Detector(escape=False)
    response = response_from_energies(
        detector=detector, energies_keV=np.array([5.895]), edges_keV=EDGES
    )[0]
    peak = response / response.sum()
    centre = peak @ MIDDLES
    sigma = np.sqrt(peak @ (MIDDLES - centre) ** 2)
    fwhm = fwhm_from_energy(detector=detector, energies_keV=np.array([5.895]))[0]
    assert centre == pytest.approx(5.895, abs=1e-5)
    assert 2.3548 * sigma == pytest.approx(fwhm, rel=1e-3)
    assert 0.12 < fwhm < 0.16


def test_tail_pulls_the_mean_down_by_its_width():
    detector = Detector(escape=False, recoil=False, tail_fraction=0.1, tail_width_keV=0.2)
    response = response_from_energies(
        detector=detector, energies_keV=np.array([10.0]), edges_keV=EDGES
    )[0]
    mean = response @ MIDDLES / response.sum()
    assert mean == pytest.approx(10.0 - 0.1 * 0.2, abs=1e-4)


def test_escape_begins_at_the_silicon_edge():
    edge = xraylib.EdgeEnergy(14, xraylib.K_SHELL)
    shares = escape_from_energy(energies_keV=np.array([edge - 0.01, edge + 0.01, 5.9, 20.0]))
    assert shares[0] == 0
    assert shares[1] > shares[2] > shares[3] > 0


# Shares read off XMI-MSIM's spectra before convolution (../shared/data/xmimsim/minerals.npz):
# Ca Kα1 in calcite, Fe and Cu Kα1 in chalcopyrite, S Kα1 in galena.
@pytest.mark.parametrize(
    ("energy", "monte_carlo"),
    [(2.3075, 0.01482), (3.6917, 0.00900), (6.4052, 0.00313), (8.0463, 0.00182)],
)
def test_escape_equals_monte_carlo(energy, monte_carlo):
    share = escape_from_energy(energies_keV=np.array([energy]))[0]
    assert share == pytest.approx(monte_carlo, rel=0.03)


def test_escape_peak_stands_where_it_should():
    response = response_from_energies(
        detector=Detector(), energies_keV=np.array([4.51]), edges_keV=EDGES
    )[0]
    below = MIDDLES < 3.5
    assert MIDDLES[below][response[below].argmax()] == pytest.approx(
        4.51 - escape_energy_keV(), abs=0.006
    )


def test_beryllium_hides_fluorine_and_shows_sodium():
    efficiency = efficiency_from_detector(
        detector=Detector(), energies_keV=np.array([0.677, 1.041, 6.4])
    )
    assert efficiency[0] < 0.1
    assert 0.2 < efficiency[1] < 0.8
    assert efficiency[2] > 0.97


def test_nothing_is_counted_above_the_peak():
    response = response_from_energies(
        detector=FULL, energies_keV=np.array([5.0, 20.0]), edges_keV=EDGES
    )
    assert (response[0][MIDDLES > 6.0] == 0).all()
    assert (response[1][MIDDLES > 22.0] == 0).all()


def test_shelf_follows_silicon_s_absorption():
    """Net shelves of metals on a Bruker XS-52, per whole shelf: S 1.5, Ti 0.5, Ni 0.25 %."""
    detector = Detector(shelf_fraction=0.002, incomplete_layer_um=0.03)
    shares = shelf_fraction_from_energy(
        detector=detector, energies_keV=np.array([2.31, 4.51, 7.48])
    )
    np.testing.assert_allclose(shares, [0.015, 0.005, 0.0025], rtol=0.2)
