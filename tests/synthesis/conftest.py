"""Small streams and ideal spectra of a few minerals."""

import numpy as np
import pytest
import torch

from lithoscope.core.labels import LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.distortions.base import Draws
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.fine_bins import counted_share, fine_edges
from lithoscope.synthesis.generations import GenerationMaker, GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

NAMES = ("orthoclase", "quartz", "halite", "hematite", "epoxy")


@pytest.fixture(scope="session")
def minerals():
    library = load_library()
    return [library.get(name) for name in NAMES]


@pytest.fixture(scope="session")
def tornado():
    return load_instrument("m4-tornado")


@pytest.fixture(scope="session")
def targets(tornado):
    """Edges by name: a model's 466 bins, and the instrument's 4096 channels."""
    return {"bins": ModelAxis().edges_keV, "channels": tornado.axis.edges_keV}


@pytest.fixture(scope="session")
def make_stream(minerals, tornado, targets):
    """Make a stream of the few minerals at 3 000 counts."""

    def make(severities, *, target="bins", seed=1, counts=3000.0, **options):
        return SpectrumStream(
            minerals,
            LabelSet.of_minerals(NAMES),
            [tornado],
            Condition("test", severities, (counts, counts)),
            targets[target],
            batch_size=options.pop("batch_size", 32),
            seed=seed,
            size=GenerationSize(2, 64, pure_share=options.pop("pure_share", 0.0)),
            **options,
        )

    return make


@pytest.fixture(scope="session")
def ideal(minerals, tornado, targets):
    """Ideal spectra of 64 grains in the fine bins of the 466."""
    target = targets["bins"]
    fine = fine_edges(
        target, low_keV=target[0], high_keV=target[-1] + 0.3, detector=tornado.detector
    )
    maker = GenerationMaker(
        minerals,
        LabelSet.of_minerals(NAMES),
        [tornado],
        (),
        fine,
        counted_share(fine, target),
        size=GenerationSize(machines=1, per_machine=64),
        seed=5,
        device=torch.device("cpu"),
    )
    return ExpectedBatch(maker.make(0), torch.arange(64))


@pytest.fixture
def draws(ideal):
    return Draws(len(ideal), torch.Generator().manual_seed(3))


@pytest.fixture
def flat(ideal):
    """Spectra of one count in each keV."""
    widths = torch.diff(ideal.edges_keV)
    return widths.repeat(len(ideal), 1)


def bin_of(edges_keV, energy_keV):
    """The bin in which an energy lies."""
    return int(np.searchsorted(np.asarray(edges_keV), energy_keV)) - 1
