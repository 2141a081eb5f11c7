"""Single steps beside scipy, scikit-learn, pybaselines and closed forms."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pybaselines import Baseline
from sklearn.decomposition import PCA

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.rebin import rebin_counts
from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.anscombe import counts_from_roots
from lithoscope.preprocess.chain import Chain
from lithoscope.preprocess.deviance import poisson_deviance
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.workflows.simulate import simulate

EDGES = ModelAxis().edges_keV
CHANNELS = EnergyAxis(-0.955, 0.01, 4096).edges_keV


def applied(steps, counts, edges=EDGES, **known):
    return Chain.from_description(steps).on(edges).transform(torch.as_tensor(counts), **known)


@pytest.fixture(scope="module")
def smooth():
    """A noise-free spectrum on the model's axis, of one count, with three peaks."""
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    shape = 0.002 * np.exp(-centres / 10)
    for energy, height in ((1.74, 1.0), (6.4, 0.6), (15.7, 0.3)):
        width = np.sqrt(0.0754**2 + 2.563e-3 * energy) / 2.355
        shape += height * np.exp(-0.5 * ((centres - energy) / width) ** 2)
    return shape / shape.sum()


@pytest.fixture(scope="module")
def noisy(smooth):
    return np.random.default_rng(0).poisson(smooth * 3000, (200, smooth.size)).astype(np.float32)


@pytest.mark.parametrize(
    "step",
    [
        {"step": "rebin"},
        {"step": "rebin", "bins_per_fwhm": 1.5},
        {"step": "rebin", "bins_per_fwhm": 4, "low_keV": 1.0, "high_keV": 30.0},
    ],
)
def test_rebinning_is_that_of_core(step):
    counts = np.random.default_rng(1).poisson(40.0, (5, 4096)).astype(np.float32)
    bound = Chain.from_description([step]).on(CHANNELS)
    expected = rebin_counts(counts, from_edges_keV=CHANNELS, to_edges_keV=bound.leaves.edges_keV)
    found = bound.transform(torch.from_numpy(counts)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


def test_rebinning_by_a_factor_adds_neighbours():
    counts = torch.arange(10.0)[None]
    edges = np.arange(11.0)
    found = applied([{"step": "rebin", "factor": 4}], counts, edges)
    assert found.tolist() == [[6.0, 22.0, 17.0]]


@given(arrays(np.float64, (3, 50), elements=st.floats(0, 1e6)), st.integers(1, 60))
def test_rebinning_conserves_counts(counts, factor):
    found = applied([{"step": "rebin", "factor": factor}], counts, np.linspace(0, 20, 51))
    np.testing.assert_allclose(found.sum(dim=1), counts.sum(axis=1), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("total", [1 / 12, 3 / 12, 8 / 12]),
        ("maximum", [1 / 8, 3 / 8, 1]),
        ("unit", np.array([1, 3, 8]) / np.sqrt(74)),
        ("log", np.log([2, 4, 9])),
        ("root", 2 * np.sqrt([1.375, 3.375, 8.375]) - 2 * np.sqrt(0.375)),
        ("live_time", [0.5, 1.5, 4]),
        ("none", [1, 3, 8]),
    ],
)
def test_normalisation_by_hand(by, expected):
    counts = torch.tensor([[1.0, 3, 8], [0, 0, 0]])
    known = {"live_time_s": torch.tensor([2.0, 0.0])} if by == "live_time" else {}
    found = applied([{"step": "normalise", "by": by}], counts, [0, 1, 2, 3], **known)
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    assert found[1].tolist() == [0, 0, 0]


def test_a_live_time_of_zero_gives_zero_and_a_missing_one_an_error():
    step = [{"step": "normalise", "by": "live_time"}]
    counts = torch.ones(2, 3)
    found = applied(step, counts, [0, 1, 2, 3], live_time_s=torch.tensor([0.0, 4.0]))
    assert found.tolist() == [[0, 0, 0], [0.25, 0.25, 0.25]]
    with pytest.raises(PreprocessingError, match="live time"):
        applied(step, counts, [0, 1, 2, 3])


def test_the_root_evens_out_poisson_noise():
    counts = np.random.default_rng(0).poisson([5.0, 50.0, 500.0], (20_000, 3))
    roots = applied([{"step": "normalise", "by": "root"}], counts, [0, 1, 2, 3])
    np.testing.assert_allclose(roots.var(dim=0), 1, atol=0.05)


@pytest.mark.parametrize(("window", "order"), [(5, 2), (9, 3), (3, 0)])
def test_savitzky_golay_is_scipy_s(noisy, window, order):
    expected = scipy.signal.savgol_filter(noisy.astype(float), window, order, axis=1)
    found = applied([{"step": "savgol", "window": window, "order": order}], noisy)
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-4, atol=1e-3)


def test_the_inverse_of_anscombe_s_root_is_unbiased():
    numbers = np.arange(2000)
    for mean in (0.0, 0.03, 0.5, 2.0, 7.3, 99.0, 101.0, 700.0):
        expected = 2 * np.sqrt(numbers + 0.375) @ scipy.stats.poisson.pmf(numbers, mean)
        assert counts_from_roots(expected) == pytest.approx(mean, rel=1e-4, abs=1e-4)
    assert counts_from_roots(np.array([0.0, 1.0])).tolist() == [0, 0]


def test_shrinkage_of_nothing_keeps_the_counts_but_for_the_inverse(noisy):
    found = applied([{"step": "wavelet", "strength": 0.0}], noisy).numpy()
    np.testing.assert_allclose(found, counts_from_roots(2 * np.sqrt(noisy + 0.375)), atol=1e-3)


