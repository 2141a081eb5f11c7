"""The control holds on empty spectra, and its inputs are what they say."""

import numpy as np
import pytest
import torch

from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.cnn import Cnn


def test_inputs_by_hand():
    spectra, log_total = network_inputs(torch.tensor([[0.0, 4.0, 96.0]]))
    np.testing.assert_allclose(spectra[0, 0], np.log1p(np.sqrt([0, 4, 96])), rtol=1e-6)
    np.testing.assert_allclose(spectra[0, 1], 10 * np.sqrt([0, 0.04, 0.96]), rtol=1e-6)
    assert log_total[0, 0] == pytest.approx(2 - 3.5)


def test_a_spectrum_without_counts_gives_numbers():
    network = Cnn(2, 64, 3).eval()
    with torch.inference_mode():
        logits = network(*network_inputs(torch.zeros(2, 64)))
    assert torch.isfinite(logits).all()


def test_batch_equals_one_by_one():
    torch.manual_seed(1)
    network = Cnn(2, 64, 5).eval()
    counts = torch.poisson(torch.rand(7, 64) * 9)
    with torch.inference_mode():
        together = network(*network_inputs(counts))
        apart = torch.cat([network(*network_inputs(row[None])) for row in counts])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
