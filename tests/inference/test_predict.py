"""Prediction: restriction to minerals, void, scaling, the unknown."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import VOID, LabelSet
from lithoscope.errors import InvalidValueError, MineralError
from lithoscope.inference.predict import Predictor, logits_from_counts
from lithoscope.inference.unknown.energy import energy_score_from_logits, threshold_at_counts
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold
from lithoscope.models.confidence import Temperature
from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition

MEASURED = EnergyAxis(-0.955, 0.01, 4096)


class ThreeRegions(SpectralNetwork):
    """Votes for the third of the spectrum that holds most of its shape."""

    def __init__(self):
        super().__init__(n_inputs=2, n_bins=len(ModelAxis()), n_classes=3)
        self.head = nn.Linear(3, 3, bias=False)
        nn.init.eye_(self.head.weight)

    def features(self, spectra, log_total):
        shape = (spectra[:, 1].float() / 10) ** 2
        return 8 * torch.stack([part.sum(dim=1) for part in shape.chunk(3, dim=1)], dim=1)


def checkpoint(threshold=1e9):
    return Checkpoint(
        name="regions",
        network_name="none",
        network=ThreeRegions(),
        axis=ModelAxis(),
        labels=LabelSet.of_minerals(["quartz", "hematite", "cassiterite"]),
        condition=Condition("poisson", {"poisson": 2}, (30, 1000)),
        instruments=("m4-tornado",),
        voltages_kV=(25.0, 50.0),
        threshold=UnknownThreshold((100.0,), ((threshold,) * 3,), 0.01),
    )


def spectrum(energy_keV, counts):
    values = np.zeros(4096)
    values[MEASURED.channel(energy_keV)] = counts
    return values


def test_classes_probabilities_and_counts():
    said = Predictor(checkpoint(), MEASURED)(
        np.array([spectrum(1.7, 100), spectrum(12.0, 200), spectrum(25.0, 300)])
    )
    assert said.classes.tolist() == [0, 1, 2]
    np.testing.assert_allclose(said.probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(said.counts, [100, 200, 300], rtol=1e-5)
    np.testing.assert_allclose(said.confidence, np.exp(8) / (np.exp(8) + 2), rtol=1e-4)


def test_a_temperature_softens_probabilities_and_leaves_class_and_score():
    model = checkpoint()
    hot = dataclasses.replace(model, temperature=Temperature((30.0, 3000.0), (1.0, 3.0)))
    # 300 counts lie half way between the levels: a temperature of 2.
    cold_said, hot_said = (
        Predictor(one, MEASURED)(spectrum(1.7, 300)[None]) for one in (model, hot)
    )
    assert hot_said.classes[0] == cold_said.classes[0] == 0
    assert hot_said.confidence[0] == pytest.approx(np.exp(4) / (np.exp(4) + 2), rel=5e-3)
    assert hot_said.ood_score[0] == cold_said.ood_score[0]


def test_too_few_counts_and_the_zero_peak_are_void():
    said = Predictor(checkpoint(), MEASURED)(
        np.array([spectrum(1.7, 29), spectrum(0.0, 1e6), np.zeros(4096)])
    )
    assert (said.classes == VOID).all()
    assert not said.unknown.any()
    assert (said.confidence == 0).all()
    assert np.isfinite(said.ood_score).all()


def test_naming_minerals_narrows_the_answer_and_renormalises():
    said = Predictor(checkpoint(), MEASURED, ["hematite", "cassiterite"])(spectrum(1.7, 100)[None])
    assert said.classes[0] in (1, 2)
    assert said.probabilities[0, 0] == 0
    assert said.probabilities[0].sum() == pytest.approx(1)
    with pytest.raises(MineralError, match="lithoscope train"):
        Predictor(checkpoint(), MEASURED, ["gold"])


def test_unknown_is_above_the_threshold():
    strange = -np.log(np.exp(8) + 2)
    for threshold, unknown in ((strange - 0.1, True), (strange + 0.1, False)):
        said = Predictor(checkpoint(threshold), MEASURED)(spectrum(1.7, 100)[None])
        assert bool(said.unknown[0]) is unknown
        # This network has no trunk to keep its inputs exact: bfloat16 rounds them by up to 0.4 %.
        assert said.ood_score[0] == pytest.approx(strange, rel=5e-3)


def test_energy_score_by_hand():
    score = energy_score_from_logits(torch.tensor([[0.0, np.log(3.0)]]))
    assert score[0] == pytest.approx(-np.log(4))


def test_thresholds_are_interpolated_over_log_counts():
    threshold = UnknownThreshold((100.0, 10_000.0), ((0.0, 5.0), (2.0, 9.0)), 0.01)
    limits = threshold_at_counts(
        threshold=threshold,
        counts=np.array([10.0, 1000.0, 1e6, 1000.0]),
        classes=np.array([0, 0, 0, 1]),
    )
    np.testing.assert_allclose(limits, [0.0, 1.0, 2.0, 7.0])


def test_more_counts_than_trained_are_scaled_down():
    class Total(ThreeRegions):
        def features(self, spectra, log_total):
            return log_total.repeat(1, 3)

    model = checkpoint()
    object.__setattr__(model, "network", Total())
    counts = torch.zeros(2, len(model.axis))
    counts[0, 5], counts[1, 5] = 500.0, 50_000.0
    logits = logits_from_counts(model, counts)
    assert logits[0, 0] == pytest.approx(np.log10(500) - 3.5, abs=1e-5)
    assert logits[1, 0] == pytest.approx(np.log10(1000) - 3.5, abs=1e-5)


def test_an_axis_that_misses_the_model_s_is_refused():
    with pytest.raises(InvalidValueError, match="energy axis"):
        Predictor(checkpoint(), EnergyAxis(0.0, 0.001, 2048))
    with pytest.raises(InvalidValueError, match="Counts of shape"):
        Predictor(checkpoint(), MEASURED)(np.zeros((1, 2048)))
