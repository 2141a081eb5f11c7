"""Streams as one: each gives its part, unchanged, and what is joined must fit together."""

import pytest
import torch

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.joined import JoinedStreams
from lithoscope.synthesis.stream import SpectrumStream


def test_a_batch_is_the_parts_of_each_stream(make_stream):
    most = make_stream({"poisson": 2.0, "energy": 2.0}, batch_size=24)
    few = make_stream({"poisson": 2.0}, batch_size=8, seed=9)
    joined = JoinedStreams([most, few])
    batch = joined.batch(3)
    assert torch.equal(batch.counts[:24], most.batch(3).counts)
    assert torch.equal(batch.counts[24:], few.batch(3).counts)
    classes = torch.cat([most.batch(3).classes, few.batch(3).classes])
    assert torch.equal(batch.classes, classes)
    assert joined.labels == most.labels
    assert joined.condition.severities == most.condition.severities
    assert joined.condition.name == "24 test and 8 test"


def test_other_axes_and_classes_are_refused(make_stream, tornado, targets):
    bins, channels = make_stream({}), make_stream({}, target="channels")
    with pytest.raises(InvalidValueError, match="466 and 4096 bins"):
        JoinedStreams([bins, channels])
    quartz = [load_library().get("quartz")]
    other = SpectrumStream(
        quartz,
        LabelSet.of_minerals(["quartz"]),
        [load_instrument("m4-tornado")],
        CONDITIONS["poisson"],
        targets["bins"],
        batch_size=8,
        seed=1,
    )
    with pytest.raises(InvalidValueError, match="5 and 1 classes"):
        JoinedStreams([bins, other])


def test_pure_grains_hold_nothing_but_their_formula(make_stream, minerals):
    """Halite's grains without traces hold sodium and chlorine alone."""
    batch = (stream := make_stream({}, batch_size=128, pure_share=1.0)).batch(0)
    halite = batch.minerals == [mineral.name for mineral in minerals].index("halite")
    held = {
        symbol
        for symbol, fraction in zip(stream.symbols, batch.fractions[halite].T, strict=True)
        if fraction.any()
    }
    assert halite.sum() > 10
    assert held == {"Na", "Cl"}


def test_a_share_of_pure_grains_outside_0_to_1_is_refused():
    with pytest.raises(InvalidValueError, match="without traces"):
        GenerationSize(pure_share=2.0)
