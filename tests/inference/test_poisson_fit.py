"""Non-negative Poisson fits against closed forms and a general optimiser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from lithoscope.errors import InvalidValueError
from lithoscope.inference.poisson_fit import amplitudes_from_counts, log_likelihood_from_counts


def test_a_single_template_has_the_ratio_of_sums():
    template = np.array([[1.0, 2.0, 5.0]])
    counts = np.array([3.0, 1.0, 12.0])
    assert amplitudes_from_counts(counts=counts, templates=template)[0] == pytest.approx(2.0)


def test_two_templates_as_a_general_optimiser_finds_them():
    rng = np.random.default_rng(2)
    templates = rng.gamma(0.7, 1.0, (2, 40))
    counts = rng.poisson(30 * templates[0] + 8 * templates[1]).astype(float)

    def loss(logs):
        return -log_likelihood_from_counts(counts=counts, expected=np.exp(logs) @ templates)

    best = np.exp(minimize(loss, [1.0, 1.0], tol=1e-12).x)
    np.testing.assert_allclose(
        amplitudes_from_counts(counts=counts, templates=templates), best, rtol=2e-3
    )


def test_a_cap_that_binds_is_reached_and_the_rest_is_as_likely_as_can_be():
    templates = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    counts = np.array([100.0, 50.0, 150.0])
    found = amplitudes_from_counts(
        counts=counts, templates=templates, caps=np.array([40.0, np.inf])
    )
    assert found[0] == pytest.approx(40)
    # d/da [50 ln a + 150 ln(40 + a) - 2 a] = 0, so 2 a^2 - 120 a - 2000 = 0.
    assert found[1] == pytest.approx((120 + np.sqrt(120**2 + 16000)) / 4, rel=1e-3)


def test_an_empty_template_gets_nothing():
    found = amplitudes_from_counts(
        counts=np.array([4.0, 6.0]), templates=np.array([[0.0, 0.0], [2.0, 3.0]])
    )
    np.testing.assert_allclose(found, [0, 2])


def test_other_bins_are_refused():
    with pytest.raises(InvalidValueError, match="bins"):
        amplitudes_from_counts(counts=np.ones(3), templates=np.ones((2, 4)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), templates=st.integers(1, 6), level=st.floats(1.0, 1e5))
def test_expectation_has_the_counts_and_no_amplitude_is_negative(seed, templates, level):
    rng = np.random.default_rng(seed)
    shapes = rng.gamma(0.5, 1.0, (templates, 30)) + 1e-3
    counts = rng.poisson(level * rng.dirichlet(np.ones(30))).astype(float)
    found = amplitudes_from_counts(counts=counts, templates=shapes)
    assert (found >= 0).all()
    # At the maximum, and after every step of EM, sum_j m_j = sum_j n_j.
    assert (found @ shapes).sum() == pytest.approx(counts.sum(), rel=1e-9, abs=1e-6)
