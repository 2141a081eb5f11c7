"""Families of spectra: what is seen, what is uncertain, and what is drawn."""

import dataclasses

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Atmosphere
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InstrumentError, InvalidValueError
from lithoscope.io import load_instrument
from lithoscope.minerals.class_likelihood import log_shares_from_spectra
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.synthesis.calibration import CalibrationUncertainty
from lithoscope.synthesis.families import FamilySimulator, FamilySize, lowest_seen_energy
from lithoscope.synthesis.instrument_changes import instrument_changes

TORNADO = load_instrument("m4-tornado")
AIR = dataclasses.replace(TORNADO, atmosphere=Atmosphere("air", 1013.0))
SMALL = FamilySize(fitted=6, machines=2, tested=3)
SPINEL = Mineral("spinel", "MgAl2O4", 3.6, traces={"Zn": (1e-4, 1e-2)})


def test_light_elements_are_used_where_they_are_seen():
    fluorine = 0.677
    assert lowest_seen_energy(TORNADO) > fluorine
    assert lowest_seen_energy(load_instrument("m4-tornado-plus")) < 0.28
    assert lowest_seen_energy(AIR) == 0.8


def test_a_machine_moved_by_nothing_is_the_machine():
    uncertainty = CalibrationUncertainty()
    assert uncertainty.vary(TORNADO, {}) == TORNADO
    bare = dataclasses.replace(TORNADO, optic=None)
    assert "rise" not in uncertainty.parameters(bare)
    assert uncertainty.vary(bare, {"k_line": 1.0}).tube.k_line_factor > bare.tube.k_line_factor


def test_a_deviate_widens_peaks_by_its_share_at_every_energy():
    moved = CalibrationUncertainty(resolution=0.05).vary(TORNADO, {"resolution": 2.0})
    energies = np.array([1.0, 6.4, 20.0])
    ratio = fwhm_from_energy(detector=moved.detector, energies_keV=energies) / fwhm_from_energy(
        detector=TORNADO.detector, energies_keV=energies
    )
    np.testing.assert_allclose(ratio, np.exp(0.1))


@pytest.mark.parametrize("value", [-0.1, 7.0, float("nan")])
@pytest.mark.parametrize("name", ["gain", "offset_keV", "resolution", "window", "optic"])
def test_impossible_uncertainties_are_refused(name, value):
    with pytest.raises(InvalidValueError, match=name):
        CalibrationUncertainty(**{name: value})


def test_sizes_below_one_are_refused():
    with pytest.raises(InvalidValueError):
        FamilySize(machines=0)


def test_an_axis_that_ends_too_early_is_refused():
    short = dataclasses.replace(TORNADO, axis=EnergyAxis(0.0, 0.01, 300))
    with pytest.raises(InstrumentError, match="ends at 3"):
        FamilySimulator([SPINEL], short)


def test_families_have_the_sizes_asked_for_and_follow_the_seed():
    simulator = FamilySimulator([SPINEL, Mineral("lime", "CaO", 3.3)], TORNADO, size=SMALL, seed=3)
    steps = []
    families = simulator.families(lambda done, total: steps.append((done, total)))
    again = FamilySimulator([SPINEL, Mineral("lime", "CaO", 3.3)], TORNADO, size=SMALL, seed=3)
    assert [family.name for family in families] == ["spinel", "lime"]
    assert families[0].fitted.shape[0] == families[0].tested.shape[0] == 6
    assert families[0].responses.shape[0] == 9
    np.testing.assert_array_equal(families[1].tested, again.families()[1].tested)
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_responses_foretell_a_machine_that_differs_in_everything():
    """The straight line in the logarithm holds for a machine one standard deviation off."""
    still = CalibrationUncertainty(gain=0, offset_keV=0)
    fixed = Mineral("spinel", "MgAl2O4", 3.6)
    deviates = {"k_line": 0.7, "rise": -0.6, "fall_keV": -0.7, "window": 1.0, "background": -0.8}
    moved = still.vary(TORNADO, deviates)
    size = FamilySize(fitted=1, machines=1, tested=1)

    simulator = FamilySimulator([fixed], TORNADO, uncertainty=still, size=size)
    typical = np.array([[dict(fixed.composition)[symbol] for symbol in simulator._symbols]])
    before, after = (
        simulator._typical_spectra(simulator._compiled(instrument), typical)
        for instrument in (TORNADO, moved)
    )
    family = simulator.families()[0]
    names = ["gain", "offset_keV", *still.parameters(TORNADO)]
    foretold = sum(deviates.get(n, 0.0) * r for n, r in zip(names, family.responses, strict=True))
    start = log_shares_from_spectra(spectra=simulator._axis.rebinned(before, 1.0, 0.0))[0]
    change = log_shares_from_spectra(spectra=simulator._axis.rebinned(after, 1.0, 0.0))[0] - start
    foretold = foretold - np.log(np.exp(start + foretold).sum())
    seen = np.exp(start) > 1e-4
    assert np.abs(change[seen]).max() > 0.2
    weights = np.exp(start[seen])
    left = np.sqrt(np.average((foretold - change)[seen] ** 2, weights=weights))
    assert left < 0.15 * np.sqrt(np.average(change[seen] ** 2, weights=weights))


def test_changes_are_what_an_instrument_lacks():
    names = set(instrument_changes(TORNADO))
    assert names == {
        "light-element window",
        "15 kV",
        "30 kV",
        "Al filter 100 µm",
        "Al filter 630 µm",
    }
    in_air = instrument_changes(AIR)
    assert in_air["vacuum"].atmosphere.gas == "vacuum"
    assert "light-element window in vacuum" in in_air
    assert "light-element window" not in instrument_changes(load_instrument("m4-tornado-plus"))
