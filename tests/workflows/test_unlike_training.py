"""Spectra unlike training are what their names say."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from lithoscope.core.formula import composition_from_formula
from lithoscope.evaluation.strange_materials import MATERIALS
from lithoscope.evaluation.strange_samples import strange_minerals
from lithoscope.minerals import load_library
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.workflows.fit_unknown import Expected
from lithoscope.workflows.model_spectra import spectra_of_model
from lithoscope.workflows.unlike_training import (
    corrupted,
    instruments_unlike,
    mixtures,
    split_by_kind,
)


@pytest.fixture(scope="module")
def spectra(tiny_model):
    found = spectra_of_model(tiny_model)
    # Nothing but counting noise, which expected spectra do not show: what is left is the physics.
    bare = found.recipe.model_copy(update={"condition": "poisson", "severities": {}})
    return dataclasses.replace(found, recipe=bare)


@pytest.fixture(scope="module")
def instruments(spectra):
    return instruments_unlike(spectra, count=40, machines=1, seed=1, progress=lambda *told: None)


@pytest.fixture(scope="module")
def mixed_and_pure(spectra):
    """Mixtures on one machine, and the spectrum of each class on another like it."""
    one = dataclasses.replace(
        spectra, recipe=spectra.recipe.model_copy(update={"instruments": ["m4-tornado"]})
    )
    size = GenerationSize(1, 100, 1)
    condition = one.recipe.measured_under()
    batch = one.stream(condition, seed=2, batch_size=100, size=size).at(1e6).batch(0)
    pure = np.stack([batch.expected[batch.classes == label].double().mean(0) for label in range(5)])
    mixed = mixtures(one, count=40, machines=1, seed=1)
    return mixed, pure / pure.sum(axis=1, keepdims=True)


def mean_of(one, spectra, name):
    rows = one.shares[one.classes[:, 0] == spectra.labels.index_of(name)]
    assert len(rows)
    return rows.double().mean(dim=0).numpy()


def between(shares, spectra, low_keV, high_keV):
    edges = spectra.axis.edges_keV
    return shares[(edges[:-1] >= low_keV) & (edges[1:] <= high_keV)].sum()


def test_each_instrument_shows_its_own_tube(spectra, instruments):
    quartz = {name: mean_of(one, spectra, "quartz") for name, one in instruments.items()}
    # Rayleigh peaks of the tube's lines (xraylib): Mo Kα 17.48 keV, Rh Kα 20.2, W Lβ 9.67.
    in_lines = {
        name: [between(rows, spectra, at - 0.2, at + 0.2) for at in (17.48, 20.2, 9.67)]
        for name, rows in quartz.items()
    }
    assert in_lines["Mo anode"][0] > 2 * in_lines["air"][0]
    assert in_lines["air"][1] > 2 * in_lines["Mo anode"][1]
    assert in_lines["W anode"][2] > 2 * in_lines["air"][2]
    # Nothing is harder than 15 kV, but for the detector's width.
    assert between(quartz["15 kV"], spectra, 15.5, 39) < 1e-5
    # Air swallows Si K: 20 mm of it let 15 % of 1.74 keV through (NIST XCOM: some 780 cm²/g), and
    # shares are of what is left.
    assert between(quartz["air"], spectra, 1.6, 1.9) < 0.5 * between(
        quartz["Mo anode"], spectra, 1.6, 1.9
    )


@pytest.mark.parametrize(
    ("name", "parts", "least"), [("3 minerals", 3, 0.2), ("5 minerals", 5, 0.1)]
)
def test_mixtures_are_sums_of_their_minerals(mixed_and_pure, name, parts, least):
    mixed, pure = mixed_and_pure[0][name], mixed_and_pure[1]
    assert mixed.what == "mixture"
    assert mixed.classes.shape == (40, parts)
    checked = 0
    for shares, classes in zip(mixed.shares.double().numpy(), mixed.classes.numpy(), strict=True):
        if len(set(classes)) < parts:
            continue
        weights, rest = nnls(pure.T, shares)
        # Compositions vary a little from grain to grain.
        assert rest < 0.02
        assert weights[classes].sum() == pytest.approx(1, abs=0.05)
        assert weights[classes].min() > least - 0.05
        assert weights[classes[0]] > weights[classes].max() - 0.05
        checked += 1
    assert checked > 0


def test_corrupted_spectra_lose_or_gain_what_is_said(spectra):
    edges = spectra.axis.edges_keV
    bins = edges.size - 1
    known = Expected(torch.full((400, bins), 1 / bins), torch.arange(400) % 5)
    found = corrupted(known, edges, seed=1)
    dead = (found["10 % of bins dead"].shares == 0).double().mean()
    assert float(dead) == pytest.approx(0.1, abs=0.01)
    widths = (found["3 keV missing"].shares.numpy() == 0) @ np.diff(edges)
    assert np.all((widths >= 3.0) & (widths < 3.5))
    flat = np.diff(edges) / (edges[-1] - edges[0])
    half = found["50 % flat noise"].shares[0].numpy()
    np.testing.assert_allclose(half, 0.5 / bins + 0.5 * flat, rtol=1e-5)
    for one in found.values():
        assert torch.equal(one.classes[:, 0], known.classes[::4])


def test_kinds_are_parted_with_their_own_numbers():
    drawn = Expected(torch.arange(5.0)[:, None], torch.tensor([0, 3, 1, 2, 4]))
    found = split_by_kind(drawn, {"first": 2, "second": 3})
    assert found["first"].classes.tolist() == [0, 1]
    assert found["first"].shares[:, 0].tolist() == [0.0, 2.0]
    assert found["second"].classes.tolist() == [1, 0, 2]


def test_materials_are_none_of_the_library():
    library = load_library()
    known = [composition_from_formula(one.formula) for one in library]
    for samples in MATERIALS.values():
        for one in strange_minerals(samples):
            own = composition_from_formula(one.formula)
            assert min(distance(own, other) for other in known) > 0.02, one.name


def distance(one, other):
    elements = {*one.elements, *other.elements}
    return sum(abs(one.mass_fractions.get(e, 0) - other.mass_fractions.get(e, 0)) for e in elements)


def test_high_speed_steel_holds_what_its_standard_says():
    # ASTM A600, M2: W 5.5 to 6.75, Mo 4.5 to 5.5, Cr 3.75 to 4.5, V 1.75 to 2.2 % of the mass.
    steel = composition_from_formula(MATERIALS["steels"]["high-speed steel m2"][0])
    for element, low, high in (("W", 5.5, 6.75), ("Mo", 4.5, 5.5), ("Cr", 3.75, 4.5)):
        assert low < 100 * steel.mass_fractions[element] < high
