"""Recoil electrons in the detector."""

import numpy as np
import pytest
import xraylib

from lithoscope.core.instrument import Detector
from lithoscope.physics.recoil import recoil_from_energies, recoil_share_from_energy

EDGES = np.arange(0, 12, 0.01)


def test_continuum_ends_at_the_compton_edge_and_holds_the_share():
    detector, energy = Detector(), 20.2
    counts = recoil_from_energies(
        detector=detector, energies_keV=np.array([energy]), edges_keV=EDGES
    )[0]
    share = recoil_share_from_energy(detector=detector, energies_keV=np.array([energy]))[0]
    assert counts.sum() == pytest.approx(share, rel=0.02)
    edge = 2 * energy**2 / (511 + 2 * energy)
    held = np.cumsum(counts) / counts.sum()
    assert np.interp(0.999, held, EDGES[1:]) == pytest.approx(edge, rel=0.1)


def test_share_of_a_thin_detector_is_its_compton_probability():
    detector = Detector(thickness_um=1.0, window=())
    share = recoil_share_from_energy(detector=detector, energies_keV=np.array([30.0]))[0]
    expected = xraylib.CS_Compt(14, 30.0) * xraylib.ElementDensity(14) * 1e-4
    assert share == pytest.approx(expected, rel=0.01)


def test_mean_recoil_is_klein_nishina_s():
    """Free electrons at 60 keV lose 8.6 % of the photon's energy on average (Klein-Nishina)."""
    counts = recoil_from_energies(
        detector=Detector(), energies_keV=np.array([60.0]), edges_keV=np.arange(0, 40, 0.01)
    )[0]
    mean = counts @ (np.arange(0, 39.99, 0.01) + 0.005) / counts.sum()
    cosine = np.linspace(-1, 1, 20001)
    ratio = 1 / (1 + 60 / 510.999 * (1 - cosine))
    weight = ratio**2 * (ratio + 1 / ratio - 1 + cosine**2)
    assert mean == pytest.approx(60 * (weight * (1 - ratio)).sum() / weight.sum(), rel=0.05)


def test_soft_radiation_leaves_none():
    assert not recoil_from_energies(
        detector=Detector(), energies_keV=np.array([1.0, 5.0]), edges_keV=EDGES
    ).any()
