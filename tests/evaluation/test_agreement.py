"""Agreement with labels: against scikit-learn, closed forms, and known intervals."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.agreement import Score, agreement_from_labels
from lithoscope.evaluation.regions import interval_by_regions, regions_from_labels


def drawn(seed, n=4000, n_classes=6, wrong=0.3):
    rng = np.random.default_rng(seed)
    labelled = rng.integers(0, n_classes - 1, n)
    named = np.where(rng.random(n) < wrong, rng.integers(VOID, n_classes, n), labelled)
    return labelled, named, rng.uniform(0, 1, n), rng.integers(0, 40, n)


def agreement(labelled, named, confidence, regions, n_classes=6):
    return agreement_from_labels(
        labelled=labelled,
        named=named,
        confidence=confidence,
        regions=regions,
        n_classes=n_classes,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scores_are_those_of_scikit_learn(seed):
    labelled, named, confidence, regions = drawn(seed)
    found = agreement(labelled, named, confidence, regions)
    assert found.accuracy.value == pytest.approx(accuracy_score(labelled, named), abs=1e-12)
    # Void comes first in scikit-learn's order and last in ours; class 5 is labelled nowhere.
    theirs = confusion_matrix(labelled, named, labels=range(VOID, 6))[1:]
    np.testing.assert_array_equal(found.confusion, np.roll(theirs, -1, axis=1))
    iou = jaccard_score(labelled, named, labels=range(5), average=None)
    assert {one.index: one.iou.value for one in found.classes} == pytest.approx(
        dict(enumerate(iou)), abs=1e-12
    )
    assert found.mean_iou.value == pytest.approx(iou.mean(), abs=1e-12)
    assert found.regions == 40


def test_the_calibration_error_is_its_definition():
    labelled, named, confidence, regions = drawn(4)
    total = 0.0
    sure = named != VOID
    for low in np.arange(15) / 15:
        inside = sure & (confidence > low) & (confidence <= low + 1 / 15)
        gap = (labelled == named)[inside].mean() - confidence[inside].mean()
        total += inside.sum() / sure.sum() * abs(gap)
    found = agreement(labelled, named, confidence, regions)
    assert found.calibration_error.value == pytest.approx(total, abs=1e-9)


def test_answers_that_are_as_often_right_as_they_claim_are_calibrated():
    rng = np.random.default_rng(5)
    claimed = rng.uniform(0.2, 1, 200_000)
    named = np.where(rng.random(claimed.size) < claimed, 0, 1)
    found = agreement(np.zeros(claimed.size, int), named, claimed, rng.integers(0, 50, named.size))
    assert found.calibration_error.value < 0.01
    overconfident = agreement(
        np.zeros(claimed.size, int), named, np.ones(claimed.size), rng.integers(0, 50, named.size)
    )
    assert overconfident.calibration_error.value == pytest.approx(0.4, abs=0.01)


def test_the_interval_is_that_of_regions_and_not_of_pixels():
    """Regions all right or all wrong: binomial over regions, however many pixels each has."""
    rng = np.random.default_rng(6)
    right = rng.random(100) < 0.8
    share = right.mean()
    regions = np.repeat(np.arange(100), 400)
    named = np.where(np.repeat(right, 400), 0, 1)
    found = agreement(np.zeros(40_000, int), named, np.full(40_000, 0.9), regions).accuracy
    half = 1.96 * np.sqrt(share * (1 - share) / 100)
    assert found.value - found.low == pytest.approx(half, rel=0.15)
    assert found.high - found.value == pytest.approx(half, rel=0.15)


def test_one_region_gives_no_interval_and_all_void_no_calibration():
    found = agreement(np.zeros(9, int), np.full(9, VOID), np.zeros(9), np.zeros(9, int))
    assert found.accuracy == Score(0.0, None, None)
    assert found.calibration_error is None
    assert found.confusion[0, -1] == 9


def test_intervals_are_the_same_however_draws_are_cut(monkeypatch):
    terms = sparse.csr_matrix(np.random.default_rng(7).random((30, 2)))
    ratio = lambda sums: sums[:, :1] / sums.sum(axis=1, keepdims=True)  # noqa: E731
    whole = interval_by_regions(terms, ratio)
    monkeypatch.setattr("lithoscope.evaluation.regions._AT_ONCE", 90)
    np.testing.assert_allclose(interval_by_regions(terms, ratio), whole)


def test_regions_are_connected_pixels_of_one_label():
    labels = np.array([[0, 0, -1, 1], [-1, -1, 0, 1], [2, -1, -1, 0]])
    regions = regions_from_labels(labels)
    # Zeros touch at corners: (0, 1) with (1, 2), and that with (2, 3).
    assert len({regions[0, 0], regions[0, 1], regions[1, 2], regions[2, 3]}) == 1
    assert regions[0, 3] == regions[1, 3]
    assert len(set(regions[labels >= 0])) == 3
    assert (regions[labels < 0] == -1).all()


@pytest.mark.parametrize(
    ("labelled", "named", "confidence"),
    [([6], [0], [0.5]), ([0], [6], [0.5]), ([-1], [0], [0.5]), ([0], [0], [1.5]), ([], [], [])],
)
def test_what_is_no_comparison_is_refused(labelled, named, confidence):
    arrays = np.array(labelled, int), np.array(named, int), np.array(confidence, float)
    with pytest.raises(InvalidValueError):
        agreement(*arrays, np.zeros(len(labelled), int))


def test_a_share_above_one_is_refused():
    with pytest.raises(InvalidValueError):
        Score(1.5, None, None)
