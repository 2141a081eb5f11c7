"""Every network learns, uses all it has, takes the inputs it says, and costs what is counted."""

import functools

import numpy as np
import pytest
import torch

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.models.cost import multiply_adds, parameter_count
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.attention import (
    AttendingNetwork,
    SelfAttention,
    attention_over_bins,
)
from lithoscope.models.networks.cnn_se import SqueezeExcitation
from lithoscope.models.networks.trunk import ConvolutionTrunk
from lithoscope.models.registry import NETWORKS, build_network

N_BINS = 466
NAMES = sorted(NETWORKS)
ATTENDING = [name for name in NAMES if issubclass(NETWORKS[name].network, AttendingNetwork)]
WITHOUT_AXIS = [name for name in NAMES if name != "physics-autoencoder"]


def small_task(n_bins=N_BINS, n_spectra=32, n_classes=8):
    """Counts of peaks whose places are the class's, over a background, and their classes."""
    generator = torch.Generator().manual_seed(5)
    classes = torch.arange(n_spectra) % n_classes
    places = torch.linspace(0.05, 0.9, n_classes)[classes] * n_bins
    offsets = torch.arange(n_bins)[None] - places[:, None]
    expected = 0.3 + 20 * torch.exp(-0.5 * (offsets / 3) ** 2)
    return torch.poisson(expected, generator=generator), classes


@functools.cache
def made(name, n_bins=N_BINS, n_classes=8):
    torch.manual_seed(3)
    return build_network(name, n_bins=n_bins, n_classes=n_classes)


def settled(name, n_bins=N_BINS):
    """A network in evaluation mode whose running means have seen something."""
    network = made(name, n_bins)
    with torch.no_grad():
        for _ in range(3):
            network.train()(*network_inputs(small_task(n_bins)[0]))
    return network.eval()


@pytest.mark.parametrize("name", NAMES)
def test_every_network_learns_a_tiny_set_by_heart(name):
    torch.manual_seed(0)
    network = build_network(name, n_bins=N_BINS, n_classes=8)
    counts, classes = small_task()
    inputs = network_inputs(counts)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss, logits = network.training_loss(*inputs, counts, classes)
        losses.append(loss.item())
        if torch.nn.functional.cross_entropy(logits, classes) < 0.02:
            break
        loss.backward()
        optimizer.step()
    assert (logits.argmax(dim=1) == classes).all()
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_parameter(name):
    network = made(name).train()
    network.zero_grad()
    counts, classes = small_task()
    network.training_loss(*network_inputs(counts), counts, classes)[0].backward()
    for key, weight in network.named_parameters():
        assert weight.grad is not None, key
        assert weight.grad.abs().max() > 1e-9, key
    network.zero_grad()


