"""Escape, pile-up, zero peak and stray lines against the functions of physics; totals kept."""

import numpy as np
import pytest
import torch

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.labels import LabelSet
from lithoscope.physics.detector import escape_energy_keV, escape_from_energy
from lithoscope.physics.own_signals import stray_from_counts, zero_peak_from_detector
from lithoscope.physics.pileup import pileup_from_rates
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.synthesis.distortions.background import Background
from lithoscope.synthesis.distortions.base import Draws
from lithoscope.synthesis.distortions.contamination import Contamination
from lithoscope.synthesis.distortions.escape import Escape
from lithoscope.synthesis.distortions.mixture import Mixture
from lithoscope.synthesis.distortions.pile_up import PileUp
from lithoscope.synthesis.distortions.stray import Stray
from lithoscope.synthesis.distortions.zero_peak import ZeroPeak
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.generations import GenerationMaker, GenerationSize

AXIS = EnergyAxis(0.01, 0.02, 2040)


@pytest.fixture(scope="module")
def linear(minerals, tornado):
    """Ideal spectra in even bins of 20 eV from 0 on, as `pileup_from_rates` wants them."""
    edges = AXIS.edges_keV
    maker = GenerationMaker(
        minerals,
        LabelSet.of_minerals([mineral.name for mineral in minerals]),
        [tornado],
        (),
        edges,
        np.ones(edges.size - 1),
        size=GenerationSize(machines=1, per_machine=15),
        seed=5,
        device=torch.device("cpu"),
    )
    return ExpectedBatch(maker.make(0), torch.arange(15))


def same(batch, value):
    return torch.full((len(batch),), value)


def test_escape_moves_counts_down_by_a_silicon_photon(ideal):
    """One bin of counts at 6.4 keV: the stated share of what escapes, 1.74 keV lower."""
    column = int(torch.abs(ideal.middles_keV - 6.4).argmin())
    spectra = torch.zeros_like(ideal.spectra())
    spectra[:, column] = 1.0
    moved = Escape().apply(spectra, {"relative_change": same(ideal, 0.2)}, ideal)[0].double()
    share = escape_from_energy(energies_keV=np.array([6.4]))[0]
    expected = 0.2 * share / (1 - share)
    assert 1 - moved[column].item() == pytest.approx(expected, rel=0.01)
    assert moved.sum().item() == pytest.approx(1, abs=1e-6)
    landed = moved.clone()
    landed[column] = 0
    centre = (landed @ ideal.middles_keV.double() / landed.sum()).item()
    assert centre == pytest.approx(float(ideal.middles_keV[column]) - escape_energy_keV(), abs=2e-3)


def test_escape_keeps_totals_and_takes_itself_out(ideal):
    spectra = ideal.spectra()
    more = Escape().apply(spectra, {"relative_change": same(ideal, 0.3)}, ideal)
    torch.testing.assert_close(more.sum(dim=1), spectra.sum(dim=1), rtol=2e-4, atol=0)
    assert not torch.allclose(more, spectra, rtol=1e-3)
    # Taken out of hematite, whose iron has its escape peak at 4.66 keV.
    out = Escape().apply(spectra, {"relative_change": same(ideal, -1.0)}, ideal)
    iron = torch.nonzero(ideal.generation.minerals == 3)[0, 0]
    energies = ideal.middles_keV
    peak = (energies - (6.404 - 1.74)).abs() < 0.05
    beside = ((energies - (6.404 - 1.74)).abs() > 0.25) & ((energies - 4.664).abs() < 0.35)

    def height(spectrum):
        return (spectrum[iron, peak].mean() / spectrum[iron, beside].mean()).item()

    assert height(spectra) > 3
    assert height(out) == pytest.approx(1, abs=0.3)


def at_rate(batch, rate, taken_out=0.0):
    return {"counts_per_s": same(batch, rate), "taken_out": same(batch, taken_out)}


def test_pile_up_that_software_has_taken_out(linear, draws, ideal):
    spectra = linear.spectra()
    out = PileUp().apply(spectra, at_rate(linear, 1e5, taken_out=1.0), linear)
    assert torch.equal(out, spectra)
    share = PileUp(5.0).sample(ideal, draws)["taken_out"].mean().item()
    assert share == pytest.approx(0.5, abs=0.2)


