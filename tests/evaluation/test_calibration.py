"""Calibration error, Brier score and likelihood against values worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.calibration import (
    calibration_from_probabilities,
    held_out_from_stream,
)
from lithoscope.inference.predict import logits_from_counts

# Confidences 0.9 (right), 0.8 (wrong), 0.6 (right), 0.55 (wrong).
SAID = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.55, 0.45]])
TRUE = np.array([0, 1, 1, 1])


def test_by_hand_in_two_bins_of_equal_width():
    # (0, 0.5] is empty; (0.5, 1]: confidence 0.7125, half right.
    found = calibration_from_probabilities(probabilities=SAID, classes=TRUE, bins=2)
    assert found.ece == pytest.approx(0.2125)
    assert [(one.accuracy, one.spectra) for one in found.bins] == [(0.5, 4)]


def test_by_hand_in_ten_bins():
    # A bin holds its upper end: 0.9 and 0.8 stand apart, 0.6 and 0.55 together (0.575, half right).
    found = calibration_from_probabilities(probabilities=SAID, classes=TRUE, bins=10)
    assert found.ece == pytest.approx((0.1 + 0.8 + 2 * 0.075) / 4)
    # 2 (1 - p)^2 for two classes: 0.02, 1.28, 0.32, 0.605.
    assert found.brier == pytest.approx((0.02 + 1.28 + 0.32 + 0.605) / 4)
    assert found.nll == pytest.approx(-np.log([0.9, 0.2, 0.6, 0.45]).mean())
    assert found.accuracy == 0.5


def test_the_likelihood_is_scikit_learn_s():
    draws = np.random.default_rng(3)
    said = draws.dirichlet(np.ones(4), size=500)
    true = draws.integers(0, 4, size=500)
    found = calibration_from_probabilities(probabilities=said, classes=true)
    assert found.nll == pytest.approx(log_loss(true, said, labels=range(4)))


def test_probabilities_that_are_true_have_no_calibration_error_but_that_of_the_draws():
    draws = np.random.default_rng(4)
    said = draws.dirichlet(np.full(5, 0.4), size=200_000)
    true = (said.cumsum(axis=1) < draws.random((len(said), 1))).sum(axis=1).clip(0, 4)
    found = calibration_from_probabilities(probabilities=said, classes=true)
    assert found.ece < 0.004
    # Of true probabilities the expected score is 1 - sum p^2.
    assert found.brier == pytest.approx(1 - (said**2).sum(axis=1).mean(), abs=0.005)
    sure = said**3 / (said**3).sum(axis=1, keepdims=True)
    assert calibration_from_probabilities(probabilities=sure, classes=true).ece > 0.05


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 60), st.integers(2, 6))
def test_bounds(seed, number, classes):
    draws = np.random.default_rng(seed)
    said = draws.dirichlet(np.full(classes, 0.3), size=number)
    found = calibration_from_probabilities(
        probabilities=said, classes=draws.integers(0, classes, size=number)
    )
    assert 0 <= found.ece <= 1
    assert 0 <= found.brier <= 2
    assert found.nll >= 0
    assert sum(one.spectra for one in found.bins) == number


@pytest.mark.parametrize(
    ("said", "true"), [(np.ones((2, 1)), np.zeros(3)), (np.ones((0, 2)), np.zeros(0))]
)
def test_impossible_shapes(said, true):
    with pytest.raises(InvalidValueError, match="shape"):
        calibration_from_probabilities(probabilities=said, classes=true.astype(int))


def test_held_out_logits_are_the_network_s_for_the_same_grains(tiny_model):
    from lithoscope.minerals import load_library
    from lithoscope.workflows.model_spectra import ModelSpectra
    from lithoscope.workflows.recipe import Recipe

    library = load_library()
    minerals = [library.get(name) for name in tiny_model.labels.members]
    spectra = ModelSpectra(
        Recipe.model_validate(tiny_model.card["recipe"]),
        minerals,
        tiny_model.labels,
        tiny_model.axis,
    )
    stream = spectra.for_tests(tiny_model.condition, seed=77)
    levels = held_out_from_stream(tiny_model, stream, spectra=300, levels=(100.0, 5000.0))
    assert [level.counts for level in levels] == [100.0, 5000.0]
    assert (levels[0].classes == levels[1].classes).all()
    assert len(levels[0].classes) >= 300
    batch = stream.at(5000.0).batch(0)
    np.testing.assert_allclose(
        levels[1].logits[: len(batch)], logits_from_counts(tiny_model, batch.counts), rtol=1e-5
    )
