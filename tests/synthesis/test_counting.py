"""Counting noise, incomplete data."""

import numpy as np
import pytest
import torch

from lithoscope.synthesis.distortions.base import Draws
from lithoscope.synthesis.distortions.channels import Channels
from lithoscope.synthesis.distortions.poisson import Poisson


def test_mean_and_variance_are_those_of_poisson():
    levels = torch.tensor([0.0, 0.02, 0.7, 5.0, 40.0, 3e3, 2e5])
    number = 20_000
    counted = Poisson().apply(levels.repeat(number, 1), {"seed": torch.tensor([11])}).double()
    assert torch.equal(counted, counted.round())
    expected = levels.double().numpy()
    errors = np.sqrt(expected / number)
    assert (np.abs(counted.mean(dim=0).numpy() - expected) <= 4.5 * errors).all()
    # The variance of a variance: (2 m^2 + m) / n.
    errors = np.sqrt((2 * expected**2 + expected) / number)
    assert (np.abs(counted.var(dim=0).numpy() - expected) <= 4.5 * errors).all()


def test_the_recorded_seed_gives_the_noise(draws, ideal):
    poisson, expected = Poisson(), ideal.spectra() * 3000
    drawn = poisson.sample(draws)
    assert len(drawn["seed"]) == len(ideal)
    once, again = (poisson.apply(expected, drawn) for _ in range(2))
    assert torch.equal(once, again)
    assert not torch.equal(once, poisson.apply(expected, {"seed": drawn["seed"] + 1}))


def incomplete(**changes):
    nowhere = {
        "dead_keV": torch.full((1, 4), 30.0),
        "hot_keV": torch.full((1, 2), 30.0),
        "hot_share": torch.zeros(1, 2),
        "missing_from_keV": torch.full((1, 1), 30.0),
        "missing_keV": torch.zeros(1, 1),
    }
    return {**nowhere, **{name: torch.tensor([values]) for name, values in changes.items()}}


# Channels of 10 eV over 0 to 20 keV, ten counts in each; dead channels at 30 keV are beyond.
EDGES = torch.arange(2001) * 0.01
COUNTS = torch.full((1, 2000), 10.0)


def test_missing_ranges_and_dead_channels_hold_nothing():
    parameters = incomplete(
        dead_keV=[2.0, 4.0, 6.005, 30.0], missing_from_keV=[10.0], missing_keV=[0.5]
    )
    counts = Channels(2.0).apply(COUNTS, parameters, EDGES)[0]
    assert counts[1000:1050].max() < 1e-2
    assert counts[200] < 1e-2
    assert counts[400] < 1e-2
    # Half of each of two channels.
    assert counts[600].item() == pytest.approx(5, abs=0.01)
    assert counts[601].item() == pytest.approx(5, abs=0.01)
    assert counts.sum().item() == pytest.approx(20_000 - 500 - 30, abs=0.5)


def test_hot_channels_add_their_share():
    parameters = incomplete(hot_keV=[3.0, 5.005], hot_share=[0.01, 0.02])
    counts = Channels(2.0).apply(COUNTS, parameters, EDGES)[0]
    assert counts[300].item() == pytest.approx(10 + 200, rel=1e-3)
    assert counts[500:502].sum().item() == pytest.approx(20 + 400, rel=1e-3)
    assert counts.sum().item() == pytest.approx(20_000 * 1.03, rel=1e-5)


def test_so_many_spectra_are_incomplete():
    draws = Draws(20_000, torch.Generator().manual_seed(0))
    drawn = Channels(4.0).sample(draws)
    share = (drawn["missing_from_keV"] >= 0).double().mean().item()
    assert share == pytest.approx(0.1, abs=0.01)
    complete = drawn["missing_from_keV"][:, 0] < 0
    assert (drawn["dead_keV"][complete] == -1).all()
    counts = COUNTS.repeat(20_000, 1)[:200]
    part = {name: values[:200] for name, values in drawn.items()}
    changed = (Channels(4.0).apply(counts, part, EDGES) != counts).any(dim=1)
    assert torch.equal(changed, ~complete[:200])
