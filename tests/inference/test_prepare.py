"""A prepared network says what the original says."""

import functools
import time

import numpy as np
import pytest
import torch

from lithoscope.inference import prepare
from lithoscope.inference.prepare import prepared_for_inference
from lithoscope.inference.throughput import spectra_per_second
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.models.inputs import network_inputs
from lithoscope.models.registry import NETWORKS, build_network
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix


def convolves_bf16():
    """Whether oneDNN convolves bfloat16 here: it refuses on processors of AVX2 alone."""
    ones = torch.ones(1, 1, 4, 4, dtype=torch.bfloat16)
    where = (0, 0), (1, 1), (1, 1), 1
    try:
        torch.ops.mkldnn._convolution_pointwise(ones, ones, None, *where, "gelu", [], "tanh")
    except RuntimeError as error:
        return "bf16 path needs" not in str(error)
    return True


BF16 = pytest.mark.skipif(not convolves_bf16(), reason="the processor convolves no bfloat16")


@functools.cache
def network_of(name):
    """A network whose running means and variances are far from 0 and 1."""
    torch.manual_seed(1)
    network = build_network(name, n_bins=466, n_classes=9)
    with torch.no_grad():
        for _ in range(20):
            network.train()(*inputs_of(64))
    return network.eval()


def inputs_of(count):
    return network_inputs(torch.poisson(torch.rand(count, 466) * 40))


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float32, 1e-4), pytest.param(torch.bfloat16, 0.05, marks=BF16)],
)
def test_logits_stay_within_rounding(name, dtype, tolerance):
    network = network_of(name)
    inputs = inputs_of(24)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    prepared = prepared_for_inference(network, dtype=dtype)
    with torch.inference_mode():
        logits, quick = network(*inputs), prepared(*inputs)
        features = prepared.features(*inputs)
    assert quick.dtype == features.dtype == torch.float32
    assert (logits - quick).abs().max() < tolerance * logits.std()
    for key, value in network.state_dict().items():
        assert value.dtype == before[key].dtype
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


def test_without_the_fused_convolution_the_same(monkeypatch):
    network, inputs = network_of("cnn-se"), inputs_of(16)
    prepared = prepared_for_inference(network, dtype=torch.float32)
    with torch.inference_mode():
        fused = prepared(*inputs)
        monkeypatch.setattr(prepare, "_fuses", lambda: False)
        torch.testing.assert_close(prepared(*inputs), fused, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, pytest.param(torch.bfloat16, marks=BF16)])
def test_the_shipped_model_names_the_same_minerals(dtype):
    """Natural compositions of half the library, at counts where many are hard to tell apart."""
    checkpoint = find_checkpoint("default")
    rng = np.random.default_rng(0)
    compositions = [
        drawn
        for mineral in list(load_library())[::2]
        for drawn in sample_compositions(mineral, 10, rng)
    ]
    symbols = sorted({symbol for drawn in compositions for symbol in drawn.elements})
    expected = compile_instrument(
        instrument=load_instrument("m4-tornado"),
        symbols=symbols,
        edges_keV=checkpoint.axis.edges_keV,
        dtype=np.float32,
    ).spectra(mass_fraction_matrix(compositions, symbols))
    expected /= expected.sum(axis=1, keepdims=True)
    counts = np.concatenate([rng.poisson(expected * total) for total in (100, 1_000, 100_000)])
    inputs = network_inputs(torch.from_numpy(counts).float())
    prepared = prepared_for_inference(checkpoint.network, dtype=dtype)
    with torch.inference_mode():
        logits, rounded = checkpoint.network(*inputs), prepared(*inputs)
    agreed = 0.9999 if dtype == torch.float32 else 0.999
    assert (rounded.argmax(dim=1) == logits.argmax(dim=1)).float().mean() >= agreed
    error = (rounded - logits).square().mean().sqrt()
    assert error < 0.01 * logits.std(dim=1).mean()
    assert (rounded - logits).abs().max() < 0.3
    change = (torch.softmax(rounded, dim=1) - torch.softmax(logits, dim=1)).abs().max()
    assert change < 0.02


def test_throughput_is_that_of_the_network():
    class Slow(torch.nn.Module):
        def forward(self, spectra, log_total):
            time.sleep(0.02)

    rate = spectra_per_second(Slow(), n_inputs=1, n_bins=4, seconds=0.1)
    assert 0.5 * prepare.CHUNK / 0.02 < rate <= prepare.CHUNK / 0.02
