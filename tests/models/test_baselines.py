"""Classical baselines: each against a closed form or another code, and on a tiny set."""

import builtins

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear
from scipy.stats import poisson

from lithoscope.errors import InvalidValueError, LithoscopeError
from lithoscope.models.baselines.base import LabelledCounts
from lithoscope.models.baselines.features import features_of_network
from lithoscope.models.baselines.learners import (
    LearnerBaseline,
    boosted_trees,
    linear_svm_on_scores,
    random_forest,
)
from lithoscope.models.baselines.least_squares import abundances_from_counts
from lithoscope.models.baselines.templates import (
    LEAST_SQUARES,
    POISSON_LIKELIHOOD,
    SPECTRAL_ANGLE,
    Templates,
    classes_from_angles,
    cosines_with_templates,
    log_likelihood_of_templates,
)
from lithoscope.models.registry import build_network

BINS, CLASSES = 80, 3


def drawn(count, counts, seed):
    """Spectra of three classes, each a peak of its own over a common background."""
    rng = np.random.default_rng(seed)
    classes = np.arange(count) % CLASSES
    places = np.array([20.0, 35.0, 60.0])[classes] + rng.normal(0, 0.3, count)
    shapes = 0.3 + 8 * np.exp(-0.5 * ((np.arange(BINS) - places[:, None]) / 2) ** 2)
    expected = counts * shapes / shapes.sum(axis=1, keepdims=True)
    return LabelledCounts(rng.poisson(expected).astype(np.float32), expected, classes, CLASSES)


BASELINES = {
    "spectral angle": SPECTRAL_ANGLE,
    "Poisson likelihood": POISSON_LIKELIHOOD,
    "least squares": LEAST_SQUARES,
    "random forest": LearnerBaseline(random_forest),
    "support vectors": LearnerBaseline(linear_svm_on_scores),
}


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_every_baseline_learns_three_classes(name):
    fitted = BASELINES[name].fit(drawn(120, 500, seed=1))
    test = drawn(90, 500, seed=2)
    scores = fitted.scores(test.counts)
    assert scores.shape == (90, CLASSES)
    assert (scores.argmax(axis=1) == test.classes).mean() > 0.97


def test_boosting_learns_them_too_and_from_features():
    pytest.importorskip("lightgbm")
    torch.manual_seed(0)
    network = build_network("cnn-bilstm", n_bins=BINS, n_classes=CLASSES)
    test = drawn(90, 500, seed=2)
    for baseline in (
        LearnerBaseline(boosted_trees),
        LearnerBaseline(boosted_trees, view=features_of_network(network)),
    ):
        named = baseline.fit(drawn(240, 500, seed=1)).scores(test.counts).argmax(axis=1)
        assert (named == test.classes).mean() > 0.9


def test_two_classes_have_two_scores():
    spectra = drawn(120, 500, seed=1)
    two = spectra.classes < 2
    fitted = LearnerBaseline(linear_svm_on_scores).fit(
        LabelledCounts(spectra.counts[two], spectra.expected[two], spectra.classes[two], 2)
    )
    scores = fitted.scores(spectra.counts[two])
    assert (scores.argmax(axis=1) == spectra.classes[two]).all()


def test_likelihood_differences_are_scipys():
    """Ratios of likelihoods, each at the exposure that suits it best."""
    spectra = drawn(30, 200, seed=3)
    templates = Templates.of(spectra, each=1)
    found = log_likelihood_of_templates(templates, spectra.counts)
    shapes = templates.shapes + 1e-3 / BINS
    shapes /= shapes.sum(axis=1, keepdims=True)
    whole = poisson.logpmf(
        spectra.counts[:, None], spectra.counts.sum(axis=1)[:, None, None] * shapes
    ).sum(axis=2)
    np.testing.assert_allclose(found - found[:, :1], whole - whole[:, :1], rtol=1e-6, atol=1e-6)


def test_spectral_angle_does_not_see_exposure_and_is_one_with_itself():
    spectra = drawn(30, 200, seed=3)
    templates = Templates.of(spectra, each=2)
    cosines = cosines_with_templates(templates, 17 * templates.shapes)
    np.testing.assert_allclose(np.diag(cosines), 1)
    np.testing.assert_allclose(cosines, cosines_with_templates(templates, templates.shapes))
    assert (cosines_with_templates(templates, np.zeros((1, BINS))) == 0).all()


