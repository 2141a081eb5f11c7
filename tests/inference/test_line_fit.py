"""Line fitting: exact on its own templates, and independent of the stream's truth."""

import numpy as np
import pytest

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.inference.line_fit import LineFit, line_fit_for_instrument
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.physics.line_groups import LineGroup
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

NAMES = ("orthoclase", "halite", "hematite", "galena", "baryte", "rutile")


@pytest.fixture(scope="module")
def make_stream():
    library = load_library()

    def make(severities):
        return SpectrumStream(
            [library.get(name) for name in NAMES],
            LabelSet.of_minerals(NAMES),
            [load_instrument("m4-tornado")],
            Condition("test", severities, (1e5, 1e5)),
            ModelAxis().edges_keV,
            batch_size=48,
            seed=4,
            size=GenerationSize(machines=2, per_machine=48),
            lines=True,
        )

    return make


@pytest.fixture(scope="module")
def fit(make_stream):
    return line_fit_for_instrument(
        instrument=load_instrument("m4-tornado"),
        groups=make_stream({}).line_groups,
        edges_keV=ModelAxis().edges_keV,
    )


def test_sums_of_templates_are_taken_apart_exactly(fit):
    rng = np.random.default_rng(0)
    shape = (12, len(fit.templates))
    parts = rng.exponential(1000.0, shape) * (rng.random(shape) < 0.15)
    # Twelve scatterers hardly differ, so that one background is enough.
    parts[:, len(fit.groups) :] = 0.0
    parts[:, len(fit.groups) + 3] = 2000.0
    found = fit.net_counts(parts @ fit.templates)
    np.testing.assert_allclose(found, parts[:, : len(fit.groups)], rtol=1e-6, atol=1e-5)


def test_templates_are_of_one_count(fit):
    np.testing.assert_allclose(fit.templates.sum(axis=1), 1.0)
    assert (fit.templates >= 0).all()
    edges = ModelAxis().edges_keV
    iron = fit.templates[fit.groups.index(LineGroup("Fe", "K"))]
    assert edges[iron.argmax()] < 6.40 < edges[iron.argmax() + 1]


@pytest.mark.parametrize(
    "severities",
    [{}, {"mixture": 4.0}, {"contamination": 4.0}, {"background": 4.0}, {"bragg": 2.0}],
)
def test_noise_free_spectra_give_the_net_counts_that_the_stream_tells(fit, make_stream, severities):
    batch = make_stream(severities).batch(0)
    found, due = fit.net_counts(batch.expected.numpy()), batch.lines.numpy()
    strong = due > 3000
    error = found[strong] / due[strong] - 1
    # Kα and Kβ are in other ratios in a matrix than in the pure element.
    assert abs(np.median(error)) < 0.01
    assert np.percentile(abs(error), 90) < 0.05


def test_errors(fit):
    with pytest.raises(InvalidValueError, match="Counts of shape"):
        fit.net_counts(np.zeros((2, 5)))
    with pytest.raises(InvalidValueError, match="for 3 groups"):
        LineFit(fit.groups[:3], fit.templates[:2])
    with pytest.raises(InvalidValueError, match="nothing of U K"):
        line_fit_for_instrument(
            instrument=load_instrument("m4-tornado"),
            groups=[LineGroup("U", "K")],
            edges_keV=ModelAxis().edges_keV,
        )
