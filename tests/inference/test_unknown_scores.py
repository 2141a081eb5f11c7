"""Detectors of the unknown, each against values worked out by hand."""

import numpy as np
import pytest
import torch

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.inference.residual import deviance_from_expected, resolution_elements
from lithoscope.inference.unknown.base import Seen
from lithoscope.inference.unknown.combined import Combined
from lithoscope.inference.unknown.exposure import Exposure
from lithoscope.inference.unknown.mahalanobis import (
    Mahalanobis,
    RelativeMahalanobis,
    whitening_of,
)
from lithoscope.inference.unknown.neighbours import NEIGHBOUR, Neighbours
from lithoscope.inference.unknown.outputs import Energy, MaximumSoftmax
from lithoscope.inference.unknown.reconstruction import (
    Reconstruction,
    in_elements,
    root_deviance,
)
from lithoscope.inference.unknown.strangeness import FALSE_ALARMS, strangeness_from_scores
from lithoscope.preprocess.model_axis import ModelAxis

EDGES = ModelAxis(high_keV=10.0).edges_keV
BINS = EDGES.size - 1


def seen(*, features=None, logits=None, counts=None):
    number = next(len(one) for one in (features, logits, counts) if one is not None)
    zeros = torch.zeros(number, 2)
    return Seen(
        torch.zeros(number, BINS) if counts is None else counts,
        zeros if features is None else torch.as_tensor(features, dtype=torch.float32),
        zeros if logits is None else torch.as_tensor(logits, dtype=torch.float32),
    )


def test_maximum_softmax_and_energy():
    # Softmax of (0, ln 3) is (1/4, 3/4); the energy is -ln(1 + 3).
    shown = seen(logits=[[0.0, np.log(3.0)]])
    assert MaximumSoftmax().score(shown)[0] == pytest.approx(-0.75)
    assert Energy().score(shown)[0] == pytest.approx(-np.log(4))


def test_mahalanobis_by_hand():
    # Whitening diag(1/2, 1) stands for variances 4 and 1; classes at (0, 0) and (4, 0).
    distances = Mahalanobis(np.diag([0.5, 1.0]), np.array([[0.0, 0.0], [2.0, 0.0]]))
    scores = distances.score(seen(features=[[2.0, 1.0], [4.0, 3.0]]))
    # (2, 1) is 1 + 1 from both; (4, 3) is 9 from the second.
    np.testing.assert_allclose(scores, [2.0, 9.0], rtol=1e-5)
    # All classes as one at (2, 0), variances 1: (0 + 1) and (4 + 9) less.
    relative = RelativeMahalanobis(
        distances.whitening, distances.centres, np.eye(2), np.array([2.0, 0.0])
    )
    np.testing.assert_allclose(
        relative.score(seen(features=[[2.0, 1.0], [4.0, 3.0]])), [2 - 1, 9 - 13], rtol=1e-5
    )


def test_mahalanobis_is_fitted_to_scatter_within_classes():
    rng = np.random.default_rng(0)
    classes = torch.from_numpy(rng.integers(0, 2, 20_000))
    features = rng.normal(size=(20_000, 2)) * [2.0, 1.0] + 10 * classes.numpy()[:, None]
    fitted = Mahalanobis().fit(seen(features=features), classes)
    # Of known spectra the distance from the own class is chi-square with two degrees of freedom.
    assert fitted.score(seen(features=features)).mean() == pytest.approx(2.0, rel=0.05)
    covariance = np.linalg.inv(fitted.whitening @ fitted.whitening.T)
    np.testing.assert_allclose(covariance, [[4.025, 0], [0, 1.025]], atol=0.12)


def test_whitening_makes_variances_one():
    deviations = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]).double()
    # Covariance diag(2, 1/2), and 1 % of the mean variance of 1.25 on the diagonal.
    expected = np.diag([1 / np.sqrt(2.0125), 1 / np.sqrt(0.5125)])
    np.testing.assert_allclose(whitening_of(deviations), expected, rtol=1e-9)


