"""SNIP beside pybaselines and beside a loop written out."""

import numpy as np
import pytest
import torch
from pybaselines import Baseline

from lithoscope.core.energy import EnergyAxis
from lithoscope.io import load_instrument
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.preprocess.snip import Snip, snip_baseline
from lithoscope.workflows.simulate import simulate


def lls(y):
    return np.log(np.log(np.sqrt(y + 1) + 1) + 1)


def from_lls(v):
    return (np.exp(np.exp(v) - 1) - 1) ** 2 - 1


@pytest.fixture(scope="module")
def spectra():
    names = ("albite", "chalcopyrite", "baryte", "calcite")
    return np.array([simulate(name, counts=100_000, seed=3).counts for name in names], float)


@pytest.mark.parametrize("half_width", [5, 12, 30])
def test_agrees_with_pybaselines_to_one_percent(spectra, half_width):
    # pybaselines extrapolates beyond the ends and ours does not: both begin and end at rest.
    wide = np.pad(spectra, ((0, 0), (200, 200)))
    ours = snip_baseline(torch.from_numpy(wide), np.full(4496, half_width)).numpy()
    fitter = Baseline(np.arange(4496))
    for counts, baseline in zip(wide, ours, strict=True):
        theirs, _ = fitter.snip(
            lls(counts),
            max_half_window=half_width,
            decreasing=True,
        )
        expected = from_lls(theirs)
        np.testing.assert_allclose(baseline, np.maximum(expected, 0), rtol=1e-2, atol=1e-6)


def test_float32_is_as_good(spectra):
    widths = Snip().half_widths(load_instrument("m4-tornado").axis.edges_keV)
    exact = snip_baseline(torch.from_numpy(spectra), widths)
    single = snip_baseline(torch.from_numpy(spectra).float(), widths)
    torch.testing.assert_close(single.double(), exact, rtol=1e-3, atol=1e-3)


def test_widths_that_follow_the_resolution_as_a_loop_has_them(spectra):
    axis = EnergyAxis(-0.955, 0.01, 4096)
    widths = Snip(half_width_fwhm=1.5).half_widths(axis.edges_keV)
    assert widths[axis.channel(30.0)] > 1.8 * widths[axis.channel(1.5)]
    values = lls(spectra[0])
    for p in range(widths.max(), 0, -1):
        before = values.copy()
        for i in range(p, 4096 - p):
            if widths[i] >= p:
                values[i] = min(before[i], (before[i - p] + before[i + p]) / 2)
    ours = snip_baseline(torch.from_numpy(spectra[:1]), widths)[0].numpy()
    np.testing.assert_allclose(ours, np.maximum(from_lls(values), 0), rtol=1e-9, atol=1e-9)


def test_on_bins_of_the_resolution_the_width_is_the_same_everywhere():
    widths = Snip(half_width_fwhm=2.0).half_widths(ModelAxis().edges_keV)
    assert set(widths.tolist()) == {5}


def test_a_peak_on_a_slope_is_all_that_is_left():
    axis = EnergyAxis(0.0, 0.01, 2048)
    energies = axis.energies_keV
    slope = 2000 * np.exp(-energies / 8)
    peak = 5000 * np.exp(-0.5 * ((energies - 6.4) / 0.06) ** 2)
    widths = Snip().half_widths(axis.edges_keV)
    left = slope + peak - snip_baseline(torch.from_numpy(slope + peak)[None], widths)[0].numpy()
    assert left.sum() == pytest.approx(peak.sum(), rel=0.02)
    away = np.abs(energies - 6.4) > 1
    assert left[away].sum() < 0.01 * slope.sum()