@pytest.mark.parametrize("name", NAMES)
def test_a_spectrum_is_judged_alone(name):
    network = settled(name)
    inputs = network_inputs(small_task(n_spectra=7)[0])
    with torch.inference_mode():
        together = network(*inputs)
        apart = torch.cat([network(*(part[row : row + 1] for part in inputs)) for row in range(7)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_head_over_features_is_the_answer_and_all_of_a_spectrum_counts(name):
    network = settled(name)
    spectra, log_total = network_inputs(small_task(n_spectra=4)[0])
    with torch.inference_mode():
        logits = network(spectra, log_total)
        features = network.features(spectra, log_total)
        torch.testing.assert_close(network.head(features), logits)
        for part in (slice(0, 20), slice(-20, None)):
            changed = spectra.clone()
            changed[:, :, part] += 1.0
            assert (network(changed, log_total) - logits).abs().max() > 1e-6
        assert (network(spectra, log_total + 1) - logits).abs().max() > 1e-6


@pytest.mark.parametrize("n_bins", [4096, 64, 8])
@pytest.mark.parametrize("name", WITHOUT_AXIS)
@pytest.mark.parametrize("n_inputs", [1, 2])
def test_channels_bins_and_codes_are_taken(name, n_bins, n_inputs):
    network = build_network(name, n_inputs=n_inputs, n_bins=n_bins, n_classes=3).eval()
    with torch.inference_mode():
        logits = network(torch.randn(2, n_inputs, n_bins), torch.zeros(2, 1))
    assert logits.shape == (2, 3)
    assert torch.isfinite(logits).all()
    assert (logits[0] - logits[1]).abs().max() > 1e-6


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mlp"])
def test_too_few_codes_are_refused_with_what_to_use_instead(name):
    with pytest.raises(InvalidValueError, match=r"7 bins(.|\n)*'mlp'"):
        build_network(name, n_bins=7, n_classes=3)


@pytest.mark.parametrize("name", NAMES)
def test_weights_come_back_from_safetensors(name):
    from safetensors.torch import load, save

    network = settled(name)
    stored = save({key: value.contiguous() for key, value in network.state_dict().items()})
    again = build_network(name, n_bins=N_BINS, n_classes=8)
    again.load_state_dict(load(stored))
    inputs = network_inputs(small_task(n_spectra=3)[0])
    with torch.inference_mode():
        torch.testing.assert_close(again.eval()(*inputs), network(*inputs))


def test_one_code_is_enough_without_neighbourhood():
    assert build_network("mlp", n_inputs=1, n_bins=1, n_classes=2).eval()(
        torch.ones(1, 1, 1), torch.zeros(1, 1)
    ).shape == (1, 2)


@pytest.mark.parametrize("numbers", [(0, 466, 3), (2, 0, 3), (2, 466, 0)])
def test_networks_of_nothing_are_refused(numbers):
    n_inputs, n_bins, n_classes = numbers
    with pytest.raises(InvalidValueError, match="1 or more"):
        build_network("cnn", n_inputs=n_inputs, n_bins=n_bins, n_classes=n_classes)


def test_an_unknown_network_is_named_with_its_neighbours():
    with pytest.raises(CheckpointError, match=r"'cnn-atention'(.|\n)*mean cnn-attention"):
        build_network("cnn-atention", n_bins=466, n_classes=3)
    with pytest.raises(CheckpointError, match=r"one of cnn, (.|\n)*lithoscope models"):
        build_network("resnet", n_bins=466, n_classes=3)


@pytest.mark.parametrize("name", ATTENDING)
def test_attention_is_a_share_that_follows_the_spectrum(name):
    network = settled(name)
    counts, _ = small_task(n_spectra=8)
    spectra, _ = network_inputs(counts)
    with torch.inference_mode():
        attention = network.attention(spectra)
        np.testing.assert_allclose(attention.sum(dim=1), 1, rtol=1e-5)
        assert (attention >= 0).all()
        assert (attention[0] - attention[1]).abs().max() > 1e-6
        assert attention.shape[1] == -(-N_BINS // network.bins_per_position)
        if hasattr(network, "attention_weights"):
            weights = network.attention_weights(spectra)
            np.testing.assert_allclose(weights.sum(dim=3), 1, rtol=1e-5)
            assert weights.shape[2:] == (attention.shape[1],) * 2
        over_bins = attention_over_bins(
            attention, n_bins=N_BINS, bins_per_position=network.bins_per_position
        )
    assert over_bins.shape == (8, N_BINS)
    np.testing.assert_allclose(over_bins.sum(dim=1), 1, rtol=1e-5)


def test_self_attention_against_torch_s_own():
    torch.manual_seed(2)
    ours = SelfAttention(24, 3)
    theirs = torch.nn.MultiheadAttention(24, 3, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.projected.weight)
        theirs.in_proj_bias.zero_()
        theirs.out_proj.weight.copy_(ours.joined.weight)
        theirs.out_proj.bias.copy_(ours.joined.bias)
        positions = torch.randn(4, 11, 24)
        mixed, weights = theirs(positions, positions, positions, average_attn_weights=False)
        torch.testing.assert_close(ours(positions), mixed, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(ours.weights(positions), weights, rtol=1e-4, atol=1e-6)


def test_attention_over_bins_by_hand():
    spread = attention_over_bins(torch.tensor([[0.75, 0.25]]), n_bins=4, bins_per_position=2)
    # 0.75, halfway, 0.25, and 0.25 beyond the last position; their sum is 1.75.
    np.testing.assert_allclose(spread[0] * 1.75, [0.75, 0.5, 0.25, 0.25], rtol=1e-6)


def test_attention_points_at_the_bins_that_it_saw():
    """Position j stands where the trunk's map j has its receptive field."""
    for n_bins in (466, 4096):
        trunk = ConvolutionTrunk(1, n_bins).eval()
        spectrum = torch.zeros(1, 1, n_bins, requires_grad=True)
        position = trunk.length // 2
        trunk(spectrum)[0, :, position].sum().backward()
        seen = torch.nonzero(spectrum.grad[0, 0]).flatten().double()
        middle = (seen.min() + seen.max()) / 2
        assert abs(float(middle) - position * trunk.stride) <= 1


def test_squeeze_and_excitation_by_hand():
    torch.manual_seed(4)
    squeeze = SqueezeExcitation(16)
    maps = torch.randn(2, 16, 5)
    first, _, second, _ = squeeze.excitation
    means = maps.mean(dim=2)
    hidden = torch.nn.functional.gelu(means @ first.weight.T + first.bias, approximate="tanh")
    weights = 1 / (1 + torch.exp(-(hidden @ second.weight.T + second.bias)))
    with torch.no_grad():
        torch.testing.assert_close(squeeze(maps), maps * weights[:, :, None])
        torch.testing.assert_close(squeeze(maps[:, :, None])[:, :, 0], squeeze(maps))


def test_multiply_adds_by_hand():
    lengths, widths, kernels = (233, 117, 59, 30), (24, 48, 72, 72), (7, 5, 3, 3)
    by_hand, before = 0, 2
    for length, width, kernel in zip(lengths, widths, kernels, strict=True):
        by_hand += length * width * before * kernel
        before = width
    by_hand += (30 * 72 + 1) * 256 + 257 * 275
    cnn = build_network("cnn", n_bins=466, n_classes=275)
    assert multiply_adds(cnn, n_inputs=2, n_bins=466) == by_hand == 2_454_371
    # Queries, keys, values and what joins them; then scores and sums over 30 positions.
    attention = 30 * 4 * 72 * 72 + 2 * 30 * 30 * 72
    attending = build_network("cnn-attention", n_bins=466, n_classes=275)
    assert multiply_adds(attending, n_inputs=2, n_bins=466) == by_hand + attention
    # Two directions, four gates, fed by 72 filters and by themselves.
    lstm = 30 * 2 * 4 * 36 * (72 + 36)
    recurrent = build_network("cnn-bilstm", n_bins=466, n_classes=275)
    assert multiply_adds(recurrent, n_inputs=2, n_bins=466) == by_hand + lstm


def test_parameters_by_hand():
    hidden, head = 384 * 2 * 466 + 2 * 384, 257 * 275 + 275
    mlp = build_network("mlp", n_bins=466, n_classes=275)
    assert parameter_count(mlp) == hidden + (385 * 256 + 256) + head


def test_the_wide_control_costs_what_attention_does():
    wide, attending = (
        build_network(name, n_bins=466, n_classes=275) for name in ("cnn-wide", "cnn-attention")
    )
    assert parameter_count(wide) == pytest.approx(parameter_count(attending), rel=0.01)
    work = [multiply_adds(network, n_inputs=2, n_bins=466) for network in (wide, attending)]
    assert work[0] == pytest.approx(work[1], rel=0.01)
