"""Temperatures of a closed form, and sets that hold the truth as often as asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.inference.calibration import (
    COVERAGES,
    HeldOut,
    fit_conformal,
    fit_temperature,
    prediction_sets,
    probabilities_from_logits,
    temperature_at_counts,
)
from lithoscope.models.confidence import UNCALIBRATED, ConformalThresholds, Temperature


def two_classes(logit, right, total):
    """Spectra of one logit difference, of which `right` of `total` are named right."""
    logits = np.tile([logit, 0.0], (total, 1))
    classes = np.array([0] * right + [1] * (total - right))
    return HeldOut(100.0, logits, classes)


@pytest.mark.parametrize(("logit", "right", "total"), [(3.0, 8, 10), (0.5, 9, 10), (6.0, 3, 4)])
def test_the_temperature_of_two_classes_is_the_logit_over_the_log_odds(logit, right, total):
    # softmax((z, 0) / T) is right / total where z / T = log(right / wrong).
    found = fit_temperature([two_classes(logit, right, total)])
    assert found.values[0] == pytest.approx(logit / np.log(right / (total - right)), rel=1e-3)


def test_the_temperature_of_three_classes_solves_the_equation_of_its_minimum():
    # At the minimum the mean logit of the truth is the mean expected logit (Guo et al., appendix).
    logits = np.array([[2.0, 1.0, 0.0], [4.0, 0.0, 1.0], [1.0, 3.0, 0.0], [2.0, 0.0, 5.0]])
    classes = np.array([0, 0, 1, 0])

    def excess(temperature):
        weights = np.exp(logits / temperature)
        weights /= weights.sum(axis=1, keepdims=True)
        return (weights * logits).sum(axis=1).mean() - logits[np.arange(4), classes].mean()

    found = fit_temperature([HeldOut(100.0, logits, classes)])
    assert found.values[0] == pytest.approx(brentq(excess, 0.5, 20), rel=1e-3)


def test_drawn_labels_give_back_the_scale_of_their_logits():
    draws = np.random.default_rng(0)
    logits = draws.normal(size=(40_000, 5))
    classes = np.argmax(logits + draws.gumbel(size=logits.shape), axis=1)
    for scale in (0.5, 1.0, 3.0):
        found = fit_temperature([HeldOut(100.0, scale * logits, classes)])
        assert found.values[0] == pytest.approx(scale, rel=0.03)


def test_temperatures_are_interpolated_over_log_counts_and_held_beyond():
    temperature = Temperature((100.0, 10_000.0), (1.0, 3.0))
    values = temperature_at_counts(
        temperature=temperature, counts=np.array([0.0, 10.0, 1000.0, 1e6])
    )
    np.testing.assert_allclose(values, [1.0, 1.0, 2.0, 3.0])
    logits = np.array([[2.0, 0.0]], dtype=np.float32)
    said = probabilities_from_logits(
        logits=logits, counts=np.array([1000.0]), temperature=temperature
    )
    np.testing.assert_allclose(said[0, 0], 1 / (1 + np.exp(-1.0)), rtol=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=6),
    st.floats(0.1, 10),
    st.floats(0, 1e7),
)
def test_a_temperature_never_changes_the_most_probable_class(row, value, counts):
    logits = np.array([row], dtype=np.float32)
    said = probabilities_from_logits(
        logits=logits, counts=np.array([counts]), temperature=Temperature((1.0,), (value,))
    )
    assert said[0, logits[0].argmax()] == said.max()
    assert said.sum() == pytest.approx(1, abs=1e-5)


def exchangeable(seed, number, classes=8):
    """Spectra whose network is wrongly sure of itself: its logits are twice the true ones."""
    draws = np.random.default_rng(seed)
    logits = 1.5 * draws.normal(size=(number, classes))
    return 2 * logits, np.argmax(logits + draws.gumbel(size=logits.shape), axis=1)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95, 0.99])
def test_sets_hold_the_truth_as_often_as_asked_also_of_a_badly_calibrated_model(coverage):
    fitted, tested = 4000, 20_000
    conformal = fit_conformal([HeldOut(100.0, *exchangeable(1, fitted))], UNCALIBRATED)
    logits, classes = exchangeable(2, tested)
    counts = np.full(tested, 100.0)
    said = probabilities_from_logits(logits=logits, counts=counts, temperature=UNCALIBRATED)
    sets = prediction_sets(
        conformal=conformal, probabilities=said, counts=counts, coverage=coverage
    )
    held = sets[np.arange(tested), classes].mean()
    # Beta-distributed over calibration sets (Vovk 2012), binomial over the test.
    error = np.sqrt(coverage * (1 - coverage) * (1 / fitted + 1 / tested))
    assert abs(held - coverage) < 3.5 * error
    assert (sets.sum(axis=1) >= 1).all()


def test_the_threshold_is_the_order_statistic_of_split_conformal():
    # Nine spectra, truth at 0.1 ... 0.9: floor(10 * 0.2) = 2, the second smallest.
    truth = np.arange(1, 10) / 10
    logits = np.log(np.column_stack([truth, 1 - truth]))
    level = HeldOut(100.0, logits, np.zeros(9, dtype=int))
    found = fit_conformal([level], UNCALIBRATED, coverages=(0.8, 0.9, 0.95))
    np.testing.assert_allclose(found.probabilities[0], [0.2, 0.1, 0.0], atol=1e-6)


def test_sets_by_hand():
    conformal = ConformalThresholds((100.0, 10_000.0), (0.8, 0.9), ((0.4, 0.2), (0.2, 0.1)), 9)
    said = np.array([[0.5, 0.32, 0.13, 0.05], [0.1, 0.1, 0.75, 0.05], [0.35, 0.31, 0.34, 0.0]])

    def sets(coverage, counts):
        chosen = prediction_sets(
            conformal=conformal,
            probabilities=said,
            counts=np.full(3, counts),
            coverage=coverage,
        )
        return [np.flatnonzero(row).tolist() for row in chosen]

    # The last row's best is below the threshold and stands alone.
    assert sets(0.8, 100.0) == [[0], [2], [0]]
    # 0.85 is not stored: 0.9 holds.
    assert sets(0.85, 100.0) == sets(0.9, 100.0) == [[0, 1], [2], [0, 1, 2]]
    # Half way between the levels: 0.3.
    assert sets(0.8, 1000.0) == [[0, 1], [2], [0, 1, 2]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_a_higher_coverage_never_drops_a_class(seed, number):
    logits, classes = exchangeable(seed, number, 4)
    conformal = fit_conformal([HeldOut(50.0, logits, classes)], UNCALIBRATED)
    counts = np.full(number, 50.0)
    said = probabilities_from_logits(logits=logits, counts=counts, temperature=UNCALIBRATED)
    before = np.zeros_like(said, dtype=bool)
    for coverage in COVERAGES:
        chosen = prediction_sets(
            conformal=conformal, probabilities=said, counts=counts, coverage=coverage
        )
        assert (chosen | ~before).all()
        before = chosen


@pytest.mark.parametrize("coverage", [0.0, -1.0, 0.9999, 1.0, np.nan])
def test_impossible_coverages(coverage):
    conformal = ConformalThresholds((100.0,), (0.9,), ((0.1,),), 9)
    with pytest.raises(InvalidValueError, match="coverage"):
        prediction_sets(
            conformal=conformal,
            probabilities=np.array([[1.0, 0.0]]),
            counts=np.array([100.0]),
            coverage=coverage,
        )


@pytest.mark.parametrize(
    ("counts", "logits", "classes", "message"),
    [
        (100.0, np.zeros((2, 3)), np.zeros(3, dtype=int), "shape"),
        (100.0, np.zeros((0, 3)), np.zeros(0, dtype=int), "at least one"),
        (100.0, np.full((1, 3), np.nan), np.zeros(1, dtype=int), "finite"),
        (100.0, np.zeros((1, 3)), np.array([3]), "0 to 2"),
        (100.0, np.zeros((1, 3)), np.array([-1]), "0 to 2"),
        (0.0, np.zeros((1, 3)), np.array([0]), "positive"),
    ],
)
def test_impossible_held_out_spectra(counts, logits, classes, message):
    with pytest.raises(InvalidValueError, match=message):
        HeldOut(counts, logits, classes)


@pytest.mark.parametrize(
    ("counts", "values"),
    [
        ((), ()),
        ((1.0,), (1.0, 2.0)),
        ((2.0, 1.0), (1.0, 1.0)),
        ((1.0,), (0.0,)),
        ((1.0,), (np.inf,)),
        ((-1.0,), (1.0,)),
        ((np.nan,), (1.0,)),
    ],
)
def test_impossible_temperatures(counts, values):
    with pytest.raises(CheckpointError):
        Temperature(counts, values)


@pytest.mark.parametrize(
    ("coverages", "rows", "spectra"),
    [
        ((), ((),), 9),
        ((0.9, 0.8), ((0.1, 0.2),), 9),
        ((0.9, 1.0), ((0.1, 0.0),), 9),
        ((0.8, 0.9), ((0.1,),), 9),
        ((0.8, 0.9), ((0.1, 0.2),), 9),
        ((0.8,), ((1.1,),), 9),
        ((0.8,), ((0.1,), (0.1,)), 9),
        ((0.8,), ((0.1,),), 0),
    ],
)
def test_impossible_conformal_thresholds(coverages, rows, spectra):
    with pytest.raises(CheckpointError):
        ConformalThresholds((100.0,), coverages, rows, spectra)