def test_pile_up_is_that_of_physics(linear):
    rate, spectra = 60_000.0, linear.spectra()
    piled = PileUp().apply(spectra, at_rate(linear, rate), linear).double().numpy()
    for row in range(0, 15, 2):
        own = spectra[row].double().numpy()
        exact = pileup_from_rates(
            counts_per_s=own / own.sum() * rate, axis=AXIS, pulse_pair_resolution_ns=64.0
        )
        exact *= own.sum() / rate
        # Sums in windows of 0.2 keV: steps of 40 eV widen sum peaks a little.
        assert piled[row].sum() == pytest.approx(exact.sum(), rel=1e-5)
        windows = piled[row].reshape(-1, 10).sum(axis=1), exact.reshape(-1, 10).sum(axis=1)
        np.testing.assert_allclose(*windows, rtol=2e-2, atol=2e-6 * own.sum())
        added = [
            (array - np.exp(-2 * rate * 64e-9) * own).reshape(-1, 20).sum(axis=1)
            for array in (piled[row], exact)
        ]
        np.testing.assert_allclose(*added, atol=0.03 * added[1].max())


def test_pile_up_keeps_energy_and_loses_counts(linear):
    rate, spectra = 1e5, linear.spectra().double()
    hematite = torch.nonzero(linear.generation.minerals == 3)[0, 0]
    piled = PileUp().apply(linear.spectra(), at_rate(linear, rate), linear).double()
    energies = linear.middles_keV.double()
    # Sums of two hard photons leave the axis.
    assert (piled[hematite] @ energies).item() == pytest.approx(
        (spectra[hematite] @ energies).item(), rel=2e-4
    )
    met = 1 - np.exp(-2 * rate * 64e-9)
    assert piled[hematite].sum().item() == pytest.approx(
        spectra[hematite].sum().item() * (1 - met / 2), rel=2e-4
    )


def test_dead_share_follows_the_rate(ideal, draws):
    drawn = PileUp(2.0).sample(ideal, draws)
    assert drawn["counts_per_s"].min() >= 5e3
    assert drawn["counts_per_s"].max() <= 1e5
    torch.testing.assert_close(
        drawn["dead_share"], 1 - torch.exp(-drawn["counts_per_s"] * 1e-6), rtol=1e-3, atol=1e-5
    )


def test_zero_peak_is_that_of_physics(linear, tornado):
    spectra = linear.spectra()
    peaked = ZeroPeak().apply(spectra, {"pulses_per_count": same(linear, 0.4)}, linear)
    exact = zero_peak_from_detector(detector=tornado.detector, edges_keV=AXIS.edges_keV)
    expected = 0.4 * exact / tornado.detector.zero_peak_per_s
    np.testing.assert_allclose((peaked - spectra)[3].numpy(), expected, atol=1e-7)
    # From 0 keV on half of the pulses are seen.
    assert (peaked - spectra)[3].sum().item() == pytest.approx(0.2, rel=1e-4)


def test_stray_lines_as_described_are_those_of_physics(linear, tornado):
    spectra = linear.spectra()
    added = Stray().apply(spectra, {"strength": torch.ones(len(linear), 4)}, linear) - spectra
    for row in (0, 4, 9):
        exact = stray_from_counts(
            counts=spectra[row].double().numpy(), instrument=tornado, edges_keV=AXIS.edges_keV
        )
        np.testing.assert_allclose(added[row].numpy(), exact, atol=2e-6 * spectra[row].max().item())
        assert added[row].sum().item() == pytest.approx(exact.sum(), rel=1e-3)
    nickel = {"strength": torch.tensor([[2.0, 0.0, 0.0, 0.0]]).repeat(len(linear), 1)}
    more = Stray().apply(spectra, nickel, linear) - spectra
    near = (linear.middles_keV - 7.478).abs() < 0.1
    assert (more[0, near].sum() / added[0, near].sum()).item() == pytest.approx(2, rel=0.02)


