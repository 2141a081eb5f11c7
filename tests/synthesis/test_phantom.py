"""The phantom: its truth is what was simulated."""

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Geometry, Instrument, Polycapillary
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.phantom import phantom_scan

MINERALS = {
    "quartz": Mineral("quartz", "SiO2", 2.65),
    "hematite": Mineral("hematite", "Fe2O3", 5.2),
    "calcite": Mineral("calcite", "CaCO3", 2.7),
}
MACHINE = Instrument(
    "test",
    optic=Polycapillary(1.2, 9.0, 4.4),
    geometry=Geometry(50, 50, 130),
    axis=EnergyAxis(0.0, 0.02, 2048),
)
FACTS = {
    "minerals": MINERALS,
    "instrument": MACHINE,
    "shape": (40, 30),
    "grain_pixels": 12.0,
    "counts": 500.0,
    "pixel_size_mm": 0.05,
    "seed": 3,
    "title": "phantom",
}
SHARES = {"quartz": 0.6, "hematite": 0.3, "calcite": 0.1}


@pytest.fixture(scope="module")
def phantom():
    return phantom_scan(shares=SHARES, **FACTS)


def test_shares_are_met(phantom):
    for name, share in SHARES.items():
        assert (phantom.truth == name).mean() == pytest.approx(share, abs=0.03)


def test_iron_lies_where_hematite_is(phantom):
    counts = phantom.scan.read_rows(0, 40)
    energies = MACHINE.axis.energies_keV
    iron = counts[:, :, np.abs(energies - 6.4) < 0.15].sum(axis=2)
    here = phantom.truth == "hematite"
    assert iron[here].min() > iron[~here].max()


def test_counts_are_as_asked_and_seeded(phantom):
    counts = phantom.scan.read_rows(0, 40)
    assert counts.sum(axis=2).mean() == pytest.approx(500, rel=0.03)
    again = phantom_scan(shares=SHARES, **FACTS)
    np.testing.assert_array_equal(counts, again.scan.read_rows(0, 40))
    other = phantom_scan(shares=SHARES, **{**FACTS, "seed": 4})
    assert not np.array_equal(counts, other.scan.read_rows(0, 40))


def test_a_grain_is_one_mineral(phantom):
    for grain in range(phantom.grains.max() + 1):
        assert len(set(phantom.truth[phantom.grains == grain])) == 1


@pytest.mark.parametrize("shares", [{}, {"granite": 1.0}, {"quartz": 0.0}])
def test_impossible_shares(shares):
    with pytest.raises(InvalidValueError, match="Shares"):
        phantom_scan(shares=shares, **FACTS)
