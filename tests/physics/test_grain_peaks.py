"""Peaks of many grains are those of the single grains."""

import numpy as np
import pytest

from lithoscope.errors import MineralError
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.physics.diffraction import bragg_counts_from_grain, orientation_from_seed
from lithoscope.physics.grain_peaks import GrainPeaks


@pytest.fixture(scope="module")
def machine():
    return load_instrument("m4-tornado")


@pytest.fixture(scope="module")
def peaks(machine):
    return GrainPeaks(machine)


@pytest.mark.parametrize("name", ["quartz", "albite"])
def test_they_are_those_of_single_grains(name, machine, peaks):
    mineral = load_library().get(name)
    turn = orientation_from_seed(seed=4)
    ours = peaks.counts(mineral=mineral, composition=mineral.composition, orientation=turn)
    single = bragg_counts_from_grain(
        mineral=mineral, composition=mineral.composition, orientation=turn, instrument=machine
    )
    both = ours.sum(axis=0)
    assert both.sum() == pytest.approx(single.sum(), rel=2e-3)
    # Rays are gathered in bins of 10 eV instead of 5, which moves flanks a little.
    assert np.abs(both - single[: peaks.channels]).max() < 0.02 * single.max()
    assert single[peaks.channels :].sum() < 1e-3 * single.sum()


def test_detectors_see_their_own(peaks):
    mineral = load_library().get("quartz")
    first, second = peaks.counts(
        mineral=mineral, composition=mineral.composition, orientation=orientation_from_seed(seed=4)
    )
    assert np.corrcoef(first, second)[0, 1] < 0.5


def test_without_a_cell_there_are_none(peaks):
    mineral = load_library().get("epoxy")
    with pytest.raises(MineralError, match="no unit cell"):
        peaks.counts(mineral=mineral, composition=mineral.composition, orientation=np.eye(3))
