"""The reference that XMI-MSIM computed: its source, its machine, its detector."""

from pathlib import Path

import numpy as np
import pytest
import xraylib

from lithoscope.core.instrument import Geometry, Instrument
from lithoscope.physics.source import Source

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session")
def xmimsim_source():
    """Rh 50 kV, exactly as the Monte Carlo had it."""
    with np.load(DATA / "xmimsim_source.npz", allow_pickle=False) as file:
        edges = np.concatenate([np.arange(1, 12, 0.02), np.arange(12, 50.01, 0.05)])
        middles = (edges[1:] + edges[:-1]) / 2
        flux = np.interp(middles, file["cont_energy_keV"], file["cont_photons_per_s_per_keV"])
        energies = np.concatenate([middles, file["line_energy_keV"]])
        photons = np.concatenate([flux * np.diff(edges), file["line_photons_per_s"]])
    return Source(energies, photons, np.arange(energies.size) >= middles.size)


@pytest.fixture(scope="session")
def xmimsim_instrument():
    """51 degrees in and out, 30 mm² at 30 mm."""
    return Instrument("xmi", geometry=Geometry(51, 51, 102, 0.03307))


@pytest.fixture(scope="session")
def xmimsim_efficiency():
    """Beryllium window and crystal; XMI-MSIM counts scatter in the silicon as absorption."""

    def efficiency(energies_keV):
        window = np.array([xraylib.CS_Total_Kissel(4, energy) for energy in energies_keV])
        silicon = np.array([xraylib.CS_Total_Kissel(14, energy) for energy in energies_keV])
        return np.exp(-window * 1.848 * 8e-4) * -np.expm1(-silicon * 2.33 * 0.045)

    return efficiency
