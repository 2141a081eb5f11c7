"""The Potts model against all maps of a small grid, and what it must leave standing."""

import itertools

import numpy as np
import pytest

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import ScanPriors, best_under_priors
from lithoscope.segmentation.mean_field import mean_field_step
from lithoscope.segmentation.potts import potts_smoothed

QUARTZ, ALBITE, GOLD = range(3)


def posteriors_of(dense):
    """Posteriors of a map of dense probabilities, shape (y, x, class)."""
    flat = np.asarray(dense, dtype=np.float32).reshape(-1, dense.shape[-1])
    said = posteriors_from_probabilities(flat, allowed=range(dense.shape[-1]))
    return said.reshaped(*dense.shape[:2])


def even(classes, pixels):
    return ScanPriors(np.full(classes, 1 / classes), pixels, 1)


def smoothed(dense, priors=None, void=None, **options):
    priors = priors or even(dense.shape[2], dense.shape[0] * dense.shape[1])
    void = np.zeros(dense.shape[:2], bool) if void is None else void
    return potts_smoothed(posteriors_of(dense), priors, void=void, **options)


def pairs_of_grid(height, width):
    """Pairs of the eight-neighbourhood with their weights, written out."""
    cells = list(itertools.product(range(height), range(width)))
    for (a, (ya, xa)), (b, (yb, xb)) in itertools.combinations(enumerate(cells), 2):
        if max(abs(ya - yb), abs(xa - xb)) == 1:
            yield a, b, 1.0 if ya == yb or xa == xb else 2**-0.5


def exact_marginals(dense, strength):
    """Marginals by summing over all maps."""
    height, width, classes = dense.shape
    maps = np.array(list(itertools.product(range(classes), repeat=height * width)))
    logs = np.log(dense.reshape(-1, classes))
    energy = logs[np.arange(height * width), maps].sum(axis=1)
    for a, b, weight in pairs_of_grid(height, width):
        energy += strength * weight * (maps[:, a] == maps[:, b])
    chance = np.exp(energy - energy.max())
    chance /= chance.sum()
    marginals = [[chance[maps[:, i] == k].sum() for k in range(classes)] for i in range(len(logs))]
    return np.array(marginals).reshape(height, width, classes)


@pytest.mark.parametrize("strength", [0.1, 0.3, 0.6])
def test_the_map_is_that_of_the_exact_marginals(strength):
    rng = np.random.default_rng(1)
    agree = decided = wrong = 0
    for _ in range(25):
        dense = rng.dirichlet(np.full(3, 0.5), size=(3, 3)).clip(1e-6)
        dense /= dense.sum(axis=2, keepdims=True)
        exact = exact_marginals(dense, strength)
        found = smoothed(dense, strength=strength, steps=20)
        agree += (found == exact.argmax(axis=2)).sum()
        sure = exact.max(axis=2) > 0.8
        decided += sure.sum()
        wrong += (found != exact.argmax(axis=2))[sure].sum()
    assert decided > 60
    assert wrong <= 0.02 * decided
    assert agree >= 0.94 * 25 * 9


def test_a_step_is_the_equation():
    rng = np.random.default_rng(3)
    evidence = rng.normal(size=(4, 5, 3)).astype(np.float32)
    before = rng.dirichlet(np.ones(3), size=(4, 5)).astype(np.float32)
    speaks = rng.random((4, 5)) < 0.8
    after = np.empty_like(before)
    mean_field_step(evidence, before, after, speaks, np.float32(0.7))
    flat, expected = before.reshape(-1, 3), evidence.reshape(-1, 3).astype(np.float64)
    for a, b, weight in pairs_of_grid(4, 5):
        expected[a] += 0.7 * weight * flat[b] * speaks.ravel()[b]
        expected[b] += 0.7 * weight * flat[a] * speaks.ravel()[a]
    expected = np.exp(expected)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after.reshape(-1, 3), expected, rtol=1e-5)


def field_of_quartz(size=9):
    dense = np.empty((size, size, 3))
    dense[...] = 0.98, 0.015, 0.005
    return dense


def test_an_unsure_pixel_takes_its_neighbours_class():
    dense = field_of_quartz()
    dense[4, 4] = 0.15, 0.8, 0.05
    assert (smoothed(dense) == QUARTZ).all()


def test_a_certain_grain_of_one_pixel_stands():
    dense = field_of_quartz()
    dense[4, 4] = 1e-6, 1e-6, 1 - 2e-6
    found = smoothed(dense, priors=ScanPriors(np.array([0.98, 0.01, 0.01]), 81, 1))
    assert np.argwhere(found == GOLD).tolist() == [[4, 4]]
    assert (np.delete(found.ravel(), 40) == QUARTZ).all()


def test_an_unsure_region_takes_the_better_class_as_a_whole():
    rng = np.random.default_rng(0)
    dense = np.empty((20, 20, 2))
    truth = (np.arange(20) >= 10).astype(int) * np.ones((20, 1), int)
    right = 1 / (1 + np.exp(-(0.8 + rng.normal(size=(20, 20)))))
    dense[..., 0] = np.where(truth == 0, right, 1 - right)
    dense[..., 1] = 1 - dense[..., 0]
    alone = (dense.argmax(axis=2) == truth).mean()
    together = (smoothed(dense, strength=0.6) == truth).mean()
    assert alone < 0.85
    assert together > 0.97


def test_bands_give_the_whole_map():
    dense = np.random.default_rng(5).dirichlet(np.full(6, 0.4), size=(31, 12)).clip(1e-5)
    dense /= dense.sum(axis=2, keepdims=True)
    whole = smoothed(dense, rows_at_once=31)
    for rows in (1, 4, 9):
        np.testing.assert_array_equal(smoothed(dense, rows_at_once=rows), whole)


def test_strength_of_nothing_leaves_the_spectra_to_themselves():
    dense = np.random.default_rng(6).dirichlet(np.full(7, 0.5), size=(9, 8)).clip(1e-5)
    dense /= dense.sum(axis=2, keepdims=True)
    shares = np.random.default_rng(7).dirichlet(np.full(7, 2.0))
    priors = ScanPriors(shares, 72, 1)
    best, _ = best_under_priors(posteriors_of(dense), shares)
    np.testing.assert_array_equal(smoothed(dense, priors, strength=0.0), best)


def test_void_stays_and_neither_void_nor_silent_pixels_are_heeded():
    dense = field_of_quartz(5)
    dense[:, 2:] = 0.3, 0.65, 0.05
    void = np.zeros((5, 5), bool)
    void[:, 1] = True
    found = smoothed(dense, void=void)
    assert (found[:, 1] == VOID).all()
    assert (found[:, 2:] == ALBITE).all()
    dense = field_of_quartz(5)
    dense[2, 2] = 0.3, 0.65, 0.05
    others = np.ones((5, 5), bool)
    others[2, 2] = False
    assert smoothed(dense, silent=others)[2, 2] == ALBITE
    assert smoothed(dense)[2, 2] == QUARTZ
    assert (smoothed(dense, void=np.ones((5, 5), bool)) == VOID).all()


def test_what_cannot_be_smoothed_is_refused():
    dense = field_of_quartz(5)
    with pytest.raises(InvalidValueError, match="void mask"):
        smoothed(dense, void=np.zeros((4, 5), bool))
    with pytest.raises(InvalidValueError, match="strength"):
        smoothed(dense, strength=-1.0)
    with pytest.raises(InvalidValueError, match="at least one step"):
        smoothed(dense, steps=0)
