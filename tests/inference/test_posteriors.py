"""Posteriors in compact form against the dense ones that they stand for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import (
    LEAST_LOG,
    joined,
    posteriors_from_probabilities,
)


def some_probabilities(n=200, classes=30, scale=4.0, seed=0):
    logits = np.random.default_rng(seed).normal(size=(n, classes)) * scale
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 40.0), classes=st.integers(1, 40))
def test_dense_again_agrees_with_what_was_kept(seed, scale, classes):
    dense = some_probabilities(50, classes, scale, seed)
    kept = posteriors_from_probabilities(dense, allowed=range(classes))
    again = kept.dense(classes)
    order = np.argsort(-dense, axis=1, kind="stable")[:, : min(3, classes)]
    best = np.take_along_axis(dense, order, 1)
    found = np.take_along_axis(again, order, 1)
    # 11 bits of a logarithm of at most 60 in size.
    np.testing.assert_allclose(found, np.maximum(best, np.exp(LEAST_LOG)), rtol=0.035)
    np.testing.assert_allclose(found, best, atol=2e-3)
    if classes > 3:
        rest = 1 - best.sum(axis=1, dtype=np.float64)
        np.testing.assert_allclose(1 - found.sum(axis=1), rest, atol=2e-3)
    np.testing.assert_allclose(again.sum(axis=1), 1, rtol=1e-5)


def test_what_is_left_is_not_lost_to_rounding():
    rest = 1e-10
    dense = np.full((1, 13), rest, dtype=np.float32)
    dense[0, :3] = 0.9, 0.06, 0.04
    kept = posteriors_from_probabilities(dense, allowed=range(13))
    assert float(kept.log_rest[0]) == pytest.approx(np.log(rest), abs=0.01)
    assert kept.classes.tolist() == [[0, 1, 2]]


def test_classes_that_were_ruled_out_get_nothing():
    dense = some_probabilities(20, 8)
    dense[:, [0, 3, 5]] = 0
    dense /= dense.sum(axis=1, keepdims=True)
    allowed = (1, 2, 4, 6, 7)
    kept = posteriors_from_probabilities(dense, allowed=allowed)
    assert set(kept.classes.ravel().tolist()) <= set(allowed)
    assert kept.others == 2
    assert (kept.dense(8)[:, [0, 3, 5]] == 0).all()
    np.testing.assert_allclose(kept.dense(8), dense, atol=0.2)


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_fewer_classes_than_are_kept(classes):
    dense = some_probabilities(20, classes)
    kept = posteriors_from_probabilities(dense, allowed=range(classes))
    assert kept.classes.shape == (20, classes)
    np.testing.assert_allclose(kept.dense(classes), dense, atol=2e-3)


def test_blocks_reshape_and_join():
    kept = posteriors_from_probabilities(some_probabilities(12), allowed=range(30))
    again = joined([kept.rows(0, 5), kept.rows(5, 12)]).reshaped(3, 4)
    assert again.shape == (3, 4)
    np.testing.assert_array_equal(again.dense(30).reshape(12, 30), kept.dense(30))
    other = posteriors_from_probabilities(some_probabilities(12, 29), allowed=range(29))
    with pytest.raises(InvalidValueError, match="different classes"):
        joined([kept, other])


def test_what_does_not_fit_is_refused():
    kept = posteriors_from_probabilities(some_probabilities(6), allowed=range(30))
    with pytest.raises(InvalidValueError, match="Allowed classes"):
        replace(kept, allowed=(3, 3, 4))
    with pytest.raises(InvalidValueError, match="types"):
        replace(kept, log_rest=kept.log_rest.astype(np.float32))
    with pytest.raises(InvalidValueError, match="shapes"):
        replace(kept, log_rest=kept.log_rest[:5])
    with pytest.raises(InvalidValueError, match="ruled out"):
        replace(kept, classes=np.full_like(kept.classes, 31))
    with pytest.raises(InvalidValueError, match="twice"):
        replace(kept, classes=np.zeros_like(kept.classes))
    with pytest.raises(InvalidValueError, match="sum to"):
        replace(kept, log_probabilities=kept.log_probabilities - np.float16(1))
    nothing = kept.log_probabilities.copy()
    nothing[2, 1] = np.nan
    with pytest.raises(InvalidValueError, match="sum to nan"):
        replace(kept, log_probabilities=nothing)
    with pytest.raises(InvalidValueError, match="out of order"):
        replace(kept, log_probabilities=np.ascontiguousarray(kept.log_probabilities[:, ::-1]))
    with pytest.raises(InvalidValueError, match="a column for each"):
        posteriors_from_probabilities(some_probabilities(6, 4), allowed=range(5))
