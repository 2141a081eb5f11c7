"""Fitting a spatial network: it learns a texture that no neighbour alone tells."""

import numpy as np
import pytest
import torch

from lithoscope.errors import InvalidValueError
from lithoscope.models.spatial import CHANNELS, SpatialShape
from lithoscope.training.spatial import (
    NOT_COUNTED,
    SpatialExample,
    SpatialFit,
    drawn_crop,
    fit_spatial,
)


def example(rng, side=24, classes=4):
    """Two halves of two classes; a line of a third between them is called so, and is the left."""
    left, right, line = rng.permutation(classes)[:3]
    edge = int(rng.integers(6, side - 6))
    said = np.full((side, side), right)
    said[:, :edge] = left
    truth = said.copy()
    said[:, edge] = line
    truth[:, edge] = left
    truth[0, 0] = NOT_COUNTED
    guess = np.full((classes, side, side), -4.0)
    np.put_along_axis(guess, said[None], -0.1, axis=0)
    maps = np.zeros((classes, CHANNELS, side, side))
    maps[:, 2] = np.exp(guess)
    maps[:, 5] = 1
    return SpatialExample(maps.astype(np.float16), guess.astype(np.float16), truth)


def test_a_line_between_two_grains_is_learnt_as_a_mixture():
    rng = np.random.default_rng(2)
    fit = SpatialFit(steps=150, crops=4, side=20, classes=4, learning_rate=1e-2, seed=1)
    network = fit_spatial(SpatialShape((8, 8, 8)), [example(rng) for _ in range(12)], fit)
    right, before, lines = 0, 0, 0
    for _ in range(6):
        one = example(rng)
        guess = torch.from_numpy(one.guess.astype(np.float32))[None]
        with torch.inference_mode():
            found = network(torch.from_numpy(one.maps.astype(np.float32))[None], guess)
        wrong = (guess[0].argmax(dim=0).numpy() != one.truth) & (one.truth != NOT_COUNTED)
        lines += wrong.sum()
        before += (one.truth != NOT_COUNTED).sum() - wrong.sum()
        right += ((found[0].argmax(dim=0).numpy() == one.truth) & wrong).sum()
    assert lines >= 6 * 23
    # Left or right is not told by crops that are mirrored: half would be chance among the two.
    assert right / lines > 0.4


def test_crops_carry_truth_maps_and_classes_together():
    rng = np.random.default_rng(3)
    one = example(rng, classes=6)
    fit = SpatialFit(side=12, classes=3)
    for _ in range(20):
        maps, guess, truth = drawn_crop(one, fit, rng)
        assert maps.shape[2:] == (CHANNELS, 12, 12)
        torch.testing.assert_close(maps[:, :, 2], guess.exp(), atol=2e-3, rtol=2e-3)
        counted = truth != NOT_COUNTED
        hit = guess.argmax(dim=1) == truth
        assert hit[counted].float().mean() > 0.8


def test_the_same_seed_gives_the_same_network():
    rng = np.random.default_rng(5)
    examples = [example(rng)]
    fit = SpatialFit(steps=3, crops=1, side=8, classes=2)
    first, again = (fit_spatial(SpatialShape((4, 4, 4)), examples, fit) for _ in range(2))
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_what_cannot_be_learnt_from_is_refused():
    rng = np.random.default_rng(6)
    one = example(rng)
    with pytest.raises(InvalidValueError, match="0 maps to crop"):
        fit_spatial(SpatialShape(), [], SpatialFit())
    with pytest.raises(InvalidValueError, match="1 maps to crop 48 x 48"):
        fit_spatial(SpatialShape(), [one], SpatialFit())
    with pytest.raises(InvalidValueError, match="Maps of shape"):
        SpatialExample(one.maps[:, :2], one.guess, one.truth)
    with pytest.raises(InvalidValueError, match="True classes"):
        SpatialExample(one.maps, one.guess, one.truth + 9)
