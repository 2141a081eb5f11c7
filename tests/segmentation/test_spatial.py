"""Smoothing by the network: what it is shown, tiles, and what it does to textures it learnt."""

import numpy as np
import pytest
import torch

from lithoscope.core.labels import VOID
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import estimate_priors
from lithoscope.models.spatial import SpatialNetwork, SpatialShape
from lithoscope.segmentation.potts import classes_to_try, potts_smoothed
from lithoscope.segmentation.spatial import class_maps, network_smoothed, shipped_network


def noisy(truth, rng, n_classes=5, sharpness=1.6):
    """Posteriors of pixels of known class from one Gaussian measurement of each class."""
    seen = rng.normal(size=(*truth.shape, n_classes))
    seen += sharpness * (np.arange(n_classes) == truth[..., None])
    logits = (sharpness * seen).astype(np.float32)
    dense = np.exp(logits - logits.max(axis=2, keepdims=True))
    dense /= dense.sum(axis=2, keepdims=True)
    said = posteriors_from_probabilities(dense.reshape(-1, n_classes), allowed=range(n_classes))
    return said.reshaped(*truth.shape)


def grains(rng, side=64, n_classes=4, number=25):
    points = rng.uniform(0, side, (number, 2))
    labels = rng.integers(n_classes, size=number)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1)
    distance = ((grid[:, :, None] - points) ** 2).sum(axis=-1)
    return labels[distance.argmin(axis=-1)]


@pytest.fixture
def a_scan():
    rng = np.random.default_rng(8)
    truth = grains(rng)
    posteriors = noisy(truth, rng)
    void = np.zeros(truth.shape, bool)
    void[:5, 10:20] = True
    silent = np.zeros(truth.shape, bool)
    silent[30:34, 30:34] = True
    priors = estimate_priors(posteriors, n_classes=5, use=~void & ~silent)
    return truth, posteriors, priors, void, silent


def test_the_network_is_shown_what_it_says(a_scan):
    _, posteriors, priors, void, silent = a_scan
    classes = classes_to_try(posteriors, priors, ~void)
    speaks = ~(void | silent)
    maps, guess = class_maps(posteriors, priors, classes, speaks, (0, 64))
    assert not maps[..., ~speaks].any()
    y, x = 50, 40
    dense = posteriors.dense(5)[y, x, classes]
    weighed = dense * priors.shares[classes]
    weighed /= weighed.sum()
    np.testing.assert_allclose(maps[:, 2, y, x], weighed, rtol=0.02, atol=1e-4)
    np.testing.assert_allclose(maps[:, 0, y, x], np.maximum(np.log(weighed), -12) / 4, atol=0.01)
    np.testing.assert_allclose(maps[:, 1, y, x], np.log(dense / dense.sum()) / 4, atol=0.01)
    best, second = np.sort(weighed)[::-1][:2]
    place = weighed.argmax()
    odds = min(np.log(best / second), 8.0) / 4
    np.testing.assert_allclose(maps[place, 3, y, x], odds, atol=0.01)
    np.testing.assert_allclose(np.exp(guess).sum(axis=0)[speaks], 1, atol=1e-3)
    whole = classes[guess.argmax(axis=0)]
    smoothed = potts_smoothed(posteriors, priors, void=void, silent=silent)
    np.testing.assert_array_equal(whole[~void], smoothed[~void])


@pytest.mark.parametrize("atrous", [False, True])
def test_tiles_make_the_map_of_the_whole(a_scan, atrous):
    _, posteriors, priors, void, silent = a_scan
    torch.manual_seed(5)
    network = SpatialNetwork(SpatialShape((4, 6, 8), atrous)).eval()
    torch.nn.init.normal_(network.score.weight, std=1000.0)
    whole, tiled = (
        network_smoothed(posteriors, priors, network, void=void, silent=silent, tile=tile)
        for tile in (64, 8)
    )
    np.testing.assert_array_equal(whole, tiled)
    plain = potts_smoothed(posteriors, priors, void=void, silent=silent)
    assert (whole != plain).mean() > 0.02


def test_the_shipped_network_rights_grains_and_keeps_void(a_scan):
    truth, posteriors, priors, void, silent = a_scan
    found = network_smoothed(posteriors, priors, shipped_network(), void=void, silent=silent)
    assert (found[void] == VOID).all()
    raw = posteriors.classes[..., 0].astype(np.int16)
    seen = ~void
    assert (raw == truth)[seen].mean() < 0.75
    assert (found == truth)[seen].mean() > 0.9


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 3)])
def test_small_and_empty_scans_are_smoothed_too(shape):
    truth = np.zeros(shape, np.int64)
    posteriors = noisy(truth, np.random.default_rng(1), sharpness=9.0)
    void = np.zeros(shape, bool)
    priors = estimate_priors(posteriors, n_classes=5)
    found = network_smoothed(posteriors, priors, shipped_network(), void=void, silent=void)
    assert (found == 0).all()
    all_void = ~void
    found = network_smoothed(posteriors, priors, shipped_network(), void=all_void, silent=void)
    assert (found == VOID).all()
