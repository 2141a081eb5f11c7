"""The autoencoder: its likelihood by hand, what it learns, and what it makes of strangers."""

import numpy as np
import pytest
import torch

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.chain import Chain
from lithoscope.preprocess.deviance import poisson_deviance
from lithoscope.preprocess.layout import Layout
from lithoscope.preprocess.vae import Vae, reconstruction_deviance
from lithoscope.preprocess.vae_network import VaeNetwork, vae_loss

BINS = 101
EDGES = np.linspace(1, 20, BINS + 1)
LAYOUT = Layout.of_counts(EDGES)


def spectra(count, seed, totals=2000.0):
    """Counts of mixtures of three peaks, and their expectations."""
    generator = torch.Generator().manual_seed(seed)
    places = (torch.arange(BINS)[None] - torch.tensor([20.0, 50.0, 80.0])[:, None]) / 4
    shapes = torch.exp(-0.5 * places**2) + 0.02
    shapes /= shapes.sum(dim=1, keepdim=True)
    shares = torch.rand(count, 3, generator=generator)
    expected = totals * (shares / shares.sum(dim=1, keepdim=True)) @ shapes
    return torch.poisson(expected, generator), expected


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    step = Vae(latent=3)
    network = step.new_network(LAYOUT)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for index in range(400):
        counts, _ = spectra(128, 1000 + index)
        loss = vae_loss(network, counts, beta=1.0, noise=torch.randn(128, 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return step.with_weights(network)


def test_loss_by_hand():
    """A decoder that gives even shares, and a code that is standard normal."""
    network = VaeNetwork(BINS, 2)
    with torch.no_grad():
        network.code.weight.zero_()
        network.code.bias.zero_()
        network.up[-1].weight.zero_()
    counts = torch.full((4, BINS), 3.0)
    found = vae_loss(network, counts, beta=5.0, noise=torch.randn(4, 2))
    assert found.item() == pytest.approx(3 * BINS * np.log(BINS), rel=1e-5)
    with torch.no_grad():
        network.code.bias.copy_(torch.tensor([2.0, 0.0, 0.0, np.log(4.0)]))
    # KL of N(2, 1) and of N(0, 4) from N(0, 1): 2, and (4 - 1 - ln 4) / 2.
    further = vae_loss(network, counts, beta=5.0, noise=torch.randn(4, 2))
    divergence = 2 + (4 - 1 - np.log(4)) / 2
    assert (further - found).item() == pytest.approx(5 * divergence, rel=1e-4)


def test_it_denoises(trained):
    counts, expected = spectra(500, 7)
    bound = Chain((trained,)).on(EDGES)
    found = bound.transform(counts)
    torch.testing.assert_close(found.sum(dim=1), counts.sum(dim=1))
    raw = poisson_deviance(counts=expected, expected=counts + 0.1).mean()
    assert poisson_deviance(counts=expected, expected=found + 0.1).mean() < 0.5 * raw


def test_codes_know_the_mixture(trained):
    counts, expected = spectra(800, 8)
    code = Chain((Vae(latent=3, output="code", state=trained.state),)).on(EDGES)
    codes = np.column_stack([code.transform(counts).numpy(), np.ones(800)])
    share = (expected[:, 20] / expected.sum(dim=1)).numpy()
    fit, *_ = np.linalg.lstsq(codes, share, rcond=None)
    assert np.corrcoef(codes @ fit, share)[0, 1] > 0.95


def test_what_it_never_saw_is_not_rebuilt(trained):
    known, _ = spectra(300, 9)
    strange = known.clone()
    strange[:, 65] += 150
    error = reconstruction_deviance(trained, LAYOUT, known)
    assert error.mean() < 1.5 * BINS
    above = reconstruction_deviance(trained, LAYOUT, strange) > error.quantile(0.99)
    assert above.double().mean() > 0.95


def test_weights_survive_and_fit_their_axis_alone(trained):
    chain = Chain((trained,))
    again = Chain.from_description(chain.description(), chain.arrays())
    counts, _ = spectra(5, 1)
    torch.testing.assert_close(again.on(EDGES).transform(counts), chain.on(EDGES).transform(counts))
    with pytest.raises(PreprocessingError, match="fit the chain anew"):
        again.on(np.linspace(1, 20, 400))


def test_it_is_trained_not_fitted():
    with pytest.raises(PreprocessingError, match="lithoscope train"):
        Chain.from_description(["vae"]).fit([spectra(10, 0)[0]], EDGES)