@pytest.mark.parametrize(("step", "left"), [("wavelet", 0.4), ("savgol", 0.6)])
def test_denoising_comes_nearer_to_the_truth(step, left):
    mineral = simulate("albite")
    shape = rebin_counts(mineral.counts, from_edges_keV=mineral.axis.edges_keV, to_edges_keV=EDGES)
    truth = np.tile(1000 * shape / shape.sum(), (200, 1))
    counts = np.random.default_rng(0).poisson(truth).astype(np.float32)

    def distance(found):
        # No bin is taken for empty, which no estimate can be sure of.
        floor = 0.01 * 1000 / shape.size
        return poisson_deviance(counts=torch.from_numpy(truth), expected=found + floor).mean()

    assert distance(applied([step], counts)) < left * distance(torch.from_numpy(counts))


def test_deviance_by_hand():
    found = poisson_deviance(counts=torch.tensor([[2.0, 0.0]]), expected=torch.tensor([[1.0, 3.0]]))
    assert found[0] == pytest.approx(2 * (2 * np.log(2) - 2 + 1 + 3))
    rng = np.random.default_rng(0)
    draws = torch.from_numpy(rng.poisson(20.0, (2000, 100)).astype(float))
    even = poisson_deviance(counts=draws, expected=torch.full_like(draws, 20.0))
    assert even.mean() == pytest.approx(100, rel=0.03)


def test_asymmetric_least_squares_and_morphology_are_pybaselines_(noisy):
    fitter = Baseline(np.arange(466.0))
    roots = np.sqrt(noisy[0].astype(float))
    for step, (baseline, _) in (
        ("als", fitter.asls(roots, lam=1e3, p=0.01)),
        ("morphology", fitter.mor(roots, half_window=5)),
    ):
        net = np.maximum(noisy[0] - np.maximum(baseline, 0) ** 2, 0)
        np.testing.assert_allclose(applied([step], noisy[:1])[0], net, rtol=1e-4, atol=1e-3)


def test_standardisation_over_batches_is_that_of_all():
    rng = np.random.default_rng(2)
    counts = (rng.poisson([3.0, 30.0, 0.0], (500, 3)) + np.array([1, 0, 5])).astype(np.float32)
    chain = Chain.from_description(["standardise"])
    batches = torch.from_numpy(counts).split([7, 143, 1, 349])
    found = chain.fit(batches, [0, 1, 2, 3]).on([0, 1, 2, 3]).transform(torch.from_numpy(counts))
    expected = (counts - counts.mean(axis=0)) / np.where(counts.std(axis=0) > 0, counts.std(0), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def mixtures(rng, count, totals=1e5):
    """Poisson counts of mixtures of four smooth spectra."""
    places = (np.arange(120)[None, :] - np.array([20, 45, 70, 100])[:, None]) / 4
    parts = np.exp(-0.5 * places**2) + 0.02
    parts /= parts.sum(axis=1, keepdims=True)
    expected = rng.dirichlet(np.ones(4), count) @ parts * totals
    return rng.poisson(expected).astype(np.float32), expected


def test_components_are_scikit_learn_s_of_all_at_once():
    counts, _ = mixtures(np.random.default_rng(0), 3000)
    edges = np.linspace(1, 30, 121)
    chain = Chain.from_description([{"step": "pca", "components": 3, "noise_aware": False}])
    fitted = chain.fit(torch.from_numpy(counts).split(300), edges)
    whole = PCA(3, svd_solver="full").fit(counts.astype(float))
    shares = fitted.steps[0].variance_shares()
    np.testing.assert_allclose(shares, whole.explained_variance_ratio_, rtol=1e-3)
    ours = fitted.steps[0].component_spectra(120)
    np.testing.assert_allclose(np.abs((ours * whole.components_).sum(axis=1)), 1, atol=1e-3)
    scores = fitted.on(edges).transform(torch.from_numpy(counts)).numpy()
    np.testing.assert_allclose(
        np.abs(scores), np.abs(whole.transform(counts)), rtol=2e-2, atol=2e-3 * np.abs(scores).max()
    )


def test_whitened_scores_have_variance_one():
    counts, _ = mixtures(np.random.default_rng(1), 2000)
    edges = np.linspace(1, 30, 121)
    chain = Chain.from_description([{"step": "pca", "components": 3, "whiten": True}])
    fitted = chain.fit(torch.from_numpy(counts).split(500), edges)
    scores = fitted.on(edges).transform(torch.from_numpy(counts))
    np.testing.assert_allclose(scores.var(dim=0), 1, atol=0.02)


def test_noise_aware_components_see_noise_of_one():
    """Of four mixed spectra three components are signal; the others are noise of variance 1."""
    rng = np.random.default_rng(3)
    counts, expected = mixtures(rng, 4000, totals=np.exp(rng.uniform(7, 9, (4000, 1))))
    edges = np.linspace(1, 30, 121)
    chain = Chain.from_description([{"step": "pca", "components": 8}])
    fitted = chain.fit(torch.from_numpy(counts).split(500), edges)
    variances = fitted.steps[0].state["variances"]
    assert variances[2] > 10
    np.testing.assert_allclose(variances[3:], 1.2, atol=0.4)
    denoised = Chain.from_description([{"step": "pca", "components": 3, "output": "denoised"}]).fit(
        torch.from_numpy(counts).split(500), edges
    )
    found = denoised.on(edges).transform(torch.from_numpy(counts)).numpy()
    assert np.mean((found - expected) ** 2) < 0.1 * np.mean((counts - expected) ** 2)