def test_the_fifth_neighbour_by_hand():
    assert NEIGHBOUR == 5
    angles = np.deg2rad([0, 10, 20, 30, 60, 90])
    known = seen(features=3.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    fitted = Neighbours().fit(known, torch.zeros(6, dtype=torch.int64))
    # From 0 degrees the fifth nearest stands at 60: a chord of 2 sin(30 degrees).
    score = fitted.score(seen(features=[[7.0, 0.0]]))
    assert score[0] == pytest.approx(1.0, abs=1e-5)


def test_counts_are_summed_over_resolution_elements():
    counts = torch.arange(2.0 * BINS).reshape(2, BINS)
    detector = Reconstruction.on_axis(EDGES)
    by_hand = np.stack([np.bincount(resolution_elements(EDGES), row) for row in counts.numpy()])
    np.testing.assert_allclose(in_elements(counts, detector.starts), by_hand)


def test_root_deviance_is_that_of_the_residual():
    counts, expected = torch.tensor([12.0, 0.0, 3.0]), torch.tensor([8.0, 2.0, 3.0])
    error = torch.tensor([0.5, 0.1, 0.3])
    found = root_deviance(counts, expected, error)
    theirs = deviance_from_expected(
        counts=counts.double().numpy(),
        expected=expected.double().numpy(),
        relative_error=error.double().numpy(),
    )
    np.testing.assert_allclose(found**2, theirs, atol=2e-5)
    assert found.sign().tolist()[:2] == [1.0, -1.0]


def _reconstruction():
    """One that expects all counts spread evenly over elements, whatever the features."""
    bare = Reconstruction.on_axis(EDGES)
    elements = bare.starts.size
    zeros = np.zeros
    return Reconstruction(
        bare.starts,
        bare.errors,
        *(zeros(2, np.float32), np.ones(2, np.float32)),
        *(zeros((3, 2), np.float32), zeros(3, np.float32)),
        *(zeros((elements, 3), np.float32), zeros(elements, np.float32)),
    )


def test_reconstruction_by_hand():
    detector = _reconstruction()
    elements = detector.starts.size
    even = torch.zeros(2, BINS)
    even[:, detector.starts.astype(int)] = 100.0
    even[1, int(detector.starts[4])] = 300.0
    scores = detector.score(seen(counts=even))
    assert scores[0] == pytest.approx(0.0, abs=1e-4)
    # The second has 100 N + 200 counts, so that 100 + 200 / N are expected in each element.
    expected = np.full(elements, 100 + 200 / elements)
    measured = np.full(elements, 100.0)
    measured[4] = 300.0
    by_hand = deviance_from_expected(
        counts=measured, expected=expected, relative_error=detector.errors.astype(float)
    ).mean()
    assert scores[1] == pytest.approx(by_hand, rel=1e-3)


def test_reconstruction_learns_what_features_stand_for():
    rng = np.random.default_rng(1)
    classes = torch.from_numpy(rng.integers(0, 2, 3000))
    expected = np.full((2, BINS), 2.0)
    expected[0, 20:24] = 60.0
    expected[1, 60:64] = 60.0
    counts = torch.from_numpy(rng.poisson(expected[classes]).astype(np.float32))
    features = torch.nn.functional.one_hot(classes, 2).float() + 0.01 * torch.randn(
        3000, 2, generator=torch.Generator().manual_seed(0)
    )
    known = Seen(counts, features, features)
    fitted = Reconstruction.on_axis(EDGES).fit(known, classes)
    # Below 1: of what the simulator's error allows, the draws use nothing.
    assert 0.6 < fitted.score(known).mean() < 1.0
    # The spectrum of one class with the features of the other.
    swapped = Seen(counts, features.flip(1), features)
    assert fitted.score(swapped).min() > 5 * fitted.score(known).max()


def test_exposure_by_hand():
    rebuilt = _reconstruction()
    elements = rebuilt.starts.size
    weight = np.zeros((1, 2 + elements), np.float32)
    weight[0, 1] = 2.0
    detector = Exposure(
        rebuilt,
        weight,
        np.zeros(1, np.float32),
        np.array([[3.0]], np.float32),
        np.array([-1.0], np.float32),
    )
    # GELU(2 * 1.5) = 2.9960 by its definition with tanh; times 3, less 1.
    inner = np.sqrt(2 / np.pi) * (3 + 0.044715 * 27)
    by_hand = 3 * 1.5 * (1 + np.tanh(inner)) - 1
    assert detector.score(seen(features=[[0.0, 1.5]]))[0] == pytest.approx(by_hand, rel=1e-2)


def test_exposure_needs_surrogates():
    with pytest.raises(InvalidValueError, match="surrogates"):
        Exposure(_reconstruction()).fit(seen(features=[[0.0, 0.0]]), torch.zeros(1))


def test_strangeness_by_hand():
    table = np.array([[0.0, 1.0, 3.0], [10.0, 11.0, 13.0]])
    found = strangeness_from_scores(
        scores=np.array([0.5, 2.0, 5.0, -9.0, 6.0, 12.0]),
        totals=np.array([100.0, 100.0, 10.0, 100.0, 1000.0, 1e9]),
        log_counts=np.log([100.0, 10_000.0]),
        table=table,
        false_alarms=(0.1, 0.01, 0.001),
    )
    # 1.5: half way from a tenth to a hundredth; 4: the last step goes on; 0: never below; the fifth
    # stands half way between the levels, where 6 is the second value of the row (5, 6, 8).
    np.testing.assert_allclose(found, [1.5, 2.5, 4.0, 0.0, 2.0, 2.5], atol=1e-6)


def _known_and_strange(count=600, seed=0):
    """Two classes whose features know their peak, and spectra with a peak besides."""
    rng = np.random.default_rng(seed)
    classes = torch.from_numpy(rng.integers(0, 2, count))
    expected = np.full((2, BINS), 2.0)
    expected[0, 20:24] = 60.0
    expected[1, 60:64] = 60.0
    features = np.eye(2)[classes] + 0.05 * rng.normal(size=(count, 2))
    parts = []
    for more in (0.0, 50.0):
        means = expected[classes].copy()
        means[:, 100:104] += more
        counts = torch.from_numpy(rng.poisson(means).astype(np.float32))
        parts.append(
            Seen(counts, torch.from_numpy(features).float(), torch.from_numpy(features).float())
        )
    return parts[0], classes, parts[1]


def test_the_combination_weighs_what_helps_and_comes_back_from_its_arrays():
    known, classes, strange = _known_and_strange()
    other, _, more = _known_and_strange(seed=1)
    fitted = Combined.on_axis(EDGES).fit(known, classes, strange)
    level = float(other.counts.sum(dim=1).mean())
    weighed = fitted.fit_weights({level: other}, {level: more})
    assert (weighed.weights >= 0).all()
    # Features are those of known spectra: distances of features have nothing to say.
    assert weighed.weights[:2].sum() > 5 * weighed.weights[2:].sum()
    assert weighed.score(more).min() > weighed.score(other).max()
    again = Combined.from_arrays(weighed.arrays())
    np.testing.assert_array_equal(again.score(more), weighed.score(more))
    assert weighed.tables.shape == (4, 1, len(FALSE_ALARMS))


def test_a_missing_array_is_named():
    known, classes, strange = _known_and_strange(200)
    arrays = Combined.on_axis(EDGES).fit(known, classes, strange).arrays()
    del arrays["exposure/bias"]
    with pytest.raises(CheckpointError, match="'exposure' lacks its 'bias'"):
        Combined.from_arrays(arrays)


def test_levels_of_known_spectra_and_surrogates_must_be_the_same():
    known, _, strange = _known_and_strange(50)
    with pytest.raises(InvalidValueError, match="same levels"):
        Combined.on_axis(EDGES).fit_weights({100.0: known}, {300.0: strange})


def test_parts_of_different_sizes_are_refused():
    with pytest.raises(InvalidValueError, match="a row of each"):
        Seen(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(1, 3))
