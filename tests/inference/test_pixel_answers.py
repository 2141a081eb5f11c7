"""Answers of pixels under a scan's priors, against all classes' probabilities worked out whole."""

import numpy as np
import pytest

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.inference.answer import AnswerTree, answer_from_probabilities, tree_of_labels
from lithoscope.inference.pixel_answers import keys_of_pixels, probabilities_in_scan
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import best_under_priors
from lithoscope.inference.sharpening import sharpened_for_noise
from lithoscope.minerals import load_library

NAMES = ["albite", "oligoclase", "andesine", "anorthite", "quartz", "calcite", "ferberite"]
NAMES += ["hubnerite", "pyrite", "galena", "halite", "rutile"]
LABELS = LabelSet.of_minerals(NAMES)
TREE = tree_of_labels(LABELS, load_library())
PRIORS = np.array([0.3, 0.2, 0.1, 0.02, 0.2, 0.1, 0.03, 0.02, 0.01, 0.01, 0.0, 0.01])


def drawn(shape, seed=3, sharp=0.25):
    draws = np.random.default_rng(seed)
    return draws.dirichlet(np.full(len(NAMES), sharp), size=shape).astype(np.float32)


def test_priors_by_hand():
    said = probabilities_in_scan(
        probabilities=np.array([[0.6, 0.4], [0.6, 0.4]]),
        counts=np.array([2_000.0, 40_000.0]),
        priors=np.array([0.2, 0.8]),
    )
    # 0.6 x 0.2 against 0.4 x 0.8; at 40 000 counts the roots of the priors.
    assert said[0] == pytest.approx([0.12 / 0.44, 0.32 / 0.44])
    roots = np.array([0.6 * np.sqrt(0.2), 0.4 * np.sqrt(0.8)])
    assert said[1] == pytest.approx(roots / roots.sum())


@pytest.mark.parametrize("counts", [500.0, 10_000.0, 60_000.0])
def test_pixels_have_the_answers_of_their_posteriors(counts):
    posteriors = posteriors_from_probabilities(drawn(400), allowed=range(len(NAMES)))
    totals = np.full((20, 20), counts)
    keys = keys_of_pixels(posteriors.reshaped(20, 20), totals, PRIORS, TREE, least=0.7)
    assert keys.shape == (20, 20, 4)
    power = min(1.0, (10_000 / counts) ** 0.5)
    levels = set()
    for said, key in zip(posteriors.dense(len(NAMES)), keys.reshape(-1, 4), strict=True):
        expected = said * PRIORS**power
        answer = answer_from_probabilities(expected / expected.sum(), TREE, least=0.7)
        levels.add(answer.level)
        if answer.level == "series":
            assert TREE.series[key[1]][0] == answer.label
        elif answer.level == "unresolved":
            assert key.tolist() == [4, -1, -1, -1]
        else:
            assert "/".join(NAMES[place] for place in key[1:] if place >= 0) == answer.label
    assert {"mineral", "alternatives", "series"} <= levels


@pytest.mark.parametrize("counts", [3_000.0, 50_000.0])
def test_an_answer_of_one_mineral_is_the_map_s(counts):
    posteriors = posteriors_from_probabilities(drawn(500, sharp=0.1), allowed=range(len(NAMES)))
    totals = np.full(500, counts)
    best, _ = best_under_priors(sharpened_for_noise(posteriors, totals), PRIORS)
    keys = keys_of_pixels(posteriors, totals, PRIORS, TREE)
    single = keys[:, 0] == 0
    assert 100 < single.sum() < 500
    assert (keys[single, 1] == best[single]).all()


def test_bright_pixels_are_not_answered_finer_than_the_model_knows():
    """Sharpening, which keeps smoothing from outvoting them, would make 0.6 into 0.98."""
    row = np.full((1, len(NAMES)), 1e-4, dtype=np.float32)
    row[0, [4, 5]] = 0.6, 0.4 - 1e-3
    posteriors = posteriors_from_probabilities(row, allowed=range(len(NAMES)))
    even = np.full(len(NAMES), 1 / len(NAMES))
    totals = np.array([1_000_000.0])
    _, sure = best_under_priors(sharpened_for_noise(posteriors, totals), even)
    assert sure[0] > 0.95
    assert keys_of_pixels(posteriors, totals, even, TREE)[0].tolist() == [2, 4, 5, -1]


def test_classes_that_were_ruled_out_are_in_no_answer():
    probabilities = drawn(100)
    probabilities[:, [0, 3]] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    allowed = [place for place in range(len(NAMES)) if place not in (0, 3)]
    posteriors = posteriors_from_probabilities(probabilities, allowed=allowed)
    shares = np.where(np.isin(range(len(NAMES)), allowed), PRIORS, 0)
    keys = keys_of_pixels(posteriors, np.full(100, 900.0), shares / shares.sum(), TREE)
    classes = keys[np.isin(keys[:, 0], (0, 2)), 1:]
    assert classes.size
    assert not np.isin(classes, (0, 3)).any()


def test_what_does_not_fit():
    with pytest.raises(InvalidValueError, match="shape"):
        probabilities_in_scan(
            probabilities=np.ones((2, 3)) / 3, counts=np.ones(2), priors=np.ones(2) / 2
        )
    bare = AnswerTree(LABELS, ())
    posteriors = posteriors_from_probabilities(drawn(50), allowed=range(len(NAMES)))
    keys = keys_of_pixels(posteriors, np.full(50, 900.0), PRIORS, bare)
    assert (keys[:, 0] != 3).all(), "no series without a tree"
