"""The best error between two known spectra, against exact sums and closed forms."""

import numpy as np
import pytest
from scipy import stats

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.two_spectra import error_between


def test_two_channels_against_the_exact_sum():
    """Of two channels the ratio compares numbers of counts, whose differences are Skellam's."""
    one, other = np.array([0.6, 0.4]), np.array([0.4, 0.6])
    found = error_between(one, other, 50)
    # Wrong when the rarer channel holds more; half of the ties.
    difference = stats.skellam(30, 20)
    exact = difference.cdf(-1) + 0.5 * difference.pmf(0)
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_many_counts_against_the_normal_limit():
    rng = np.random.default_rng(1)
    one = rng.dirichlet(np.full(50, 20.0))
    other = one * (1 + 0.02 * rng.standard_normal(50))
    other /= other.sum()
    counts = 10_000
    # d' of two near Poisson spectra; the error of the ratio is that of half the distance.
    distance = np.sqrt(counts * ((one - other) ** 2 / ((one + other) / 2)).sum())
    assert error_between(one, other, counts) == pytest.approx(
        stats.norm.sf(distance / 2), abs=0.012
    )


def test_the_same_spectrum_is_a_toss_of_a_coin():
    shares = np.full(4, 0.25)
    assert error_between(shares, shares, 1000) == 0.5


def test_spectra_without_common_channels_are_never_confused():
    assert error_between(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 100) == 0.0


@pytest.mark.parametrize(
    ("one", "other", "counts"),
    [([1.0], [0.5, 0.5], 10), ([0.5, 0.4], [0.5, 0.5], 10), ([0.5, 0.5], [0.4, 0.6], 0)],
)
def test_what_are_no_shares_is_refused(one, other, counts):
    with pytest.raises(InvalidValueError, match="channels"):
        error_between(np.array(one), np.array(other), counts)
