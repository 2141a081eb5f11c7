"""The baseline network can learn, and its inputs are what they say."""

import numpy as np
import pytest
import torch

from lithoscope.errors import CheckpointError
from lithoscope.models.cnn import Cnn
from lithoscope.models.inputs import network_inputs
from lithoscope.models.registry import NETWORKS, build_network


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_overfits_a_tiny_set(name):
    torch.manual_seed(0)
    network = build_network(name, n_bins=120, n_classes=16)
    counts = torch.poisson(torch.rand(16, 120) * 20)
    classes = torch.arange(16)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(*network_inputs(counts)), classes)
        loss.backward()
        optimizer.step()
    assert loss < 0.05
    assert (network(*network_inputs(counts)).argmax(dim=1) == classes).all()


def test_inputs_by_hand():
    spectra, log_total = network_inputs(torch.tensor([[0.0, 4.0, 96.0]]))
    np.testing.assert_allclose(spectra[0, 0], np.log1p(np.sqrt([0, 4, 96])), rtol=1e-6)
    np.testing.assert_allclose(spectra[0, 1], 10 * np.sqrt([0, 0.04, 0.96]), rtol=1e-6)
    assert log_total[0, 0] == pytest.approx(2 - 3.5)


def test_a_spectrum_without_counts_gives_numbers():
    network = Cnn(64, 3).eval()
    with torch.inference_mode():
        logits = network(*network_inputs(torch.zeros(2, 64)))
    assert torch.isfinite(logits).all()


def test_batch_equals_one_by_one():
    torch.manual_seed(1)
    network = Cnn(64, 5).eval()
    counts = torch.poisson(torch.rand(7, 64) * 9)
    with torch.inference_mode():
        together = network(*network_inputs(counts))
        apart = torch.cat([network(*network_inputs(row[None])) for row in counts])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


def test_an_unknown_network_is_named():
    with pytest.raises(CheckpointError, match=r"'cnm'(.|\n)*cnn"):
        build_network("cnm", n_bins=10, n_classes=2)


@pytest.mark.parametrize("length", [1, 2, 5, 8, 16, 17, 64, 466])
def test_short_inputs_have_finite_gradients_in_bfloat16(length):
    """Scores are few; bfloat16 convolutions give NaN for taps that never leave the padding."""
    torch.manual_seed(0)
    network = Cnn(length, 3, n_inputs=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(torch.randn(32, 1, length), torch.zeros(32, 1))
        torch.nn.functional.cross_entropy(logits, torch.arange(32) % 3).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in network.parameters())
