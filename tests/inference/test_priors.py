"""Priors of a scan against dense expectation-maximisation and a closed form."""

from dataclasses import replace

import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import (
    Likelihoods,
    ScanPriors,
    best_under_priors,
    estimate_priors,
    maximised,
)


def random_posteriors(n=400, classes=12, seed=0, scale=3.0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * scale
    logits[:, : classes // 3] += 2.0
    exponents = np.exp(logits)
    dense = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
    return posteriors_from_probabilities(dense, allowed=range(classes))


def dense_steps(dense, steps):
    """Equation 2.9 of Saerens et al., written out over all classes."""
    shares = np.full(dense.shape[1], 1 / dense.shape[1])
    for _ in range(steps):
        posterior = dense * shares
        posterior /= posterior.sum(axis=1, keepdims=True)
        shares = posterior.mean(axis=0)
    return shares


@pytest.mark.parametrize("classes", [2, 3, 4, 12])
def test_sparse_steps_are_the_dense_ones(classes):
    posteriors = random_posteriors(classes=classes)
    dense = posteriors.dense(classes).astype(np.float64)
    likelihoods = Likelihoods.of(posteriors, classes)
    found, _ = maximised(likelihoods, np.full(classes, 1 / classes), most_steps=7)
    np.testing.assert_allclose(found, dense_steps(dense, 7), rtol=2e-5, atol=1e-7)


def test_two_classes_against_the_closed_form():
    # With p = 0.9 or 0.1 the likelihood of the share a of the first class is that of a binomial
    # of chance 0.1 + 0.8 a: its maximum lies where this is the share of pixels of the first kind.
    said = np.array([[0.9, 0.1]] * 700 + [[0.1, 0.9]] * 300, dtype=np.float32)
    posteriors = posteriors_from_probabilities(said, allowed=(0, 1))
    found = estimate_priors(posteriors, n_classes=2)
    assert found.shares[0] == pytest.approx((0.7 - 0.1) / 0.8, abs=2e-3)
    assert found.pixels == 1000


def test_a_class_that_is_only_ever_second_is_not_there():
    said = np.tile(np.array([[0.6, 0.3, 0.05, 0.03, 0.02]], dtype=np.float32), (500, 1))
    found = estimate_priors(posteriors_from_probabilities(said, allowed=range(5)), n_classes=5)
    assert found.shares[0] > 0.9999


def test_the_truth_is_found_again():
    rng = np.random.default_rng(4)
    truth, classes = np.array([0.6, 0.3, 0.08, 0.02, 0, 0, 0, 0]), 8
    means = rng.normal(size=(classes, 3)) * 1.2
    drawn = rng.choice(classes, size=20_000, p=truth)
    seen = means[drawn] + rng.normal(size=(drawn.size, 3))
    logs = -0.5 * ((seen[:, None] - means) ** 2).sum(axis=2)
    dense = np.exp(logs - logs.max(axis=1, keepdims=True))
    dense = (dense / dense.sum(axis=1, keepdims=True)).astype(np.float32)
    found = estimate_priors(
        posteriors_from_probabilities(dense, allowed=range(classes)), n_classes=classes
    )
    counted = np.bincount(dense.argmax(axis=1), minlength=classes) / drawn.size
    assert np.abs(found.shares - truth).max() < 0.02
    assert np.abs(counted - truth).max() > 0.1


@pytest.mark.parametrize("classes", [2, 3, 4, 12])
def test_the_best_class_is_that_of_the_dense_posterior(classes):
    posteriors = random_posteriors(classes=classes, scale=1.0)
    rng = np.random.default_rng(2)
    for _ in range(5):
        shares = rng.dirichlet(np.full(classes, 0.3))
        dense = posteriors.dense(classes).astype(np.float64) * shares
        dense /= dense.sum(axis=1, keepdims=True)
        found, confidence = best_under_priors(posteriors, shares)
        picked = dense[np.arange(len(found)), found]
        np.testing.assert_allclose(picked, dense.max(axis=1), rtol=1e-4)
        np.testing.assert_allclose(confidence, picked, rtol=1e-3)


def test_pixels_that_are_left_out_and_classes_that_are_ruled_out():
    posteriors = random_posteriors()
    use = np.zeros(400, dtype=bool)
    use[:100] = True
    found = estimate_priors(posteriors, n_classes=20, use=use)
    alone = estimate_priors(posteriors.rows(0, 100), n_classes=20)
    np.testing.assert_array_equal(found.shares, alone.shares)
    assert (found.shares[12:] == 0).all()
    nothing = estimate_priors(posteriors, n_classes=12, use=np.zeros(400, dtype=bool))
    assert nothing.pixels == 0
    np.testing.assert_allclose(nothing.shares, 1 / 12)
    with pytest.raises(InvalidValueError, match="same shape"):
        estimate_priors(posteriors, n_classes=12, use=use[:5])


def test_pixels_keep_their_shape():
    classes, confidence = best_under_priors(
        random_posteriors().reshaped(20, 20), np.full(12, 1 / 12)
    )
    assert classes.shape == confidence.shape == (20, 20)
    assert classes.dtype == np.int16
    np.testing.assert_array_equal(classes.ravel(), random_posteriors().classes[:, 0])


def test_what_are_no_shares_is_refused():
    fine = ScanPriors(np.array([0.5, 0.5]), 10, 3)
    for wrong in ([0.5, 0.4], [1.5, -0.5], [[0.5, 0.5]], [np.nan, 1.0]):
        with pytest.raises(InvalidValueError, match="sum to"):
            replace(fine, shares=np.array(wrong))
