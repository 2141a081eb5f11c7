"""Integrated gradients: completeness, a closed form, and what is refused."""

import dataclasses

import numpy as np
import pytest
import torch

from lithoscope.errors import InvalidValueError
from lithoscope.inference.explain import (
    explain_spectrum,
    integrated_gradients,
    log_odds_from_logits,
)
from lithoscope.inference.predict import Predictor
from lithoscope.models.registry import build_network
from lithoscope.workflows.explain import explain
from lithoscope.workflows.simulate import simulate


def test_a_polynomial_has_its_closed_form():
    # f = x^3 y: the integral of 3 a^3 x^2 y times x is 3/4 of f, and that of a^3 x^3 times y, 1/4.
    inputs = torch.tensor([1.5, 2.0])
    parts = integrated_gradients(lambda batch: batch[:, 0] ** 3 * batch[:, 1], inputs, steps=8)
    whole = 1.5**3 * 2.0
    np.testing.assert_allclose(parts.numpy(), [0.75 * whole, 0.25 * whole], rtol=1e-6)


def test_log_odds_are_those_of_the_softmax():
    logits = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    share = torch.softmax(logits, dim=1)[0, 1]
    assert log_odds_from_logits(logits, 1).item() == pytest.approx(
        torch.log(share / (1 - share)).item()
    )


@pytest.mark.parametrize("name", ["hematite", "calcite"])
def test_attributions_add_up_to_the_difference_of_log_odds(tiny_model, name):
    spectrum = simulate(name, counts=3000, seed=1)
    found = explain_spectrum(tiny_model, spectrum.axis, spectrum.counts)
    assert found.label == name
    difference = found.log_odds - found.log_odds_of_nothing
    assert found.attributions.sum() == pytest.approx(difference, abs=0.01 * abs(difference) + 0.01)
    said = Predictor(tiny_model, spectrum.axis)(spectrum.counts[None, :])
    share = float(said.probabilities.max())
    assert 1 / (1 + np.exp(-found.log_odds)) == pytest.approx(share, abs=1e-4)
    assert found.attention is None


def test_attention_is_shown_where_there_is_some(tiny_model, tmp_path):
    leaves = tiny_model.bound_chain.leaves
    torch.manual_seed(0)
    network = build_network(
        "cnn-attention",
        n_bins=leaves.length,
        n_classes=len(tiny_model.labels),
        n_inputs=leaves.channels,
    ).eval()
    model = dataclasses.replace(tiny_model, network=network, network_name="cnn-attention")
    found = explain(simulate("hematite", counts=3000, seed=1), tmp_path / "why.png", model=model)
    assert found.attention.sum() == pytest.approx(1)
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")


def test_too_few_counts_are_refused(tiny_model):
    spectrum = simulate("hematite", counts=3, seed=1)
    with pytest.raises(InvalidValueError, match="too few"):
        explain_spectrum(tiny_model, spectrum.axis, spectrum.counts)
