"""The likelihood of a class against quadrature, and against minimisation by another method."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize

from lithoscope.errors import InvalidValueError
from lithoscope.minerals.class_likelihood import (
    ClassModel,
    class_model_from_spectra,
    log_shares_from_spectra,
)


def log_shares(model, theta):
    logs = model.log_mean + np.atleast_1d(theta) @ model.directions
    return logs - np.log(np.exp(logs).sum())


def joint(model, theta, counts):
    """Density of counts and theta, without the multinomial coefficient."""
    prior = np.prod(np.exp(-(np.atleast_1d(theta) ** 2) / 2) / np.sqrt(2 * np.pi))
    return np.exp(counts @ log_shares(model, theta)) * prior


@pytest.mark.parametrize("total", [3, 30, 300])
def test_one_direction_agrees_with_quadrature(total):
    rng = np.random.default_rng(total)
    model = ClassModel(np.log(rng.dirichlet(np.ones(6))), 0.7 * rng.standard_normal((1, 6)))
    counts = rng.multinomial(total, np.exp(log_shares(model, 0.8)), 4)
    for row, found in zip(counts, model.log_likelihood(counts), strict=True):
        shift = row @ log_shares(model, 0.8)
        exact = quad(
            lambda theta, row=row, shift=shift: (
                np.exp(row @ log_shares(model, theta) - shift - theta**2 / 2) / np.sqrt(2 * np.pi)
            ),
            -9,
            9,
            limit=400,
        )[0]
        assert found == pytest.approx(np.log(exact) + shift, abs=0.1)


def test_two_directions_agree_with_a_grid():
    rng = np.random.default_rng(5)
    model = ClassModel(np.log(rng.dirichlet(np.ones(8))), 0.5 * rng.standard_normal((2, 8)))
    counts = rng.multinomial(40, np.exp(model.log_mean), 3)
    nodes = np.linspace(-6, 6, 241)
    for row, found in zip(counts, model.log_likelihood(counts), strict=True):
        cells = [joint(model, (x, y), row) for x in nodes for y in nodes]
        exact = np.log(np.sum(cells) * (nodes[1] - nodes[0]) ** 2)
        assert found == pytest.approx(exact, abs=0.05)


def test_the_maximum_is_found_far_from_the_mean():
    rng = np.random.default_rng(1)
    model = ClassModel(np.log(rng.dirichlet(np.ones(30))), rng.standard_normal((3, 30)))
    far = np.array([7.0, -6.0, 5.0])
    counts = rng.multinomial(1_000_000, np.exp(log_shares(model, far)))

    def loss(theta):
        return -(counts @ log_shares(model, theta)) + theta @ theta / 2

    best = minimize(loss, far, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-6})
    shares = np.exp(log_shares(model, best.x))
    mean = model.directions @ shares
    fisher = (model.directions * shares) @ model.directions.T - np.outer(mean, mean)
    logdet = np.linalg.slogdet(np.eye(3) + counts.sum() * fisher)[1]
    assert model.log_likelihood(counts[None])[0] == pytest.approx(-best.fun - logdet / 2, abs=0.1)


@given(st.integers(0, 1000), st.integers(0, 3), st.floats(0, 1e6))
@settings(max_examples=25, deadline=None)
def test_likelihoods_are_finite_and_do_not_depend_on_the_order_of_bins(seed, size, total):
    rng = np.random.default_rng(seed)
    model = ClassModel(np.log(rng.dirichlet(np.ones(12))), 3 * rng.standard_normal((size, 12)))
    counts = rng.multinomial(int(total), rng.dirichlet(np.full(12, 0.3)), 3)
    order = rng.permutation(12)
    permuted = ClassModel(model.log_mean[order], model.directions[:, order])
    found = model.log_likelihood(counts)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, permuted.log_likelihood(counts[:, order]), atol=0.05)


def test_components_are_found_and_noise_is_not():
    rng = np.random.default_rng(2)
    mean = np.log(rng.dirichlet(np.ones(40)))
    direction = 0.3 * rng.standard_normal(40)
    theta = rng.standard_normal(200)
    spectra = np.exp(mean + theta[:, None] * direction)
    model = class_model_from_spectra(
        spectra=spectra, responses=np.zeros((0, 40)), most_counts=100.0
    )
    first = model.directions[0]
    centred = direction - np.exp(mean) @ direction
    assert abs(np.corrcoef(first, centred)[0, 1]) > 0.98
    few = class_model_from_spectra(
        spectra=np.exp(mean + 1e-3 * theta[:, None] * direction),
        responses=np.zeros((0, 40)),
        most_counts=100.0,
    )
    assert len(few.directions) == 0


def test_empty_bins_have_finite_logarithms():
    logs = log_shares_from_spectra(spectra=np.array([[0.0, 3.0, 1.0]]))
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs[0, 1:]), [0.75, 0.25], rtol=1e-6)


@pytest.mark.parametrize(
    ("mean", "directions"),
    [
        (np.zeros((2, 3)), np.zeros((1, 3))),
        (np.zeros(0), np.zeros((1, 0))),
        (np.zeros(3), np.zeros((1, 4))),
        (np.zeros(3), np.zeros(3)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(mean, directions):
    with pytest.raises(InvalidValueError):
        ClassModel(mean, directions)