def test_the_smallest_angle_wins_whatever_the_length():
    expected = np.array([[0.0, 0.0, 1e-6], [1.0, 0.0, 0.0], [100.0, 100.0, 0.0], [0, 0, 0]])
    counts = np.array([[5.0, 1.0, 0.0], [3.0, 2.5, 0.0], [0.0, 0.1, 9.0]])
    # The empty one is left out, and the order is that of the classes; most have no template.
    templates = Templates.from_expected(expected, np.array([9, 7, 8, 5]), 10)
    assert templates.classes.tolist() == [7, 8, 9]
    angles = [
        [
            np.arccos(row @ template / np.linalg.norm(row) / np.linalg.norm(template))
            for template in expected[[1, 2, 0]]
        ]
        for row in counts
    ]
    named = classes_from_angles(counts=np.tile(counts, (300, 1)), templates=templates)
    np.testing.assert_array_equal(named, np.tile(7 + np.argmin(angles, axis=1), 300))
    assert named[:3].tolist() == [7, 8, 9]


def test_the_nearest_template_is_what_the_baseline_says():
    spectra = drawn(120, 500, seed=1)
    fitted = SPECTRAL_ANGLE.fit(spectra)
    test = drawn(90, 60, seed=2).counts
    templates = Templates.of(spectra, each=SPECTRAL_ANGLE.each)
    np.testing.assert_array_equal(
        classes_from_angles(counts=test, templates=templates), fitted.scores(test).argmax(axis=1)
    )


def test_least_squares_are_those_of_another_solver():
    spectra = drawn(9, 300, seed=4)
    shapes = Templates.of(spectra, each=3).shapes
    found = abundances_from_counts(counts=spectra.counts, templates=shapes)
    for row, counts in zip(found, spectra.counts.astype(float), strict=True):
        weights = 1 / np.sqrt(np.maximum(counts, 1))
        other = lsq_linear(shapes.T * weights[:, None], counts * weights, (0, np.inf), tol=1e-12)
        np.testing.assert_allclose(row @ shapes, other.x @ shapes, rtol=1e-3, atol=1e-3)


def test_mixtures_without_noise_are_taken_apart_exactly():
    shapes = Templates.of(drawn(30, 200, seed=5), each=1).shapes
    mixed = np.array([[300.0, 0.0, 50.0], [0.0, 10.0, 0.0]])
    np.testing.assert_allclose(
        abundances_from_counts(counts=mixed @ shapes, templates=shapes), mixed, atol=1e-6
    )


def test_templates_come_together_by_class():
    templates = Templates(np.full((3, 4), 0.25), np.array([0, 0, 1]), 2)
    by_template = np.log(np.array([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(templates.reduced(by_template, np.logaddexp), np.log([[3.0, 5.0]]))
    np.testing.assert_allclose(templates.reduced(by_template, np.maximum), np.log([[2.0, 5.0]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": np.ones((6, 5))}, "Counts of shape"),
        ({"classes": np.arange(5) % 3}, "6 spectra with 5 classes"),
        ({"counts": np.full((6, 4), -1.0)}, "negative"),
        ({"counts": np.full((6, 4), np.nan)}, "negative or no numbers"),
        ({"n_classes": 4}, "without \\[3\\]"),
        ({"classes": np.array([0, 1, 2, 0, 1, 3])}, "Classes 0 to 3"),
    ],
)
def test_labelled_counts_are_checked(change, message):
    given = {
        "counts": np.ones((6, 4)),
        "expected": np.ones((6, 4)),
        "classes": np.arange(6) % 3,
        "n_classes": 3,
    }
    with pytest.raises(InvalidValueError, match=message):
        LabelledCounts(**{**given, **change})


@pytest.mark.parametrize(
    ("shapes", "classes", "message"),
    [
        (np.full((2, 4), 0.25), np.array([0]), "2 templates with 1 classes"),
        (np.full((2, 4), 0.25), np.array([1, 0]), "ascending"),
        (np.ones((2, 4)), np.array([0, 1]), "sum one"),
    ],
)
def test_templates_are_checked(shapes, classes, message):
    with pytest.raises(InvalidValueError, match=message):
        Templates(shapes, classes, 2)


def test_without_lightgbm_the_remedy_is_told(monkeypatch):
    kept = builtins.__import__

    def refuses(name, *rest, **named):
        if name == "lightgbm":
            raise ImportError(name)
        return kept(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuses)
    with pytest.raises(LithoscopeError, match=r"lithoscope\[boosting\]"):
        boosted_trees()
