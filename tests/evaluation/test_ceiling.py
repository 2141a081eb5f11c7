"""The ceiling against sums over all outcomes, and against classifiers that cannot beat it."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import multinomial

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.ceiling import Ceiling, Posterior, ceiling_by_counts
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

# Two classes of two spectra each, in three bins.
SPECTRA = np.array([[0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.3, 0.4, 0.3], [0.45, 0.3, 0.25]])
CLASSES = np.array([0, 0, 1, 1])


def outcomes(total):
    for first, second in itertools.product(range(total + 1), repeat=2):
        if first + second <= total:
            yield first, second, total - first - second


def test_posteriors_are_bayes():
    counts = np.array(list(outcomes(6)), dtype=np.float32)
    posterior = Posterior(torch.from_numpy(counts), 2)
    # In two parts of unlike size, as templates come.
    posterior.add(torch.from_numpy(SPECTRA[:3]).float(), torch.from_numpy(CLASSES[:3]))
    posterior.add(torch.from_numpy(SPECTRA[3:]).float(), torch.from_numpy(CLASSES[3:]))
    likelihood = np.array([[multinomial.pmf(n, 6, p) for p in SPECTRA] for n in counts])
    of_class = np.stack([likelihood[:, :2].mean(axis=1), likelihood[:, 2:].mean(axis=1)], axis=1)
    expected = of_class / of_class.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(posterior.probabilities().numpy(), expected, rtol=1e-4)


def test_the_accuracy_is_the_exact_one():
    total, rng = 20, np.random.default_rng(0)
    every = np.array(list(outcomes(total)))
    likelihood = np.array([[multinomial.pmf(n, total, p) for p in SPECTRA] for n in every])
    of_class = np.stack([likelihood[:, :2].mean(axis=1), likelihood[:, 2:].mean(axis=1)], axis=1)
    exact = of_class.max(axis=1).sum() / 2
    drawn_from = rng.integers(4, size=20_000)
    counts = np.array([rng.multinomial(total, SPECTRA[k]) for k in drawn_from], dtype=np.float32)
    posterior = Posterior(torch.from_numpy(counts), 2)
    posterior.add(torch.from_numpy(SPECTRA).float(), torch.from_numpy(CLASSES))
    said = posterior.probabilities().numpy()
    right = (said.argmax(axis=1) == CLASSES[drawn_from]).mean()
    assert right == pytest.approx(exact, abs=0.01)
    # A posterior that is right knows how often it is right.
    assert said.max(axis=1).mean() == pytest.approx(exact, abs=0.01)


def stream(condition, seed, batch_size):
    library = load_library()
    names = ("albite", "oligoclase", "andesine", "quartz")
    return SpectrumStream(
        [library.get(name) for name in names],
        LabelSet.of_minerals(names),
        [load_instrument("m4-tornado")],
        CONDITIONS[condition],
        ModelAxis().edges_keV,
        batch_size=batch_size,
        seed=seed,
        size=GenerationSize(2, 256),
    )


def test_it_rises_with_counts_and_is_bracketed():
    found = ceiling_by_counts(
        stream("poisson", 1, 400),
        stream("poisson", 2, 512),
        levels=(100.0, 1_000.0, 10_000.0),
        templates_per_class=512,
    )
    assert [one.counts for one in found] == [100, 1000, 10_000]
    last = [one.estimates[-1] for one in found]
    assert last == sorted(last)
    # 400 draws: the mean posterior is within three standard errors of the accuracy.
    assert found[0].mean_posterior == pytest.approx(last[0], abs=0.07)
    for one in found:
        assert one.upper >= one.estimates[-1] - 1e-9
        assert one.bound in (one.estimates[-1], one.upper)


def test_minerals_of_one_composition_are_a_coin_flip():
    library = load_library()
    names = ("kyanite", "andalusite")
    same = [library.get(name) for name in names]

    def of(seed, size):
        return SpectrumStream(
            same,
            LabelSet.of_minerals(names),
            [load_instrument("m4-tornado")],
            CONDITIONS["poisson"],
            ModelAxis().edges_keV,
            batch_size=size,
            seed=seed,
            size=GenerationSize(1, 256),
        )

    (found,) = ceiling_by_counts(of(1, 400), of(2, 256), levels=(300.0,), templates_per_class=256)
    assert found.estimates[-1] == pytest.approx(0.5, abs=0.08)


def test_a_ceiling_that_cannot_be_is_refused():
    with pytest.raises(InvalidValueError, match="shares"):
        Ceiling(100, 10, 16, (0.1, 0.2, 1.2), 0.5, 0.5, 0.1)
