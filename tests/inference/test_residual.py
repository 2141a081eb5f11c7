"""The deviance of a spectrum about its expectation."""

import numpy as np
import pytest
import torch
from scipy.stats import nbinom

from lithoscope.inference.peak_search import excess_significance
from lithoscope.inference.residual import deviance_from_expected, residual_deviance_from_fit
from lithoscope.preprocess.deviance import poisson_deviance
from lithoscope.preprocess.model_axis import ModelAxis

EDGES = ModelAxis().edges_keV


def _smooth(level):
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    return level * (1 + np.exp(-(((centres - 6) / 0.5) ** 2)) * 5)


def test_a_hand_worked_value():
    # n = 12, m = 8, epsilon = 0.5, r = 4: 2 [12 ln 1.5 - 16 ln(16 / 12)].
    by_hand = 2 * (12 * 0.4054651081 - 16 * 0.2876820724)
    found = deviance_from_expected(
        counts=np.array(12.0), expected=np.array(8.0), relative_error=np.array(0.5)
    )
    assert found == pytest.approx(by_hand, rel=1e-8)


def test_it_is_the_likelihood_ratio_of_a_negative_binomial():
    n, m, error = 30, 17.0, 0.2
    size = 1 / error**2

    def log(mean):
        return nbinom.logpmf(n, size, size / (size + mean))

    found = deviance_from_expected(
        counts=np.array(float(n)), expected=np.array(m), relative_error=np.array(error)
    )
    assert found == pytest.approx(2 * (log(float(n)) - log(m)), rel=1e-9)


def test_without_an_error_it_is_that_of_poisson_counts():
    rng = np.random.default_rng(0)
    expected = rng.gamma(2.0, 20.0, 200)
    counts = rng.poisson(expected).astype(float)
    found = deviance_from_expected(counts=counts, expected=expected, relative_error=np.zeros(200))
    other = poisson_deviance(
        counts=torch.from_numpy(counts)[None], expected=torch.from_numpy(expected)[None]
    )
    assert found.sum() == pytest.approx(float(other[0]), rel=1e-6)


@pytest.mark.parametrize("level", [1.0, 20.0, 1000.0])
def test_draws_of_the_expectation_have_one_per_element(level):
    rng = np.random.default_rng(3)
    expected = _smooth(level)
    found = [
        residual_deviance_from_fit(
            counts=rng.poisson(expected).astype(float),
            expected=expected,
            edges_keV=EDGES,
            relative_error=np.zeros(expected.size),
        )
        for _ in range(60)
    ]
    # 186 elements, 60 draws: the mean of chi-square is known to 1.3 %; of few counts it is not 1.
    assert np.mean(found) == pytest.approx(1.0, abs=0.04 if level > 10 else 0.12)


def test_the_models_error_forgives_what_it_allows():
    expected = _smooth(10_000.0)
    elements = np.arange(expected.size) // 5 % 2
    counts = expected * np.where(elements, 1.1, 0.9)
    without, with_error = (
        residual_deviance_from_fit(
            counts=counts,
            expected=expected,
            edges_keV=EDGES,
            relative_error=np.full(expected.size, error),
        )
        for error in (0.0, 0.1)
    )
    assert without > 50
    assert with_error < 1.1


def test_a_peak_is_as_significant_as_it_is():
    expected = np.full(EDGES.size - 1, 100.0)
    counts = expected.copy()
    counts[200] += 90
    error, used = np.zeros(expected.size), np.ones(expected.size, bool)
    found = excess_significance(
        counts=counts, expected=expected, edges_keV=EDGES, relative_error=error, used=used
    )
    # Three bins: 390 counts on 300; the signed root of 2 [390 ln 1.3 - 90].
    assert found.max() == pytest.approx(np.sqrt(2 * (390 * np.log(1.3) - 90)), rel=1e-6)
    assert abs(found.argmax() - 200) <= 1
    assert found[400] == 0


def test_significances_of_draws_are_standard_normal():
    rng = np.random.default_rng(4)
    expected = np.full(EDGES.size - 1, 200.0)
    error, used = np.zeros(expected.size), np.ones(expected.size, bool)
    found = np.concatenate(
        [
            excess_significance(
                counts=rng.poisson(expected).astype(float),
                expected=expected,
                edges_keV=EDGES,
                relative_error=error,
                used=used,
            )[10:450]
            for _ in range(80)
        ]
    )
    # Raised expectations only lower it: 2.3 % above 2 sigma, fewer here, and none lost to noise.
    assert 0.01 < (found > 2).mean() < 0.025
    assert (found > 5).sum() == 0


def test_a_continuum_that_is_too_high_is_no_peak():
    expected = np.full(EDGES.size - 1, 1000.0)
    error, used = np.zeros(expected.size), np.ones(expected.size, bool)
    found = excess_significance(
        counts=1.3 * expected, expected=expected, edges_keV=EDGES, relative_error=error, used=used
    )
    assert found[20:440].max() < 1
