"""Confusions: counted by hand, the most frequent first."""

import numpy as np
import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.confusions import Confusion, most_frequent_confusions

# Of class 0 one spectrum of four is taken for 1, one for 2; of class 1 one of two for 0.
TRUTH = np.array([0, 0, 0, 0, 1, 1, 2])
NAMED = np.array([0, 0, 1, 2, 0, 1, 2])


def test_the_pairs_by_hand():
    found = most_frequent_confusions(truth=TRUTH, named=NAMED, n_classes=3, count=9)
    assert found == [Confusion(1, 0, 0.5, 2), Confusion(0, 1, 0.25, 4), Confusion(0, 2, 0.25, 4)]


def test_no_more_than_asked_for():
    found = most_frequent_confusions(truth=TRUTH, named=NAMED, n_classes=3, count=1)
    assert [(one.truth, one.named) for one in found] == [(1, 0)]


def test_a_class_without_spectra_is_confused_with_none():
    found = most_frequent_confusions(truth=TRUTH, named=TRUTH, n_classes=5, count=9)
    assert found == []


@pytest.mark.parametrize(
    ("truth", "named", "message"),
    [([0, 1], [0], "shape"), ([0, 3], [0, 1], "0 to 2"), ([0, 1], [-1, 1], "0 to 2")],
)
def test_what_does_not_fit_is_refused(truth, named, message):
    with pytest.raises(InvalidValueError, match=message):
        most_frequent_confusions(truth=np.array(truth), named=np.array(named), n_classes=3, count=1)
