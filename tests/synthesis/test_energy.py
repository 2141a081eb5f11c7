"""Errors of the energy axis, and the rebinning that makes them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.special import ndtr

from lithoscope.core.rebin import rebin_counts
from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.synthesis.distortions.energy import Energy, recorded, true_energies
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.fine_bins import counted_share, fine_edges

WRONG = {"gain": 1.004, "offset_keV": -0.012, "bend_keV": 0.003}
POTASSIUM = (3.05, 3.45)


def recorded_energy(energy_keV, *, gain, offset_keV, bend_keV):
    """Where a line lands: gain E + offset, and the bend at the place where it lands."""
    landed = energy_keV
    for _ in range(20):
        place = landed / 40.0
        landed = gain * energy_keV + offset_keV + bend_keV * 4 * place * (1 - place)
    return landed


def fitted_line(counts, energies_keV):
    """Centre of the potassium Ka line over a sloping ground."""
    near = (energies_keV > POTASSIUM[0]) & (energies_keV < POTASSIUM[1])
    x, y = energies_keV[near], counts[near]

    def model(x, height, centre, sigma, ground, slope):
        return (
            height * np.exp(-(((x - centre) / sigma) ** 2) / 2)
            + ground
            + slope * (x - POTASSIUM[0])
        )

    start = (y.max(), x[y.argmax()], 0.05, y.min(), 0.0)
    return curve_fit(model, x, y, start)[0][1]


@pytest.mark.parametrize("name", [*WRONG, "all"])
def test_a_line_moves_by_what_is_stated(name, make_stream, tornado):
    stream = make_stream({"energy": 5.0}, target="channels")
    generation, _ = stream.maker.latest(0)
    orthoclase = torch.nonzero(generation.minerals == 0)[:1, 0]
    values = {"gain": 1.0, "offset_keV": 0.0, "bend_keV": 0.0}
    values |= WRONG if name == "all" else {name: WRONG[name]}
    parameters = {"energy": {key: torch.tensor([value]) for key, value in values.items()}}
    row, totals = ExpectedBatch(generation, orthoclase), torch.tensor([1e6])
    counts = stream.apply(row, parameters, totals)[1][0].double().numpy()
    right = {"gain": 1.0, "offset_keV": 0.0, "bend_keV": 0.0}
    parameters = {"energy": {key: torch.tensor([value]) for key, value in right.items()}}
    before = stream.apply(row, parameters, totals)[1][0].double().numpy()
    energies = tornado.axis.energies_keV
    line = fitted_line(before, energies)
    assert line == pytest.approx(3.313, abs=0.004)
    stated = recorded_energy(line, **values) - line
    assert abs(stated) > 5e-4
    assert fitted_line(counts, energies) - line == pytest.approx(stated, abs=2e-4)
    # The axis begins at 0 and ends at 50 keV; nothing of what is seen is moved over its ends.
    assert counts.sum() == pytest.approx(before.sum(), rel=2e-4)


@settings(max_examples=30, deadline=None)
@given(
    severity=st.floats(0, 5),
    signs=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    low=st.sampled_from([-0.955, 0.0, 0.8]),
    high=st.sampled_from([20.0, 39.5, 40.0]),
)
def test_all_that_can_be_recorded_is_computed(severity, signs, low, high):
    energy = Energy(severity)
    extreme = {
        "gain": torch.tensor([1 + 2.5e-3 * severity * signs[0]]),
        "offset_keV": torch.tensor([7.5e-3 * severity * signs[1]]),
        "bend_keV": torch.tensor([2e-3 * severity * signs[2]]),
    }
    true = true_energies(torch.linspace(low, high, 500), extreme)
    reach = energy.reach(low, high)
    assert true.min() >= reach[0] - 1e-3
    assert true.max() <= reach[1] + 1e-3


def test_drawn_errors_fill_their_range(draws):
    drawn = Energy(2.0).sample(draws)
    for name, low, high in (
        ("gain", 0.995, 1.005),
        ("offset_keV", -0.015, 0.015),
        ("bend_keV", -0.004, 0.004),
    ):
        values = drawn[name]
        assert low <= values.min() < low + 0.2 * (high - low)
        assert high >= values.max() > high - 0.2 * (high - low)


@pytest.mark.parametrize("target", ["bins", "channels"])
@pytest.mark.parametrize(("gain", "offset_keV"), [(1.0, 0.0), (1.004, 0.011), (0.997, -0.013)])
def test_recorded_is_count_conserving_rebinning(target, gain, offset_keV, targets, tornado):
    edges = targets[target]
    low, high = Energy(2.0).reach(edges[0], edges[-1])
    fine = fine_edges(edges, low_keV=low, high_keV=high, detector=tornado.detector)
    spectra = np.random.default_rng(0).gamma(0.5, size=(70, fine.size - 1))
    exact = rebin_counts(spectra, from_edges_keV=fine, to_edges_keV=(edges - offset_keV) / gain)
    # In single precision energies near 50 keV are known to 4 meV, a third of a thousandth of a bin.
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-2)):
        parameters = {
            "gain": torch.full((70,), gain, dtype=dtype),
            "offset_keV": torch.full((70,), offset_keV, dtype=dtype),
            "bend_keV": torch.zeros(70, dtype=dtype),
        }
        true = true_energies(torch.from_numpy(edges).to(dtype), parameters)
        ours = recorded(torch.from_numpy(spectra).to(dtype), torch.from_numpy(fine).to(dtype), true)
        np.testing.assert_allclose(ours, exact, rtol=1e-5, atol=tolerance * exact.mean())
        assert np.abs(ours.numpy() - exact).mean() < 0.05 * tolerance * exact.mean()


def test_any_bins_can_be_rebinned():
    """The table of bins by even steps holds also where widths differ a hundredfold."""
    rng = np.random.default_rng(2)
    fine = np.cumsum(10 ** rng.uniform(-3, -1, 400))
    edges = np.sort(rng.uniform(fine[0], fine[-1], (5, 60)), axis=1)
    spectra = rng.gamma(0.5, size=(5, 399))
    ours = recorded(*(torch.from_numpy(array) for array in (spectra, fine, edges)))
    for row in range(5):
        exact = rebin_counts(spectra[row], from_edges_keV=fine, to_edges_keV=edges[row])
        np.testing.assert_allclose(ours[row], exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("target", ["bins", "channels"])
@pytest.mark.parametrize("line_keV", [1.04, 1.74, 3.31, 6.4, 15.77, 20.2])
def test_fine_bins_are_fine_enough_for_shifts(target, line_keV, targets, tornado):
    """A line that is moved by up to 15 eV is recorded as if it had been computed there."""
    edges = targets[target]
    fine = fine_edges(
        edges, low_keV=edges[0] - 0.02, high_keV=edges[-1] + 0.02, detector=tornado.detector
    )
    sigma = fwhm_from_energy(detector=tornado.detector, energies_keV=np.array(line_keV))
    sigma = sigma / FWHM_PER_SIGMA
    shifts = np.linspace(-0.015, 0.015, 31)
    line = np.diff(ndtr((fine - line_keV) / sigma))
    parameters = {
        "gain": torch.ones(31, dtype=torch.float64),
        "offset_keV": torch.from_numpy(shifts),
        "bend_keV": torch.zeros(31, dtype=torch.float64),
    }
    moved = recorded(
        torch.from_numpy(line).repeat(31, 1),
        torch.from_numpy(fine),
        true_energies(torch.from_numpy(edges), parameters),
    ).numpy()
    exact = np.diff(ndtr((edges - line_keV - shifts[:, None]) / sigma), axis=1)
    assert np.abs(moved - exact).max() < (5e-3 if target == "bins" else 2e-3)
    np.testing.assert_allclose(moved.sum(axis=1), exact.sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("target", ["bins", "channels"])
def test_fine_bins_reach_beyond_the_target(target, targets, tornado):
    edges = targets[target]
    low, high = edges[0] - 0.03, edges[-1] + 0.3
    fine = fine_edges(edges, low_keV=low, high_keV=high, detector=tornado.detector)
    assert fine[0] <= low - 0.1
    assert fine[-1] >= high + 0.1
    if target == "channels":
        # The target's own bins, so that nothing is lost where nothing is moved.
        assert np.isin(edges, fine).all()
    else:
        fwhm = fwhm_from_energy(detector=tornado.detector, energies_keV=fine[1:])
        np.testing.assert_allclose(np.diff(fine), fwhm / 6, rtol=0.02)
    share = counted_share(fine, edges)
    assert share @ np.diff(fine) == pytest.approx(edges[-1] - edges[0])
    assert set(np.unique(share[(fine[:-1] >= edges[0]) & (fine[1:] <= edges[-1])])) == {1.0}