def test_mixtures_are_of_the_same_machine_and_keep_totals(ideal):
    shares = torch.tensor([[0.1, 0.25]]).repeat(len(ideal), 1)
    others = torch.stack([torch.arange(64) + 3, torch.arange(64) * 5 + 64], dim=1)
    spectra = ideal.spectra()
    mixed = Mixture().apply(spectra, {"shares": shares, "others": others}, ideal)
    expected = 0.65 * spectra + 0.1 * spectra[others[:, 0] % 64] + 0.25 * spectra[others[:, 1] % 64]
    torch.testing.assert_close(mixed, expected)
    counted = mixed @ ideal.generation.counted
    torch.testing.assert_close(counted, torch.ones(64), rtol=1e-5, atol=0)


def test_how_often_spots_are_mixed(ideal):
    number = 20_000
    rows = ExpectedBatch(ideal.generation, torch.zeros(number, dtype=torch.int64))
    for severity, most in ((1.0, 0.2), (2.0, 0.4), (5.0, 0.45)):
        draws = Draws(number, torch.Generator().manual_seed(0))
        foreign = Mixture(severity).sample(rows, draws)["shares"].sum(dim=1)
        mixed = foreign > 0
        assert mixed.double().mean().item() == pytest.approx(min(0.25 * severity, 1), abs=0.02)
        assert most * 0.99 < foreign.max() <= most + 1e-6


def test_contamination_is_a_pure_element_and_keeps_totals(ideal, tornado):
    symbols = ideal.generation.machines[0].compiled.symbols
    heavy = [name for name in symbols if name not in ("H", "C", "N", "O", "F", "B", "Be", "Li")]
    spectra = ideal.spectra()
    parameters = {"share": same(ideal, 0.03), "element": torch.full((64,), heavy.index("Zn"))}
    dirty = Contamination().apply(spectra, parameters, ideal)
    torch.testing.assert_close(dirty.sum(dim=1), spectra.sum(dim=1), rtol=1e-5, atol=0)
    foreign = (dirty - 0.97 * spectra)[0].double().numpy()
    exact = spectrum_from_composition(
        composition=composition_from_formula("Zn"), instrument=tornado
    )
    near = np.abs(ideal.middles_keV.numpy() - 8.638) < 0.2
    channels = np.abs(tornado.axis.energies_keV - 8.638) < 0.2
    seen = tornado.axis.energies_keV > float(ideal.edges_keV[0])
    share = exact[channels].sum() / exact[seen].sum()
    assert foreign[near].sum() / foreign.sum() == pytest.approx(share, rel=0.03)


def test_background_is_resin_and_keeps_totals(ideal, tornado):
    spectra = ideal.spectra()
    parameters = {"share": same(ideal, 0.05), "power": same(ideal, 0.0)}
    covered = Background().apply(spectra, parameters, ideal)
    torch.testing.assert_close(covered.sum(dim=1), spectra.sum(dim=1), rtol=1e-5, atol=0)
    added = (covered - 0.95 * spectra)[7].double().numpy()
    exact = spectrum_from_composition(
        composition=composition_from_formula("C5H8O2"), instrument=tornado
    )
    for low, high in ((1.0, 6.0), (6.0, 12.0), (12.0, 18.0), (18.0, 21.0), (21.0, 39.0)):
        middles, channels = ideal.middles_keV.numpy(), tornado.axis.energies_keV
        ours = added[(middles > low) & (middles < high)].sum() / added.sum()
        seen = channels > float(ideal.edges_keV[0])
        theirs = exact[(channels > low) & (channels < high)].sum() / exact[seen].sum()
        assert ours == pytest.approx(theirs, rel=0.03)
    # Bent by a power of the energy about 8 keV.
    bent = Background().apply(spectra, {**parameters, "power": same(ideal, 0.3)}, ideal)
    ratio = (bent - 0.95 * spectra)[7].double().numpy() / added
    first, last = (np.abs(middles - energy).argmin() for energy in (4.0, 16.0))
    assert ratio[last] / ratio[first] == pytest.approx(4**0.3, rel=0.01)
