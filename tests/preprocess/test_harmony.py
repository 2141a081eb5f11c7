"""What is said of scans that are not of the kind a model saw."""

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.harmony import check_harmony, dead_channels
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition
from lithoscope.workflows.simulate import simulate


@pytest.fixture(scope="module")
def spectrum():
    return simulate("almandine", counts=2e6)


def said(spectrum, *, total=None, counts=1000.0, axis=None):
    return check_harmony(
        sum_spectrum=spectrum.counts if total is None else total,
        counts=np.full((4, 5), counts),
        axis=axis or spectrum.axis,
        model_axis=ModelAxis(),
        condition=Condition("any", counts=(30, 1e6)),
    )


def test_nothing_is_said_of_what_the_model_knows(spectrum):
    assert said(spectrum) is None
    assert said(spectrum, counts=0.0) is None


def test_dead_channels_are_named_and_many_are_refused(spectrum):
    total = np.array(spectrum.counts)
    iron = spectrum.axis.channel(6.4)
    total[iron] = 0
    assert dead_channels(total).tolist() == [iron]
    assert "dead channels at 6.40 keV" in said(spectrum, total=total)
    total[100::7] = 0
    with pytest.raises(PreprocessingError, match="channels are empty though"):
        said(spectrum, total=total)


def test_empty_channels_at_few_counts_are_no_dead_ones():
    poor = np.random.default_rng(0).poisson(3.0, 4096)
    assert (poor == 0).sum() > 100
    assert dead_channels(poor).size == 0


def test_an_axis_that_is_cut_is_named(spectrum):
    late = EnergyAxis(2.0, 0.01, 3000)
    assert "begins at 2.00 keV" in said(spectrum, total=np.ones(3000), axis=late)
    short = EnergyAxis(0.0, 0.01, 1000)
    assert "ends at 10.0 keV" in said(spectrum, total=np.full(1000, 50), axis=short)
    ended = np.where(np.arange(1000) < 800, 50, 0)
    assert said(spectrum, total=ended, axis=short) is None


def test_more_counts_than_were_trained_on(spectrum):
    assert "100% of the pixels have more than the 1,000,000 counts" in said(spectrum, counts=2e6)
