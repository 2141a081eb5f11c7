"""Split arithmetic: nothing lost, nothing empty, classes alike."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.datasets.splits import Splits

SHARES = st.lists(st.integers(1, 100), min_size=2, max_size=3).map(
    lambda parts: Splits(tuple(Fraction(part, sum(parts)) for part in parts))
)


@given(SHARES, st.integers(0, 100_000))
def test_sizes_sum_and_stay_within_one_of_their_share(splits, spectra):
    sizes = splits.sizes(spectra)
    assert sum(sizes) == spectra
    for size, share in zip(sizes, splits.shares, strict=True):
        assert abs(size - share * spectra) < 1


@given(SHARES, st.integers(1, 60), st.integers(0, 2000))
def test_classes_are_balanced_in_each_part_and_over_all(splits, n_classes, more):
    spectra = max(splits.least_spectra(n_classes), more)
    if min(splits.sizes(spectra)) < n_classes:
        return
    quotas = splits.quotas(spectra, n_classes)
    assert quotas.sum() == spectra
    assert tuple(quotas.sum(axis=1)) == splits.sizes(spectra)
    assert quotas.min() >= 1
    assert np.ptp(quotas, axis=1).max() <= 1
    assert np.ptp(quotas.sum(axis=0)) <= 1


@given(SHARES, st.integers(1, 60))
def test_the_least_number_is_enough_and_one_less_is_not(splits, n_classes):
    least = splits.least_spectra(n_classes)
    assert splits.quotas(least, n_classes).min() >= 1
    with pytest.raises(InvalidValueError, match=f"at least {least} spectra"):
        splits.quotas(least - 1, n_classes)


def test_shares_of_a_hundred_and_of_one_are_the_same():
    for text in ("70,15,15", "0.7, 0.15, 0.15", "70.0,15,15"):
        assert Splits.from_text(text).sizes(1000) == (700, 150, 150)
    assert Splits.from_text("80,20").names == ("training", "test")
    assert Splits.from_text("33.3,33.3,33.3").sizes(9) == (3, 3, 3)


@pytest.mark.parametrize(
    "text",
    ["", "100", "70,15,14", "70,30,0", "120,-20", "a,b", "50,50,nan", "inf,1", "25,25,25,25",
     "1e999999999,1", "1e-999999999,100", "70;30"],
)  # fmt: skip
def test_bad_splits_are_refused(text):
    with pytest.raises(InvalidValueError, match="split"):
        Splits.from_text(text)


@given(st.text(max_size=20) | st.text("0123456789.,-e ", max_size=20))
def test_any_text_is_a_split_or_an_error_of_ours(text):
    try:
        splits = Splits.from_text(text)
    except InvalidValueError:
        return
    assert sum(splits.sizes(1000)) == 1000


def test_shares_must_sum_to_one():
    with pytest.raises(InvalidValueError, match="sum to one"):
        Splits((Fraction(1, 2), Fraction(1, 3)))
    with pytest.raises(InvalidValueError, match="1 parts"):
        Splits((Fraction(1),))
