"""Posteriors of bright pixels: sharpened by the root of their counts; others left alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import best_under_priors, estimate_priors
from lithoscope.inference.sharpening import sharpened_for_noise


def posteriors_of(rows):
    dense = np.array(rows, dtype=np.float32)
    return posteriors_from_probabilities(dense, allowed=range(dense.shape[1]))


def test_the_power_by_hand():
    """At 90 000 counts p^3: 0.6, 0.3 and 0.1 become 216, 27 and 1 of 244."""
    found = sharpened_for_noise(posteriors_of([[0.6, 0.3, 0.1]]), np.array([90_000.0]))
    assert found.dense(3)[0] == pytest.approx(np.array([216, 27, 1]) / 244, rel=2e-3)


def test_the_rest_is_sharpened_too():
    """At 40 000 counts 0.5, 0.2, 0.1 and twice 0.1: squares 25, 4 and three times 1 of 32."""
    found = sharpened_for_noise(posteriors_of([[0.5, 0.2, 0.1, 0.1, 0.1]]), np.array([40_000.0]))
    assert found.dense(5)[0] == pytest.approx(np.array([25, 4, 1, 1, 1]) / 32, rel=2e-3)


@given(st.floats(0, 10_000), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_noisy_pixels_are_left_alone(counts, classes, seed):
    dense = np.random.default_rng(seed).dirichlet(np.ones(classes), size=3)
    given_ones = posteriors_of(dense)
    found = sharpened_for_noise(given_ones, np.full(3, counts))
    assert found.dense(classes) == pytest.approx(given_ones.dense(classes), abs=0.01)
    assert (found.classes == given_ones.classes).all()


@given(st.floats(1, 1e9), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_any_counts_give_valid_posteriors_in_the_same_order(counts, classes, seed):
    dense = np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), size=3)
    given_ones = posteriors_of(dense)
    found = sharpened_for_noise(given_ones, np.full(3, counts))
    assert (found.classes == given_ones.classes).all()


def test_priors_do_not_outvote_bright_pixels():
    """Of 589 pixels of one class and 31 of another at 0.7, noise explains none at 200 000."""
    rows = [[0.8, 0.15, 0.05]] * 589 + [[0.25, 0.7, 0.05]] * 31
    posteriors = posteriors_of(rows)
    few, many = np.full(620, 1_000.0), np.full(620, 200_000.0)
    named = {}
    for label, counts in (("few", few), ("many", many)):
        sharp = sharpened_for_noise(posteriors, counts)
        priors = estimate_priors(sharp, n_classes=3)
        named[label], _ = best_under_priors(sharp, priors.shares)
    assert (named["few"] == 0).all()
    assert (named["many"][:589] == 0).all()
    assert (named["many"][589:] == 1).all()


@pytest.mark.parametrize("counts", [np.array([1.0, 2.0]), np.array([np.nan])])
def test_other_counts_are_refused(counts):
    with pytest.raises(InvalidValueError, match="Counts of shape"):
        sharpened_for_noise(posteriors_of([[0.6, 0.4]]), counts)
