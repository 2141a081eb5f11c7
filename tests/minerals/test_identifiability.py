"""Errors of pairs against exact sums over all outcomes."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from lithoscope.errors import InvalidValueError, MineralError
from lithoscope.minerals.identifiability import (
    PairErrors,
    SpectrumFamily,
    closest_members,
    pair_errors,
)


def two_bins(share, sigma=0.0, rng=None, count=200):
    """Spectra of two bins whose log odds are normal around those of a share."""
    odds = np.log(share / (1 - share)) + (sigma * rng.standard_normal(count) if sigma else [0.0])
    first = 1 / (1 + np.exp(-np.asarray(odds)))
    return np.stack([first, 1 - first], axis=1)


def family(name, share, sigma=0.0, seed=0):
    rng = np.random.default_rng(seed)
    draws = [two_bins(share, sigma, rng) for _ in range(2)]
    return SpectrumFamily(name, draws[0], np.zeros((0, 2)), draws[1])


def outcome_probabilities(share, sigma, total):
    """Probability of each count in the first bin."""
    z = np.linspace(-6, 6, 801)
    first = 1 / (1 + np.exp(-(np.log(share / (1 - share)) + sigma * z)))
    weights = norm.pdf(z) / norm.pdf(z).sum()
    return weights @ binom.pmf(np.arange(total + 1)[None], total, first[:, None])


@pytest.mark.parametrize(
    ("share", "sigma", "other", "other_sigma"),
    [(0.5, 0.0, 0.6, 0.0), (0.3, 0.0, 0.4, 0.4), (0.5, 0.5, 0.7, 0.3)],
)
def test_errors_agree_with_the_sum_over_all_outcomes(share, sigma, other, other_sigma):
    families = [family("a", share, sigma, 1), family("b", other, other_sigma, 2)]
    found = pair_errors(families, counts=[30, 100, 300], draws=4000, seed=3)
    for level, total in enumerate((30, 100, 300)):
        both = (
            outcome_probabilities(share, sigma, total),
            outcome_probabilities(other, other_sigma, total),
        )
        exact = np.minimum(*both).sum() / 2
        assert found.errors[level, 0, 1] == pytest.approx(exact, abs=0.025)


def test_two_fixed_spectra_of_many_bins_agree_with_the_likelihood_ratio():
    rng = np.random.default_rng(0)
    first = rng.dirichlet(np.ones(60))
    second = first * np.exp(0.15 * rng.standard_normal(60))
    second /= second.sum()
    empty = np.zeros((0, 60))
    families = [
        SpectrumFamily(name, shares[None], empty, shares[None])
        for name, shares in (("a", first), ("b", second))
    ]
    found = pair_errors(families, counts=[300], draws=3000, seed=1).errors[0, 0, 1]
    ratio = np.log(first / second)
    wrong = [
        np.mean(rng.multinomial(300, shares, 20_000) @ ratio * sign < 0)
        for shares, sign in ((first, 1), (second, -1))
    ]
    assert found == pytest.approx(np.mean(wrong), abs=0.02)


def test_a_nuisance_that_moves_along_the_difference_makes_a_coin_flip():
    """What a machine's uncertainty can imitate cannot be told apart, at any counts."""
    base = np.array([0.5, 0.3, 0.2])
    moved = base * np.exp([0.05, 0.0, -0.05])
    response = np.array([[2.0, 0.0, -2.0]])
    rng = np.random.default_rng(4)
    families = []
    for name, shares in (("a", base), ("b", moved)):
        tested = shares * np.exp(rng.standard_normal((256, 1)) * response)
        families.append(SpectrumFamily(name, shares[None], response, tested))
        blind = SpectrumFamily("known", shares[None], response * 0, shares[None])
        families.append(
            SpectrumFamily(f"{name} known", blind.fitted, blind.responses, blind.fitted)
        )
    found = pair_errors(families, counts=[100_000], draws=512, seed=0).errors[0]
    assert found[0, 2] > 0.45
    assert found[1, 3] < 1e-6


def test_the_same_seed_gives_the_same_errors_and_labels_do_not_matter():
    families = [family("a", 0.5, 0.2, 1), family("b", 0.55, 0.2, 2), family("c", 0.9, 0.2, 3)]
    first = pair_errors(families, counts=[30, 300], seed=5)
    again = pair_errors(families, counts=[30, 300], seed=5)
    np.testing.assert_array_equal(first.errors, again.errors)
    np.testing.assert_array_equal(first.errors, first.errors.transpose(0, 2, 1))
    assert (np.diff(first.errors, axis=0) <= 0).all()
    assert (first.errors[:, range(3), range(3)] == 0.5).all()


def test_closest_members_is_the_overlap():
    families = [family("a", 0.5), family("b", 0.8)]
    expected = np.sqrt(0.5 * 0.8) + np.sqrt(0.5 * 0.2)
    assert closest_members(families)[0, 1] == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def pairs():
    falling = np.array([0.45, 0.25, 0.01])
    errors = np.zeros((3, 3, 3))
    errors[:, 0, 1] = errors[:, 1, 0] = falling
    errors[:, 0, 2] = errors[:, 2, 0] = 0.5
    errors += 0.5 * np.eye(3)
    return PairErrors(("a", "b", "c"), np.array([100.0, 1000.0, 10_000.0]), errors, 100)


def test_errors_between_levels_and_counts_needed(pairs):
    assert pairs.at(1000)[0, 1] == 0.25
    assert pairs.at(10_000)[0, 1] == pytest.approx(0.01)
    assert pairs.at(10**2.5)[0, 1] == pytest.approx(0.35)
    needed = pairs.counts_needed()
    assert needed[0, 1] == pytest.approx(10 ** (3 + 0.2 / 0.24))
    assert np.isinf(needed[0, 2])
    assert needed[1, 2] == 100
    assert pairs.uncertainty(0.5) == pytest.approx(np.sqrt(0.25 / 200))


def test_coin_flips_and_what_is_refused(pairs):
    mask = np.zeros((3, 3), dtype=bool)
    mask[1, 2] = mask[2, 1] = True
    assert (pairs.with_coin_flips(mask).errors[:, 1, 2] == 0.5).all()
    with pytest.raises(InvalidValueError, match="10,000"):
        pairs.at(20_000)
    with pytest.raises(MineralError, match="'d'"):
        pairs.index("d")
    with pytest.raises(InvalidValueError):
        PairErrors(("a",), np.array([1.0]), np.zeros((2, 1, 1)), 1)
    with pytest.raises(InvalidValueError):
        PairErrors(("a",), np.array([1.0]), np.full((1, 1, 1), 0.6), 1)
    with pytest.raises(InvalidValueError, match="at least one"):
        SpectrumFamily("a", np.ones((1, 3)), np.zeros((0, 3)), np.ones((1, 4)))


def test_a_single_high_level_does_not_take_sparse_samples_for_separation():
    """At 100 000 counts no two samples of a broad class are close; the classes still overlap."""
    families = [family("a", 0.5, 1.0, 1), family("b", 0.5, 1.0, 2)]
    thinned = [
        SpectrumFamily(item.name, item.fitted, item.responses, item.tested[number::40])
        for number, item in enumerate(families)
    ]
    assert pair_errors(thinned, counts=[100_000], draws=200).errors[0, 0, 1] > 0.35
