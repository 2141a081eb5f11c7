"""Energy axes and count-conserving rebinning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis, edges_from_resolution
from lithoscope.core.rebin import rebin_counts, rebin_matrix
from lithoscope.core.rebinner import Rebinner
from lithoscope.errors import InvalidValueError

finite = st.floats(-5, 60, allow_nan=False)


def test_channels_and_energies_agree():
    axis = EnergyAxis(-0.955, 0.01, 4096)
    assert axis.energies_keV[96] == pytest.approx(0.005)
    assert axis.channel(6.4) == round((6.4 + 0.955) / 0.01)
    assert axis.edges_keV[0] == pytest.approx(-0.96)
    assert axis.edges_keV.size == 4097
    assert axis.channel(-99) == 0
    assert axis.channel(99) == 4095


@pytest.mark.parametrize(
    ("offset", "gain", "channels", "message"),
    [
        (np.nan, 0.01, 4096, "energy offset"),
        (0.0, 0.0, 4096, "energy gain"),
        (0.0, -0.01, 4096, "energy gain"),
        (0.0, np.inf, 4096, "energy gain"),
        (0.0, 0.01, 0, "0 channels"),
        (0.0, 0.01, 1 << 21, "channels"),
        (0.0, 10.0, 4096, "eV"),
    ],
)
def test_impossible_axes_are_refused(offset, gain, channels, message):
    with pytest.raises(InvalidValueError, match=message):
        EnergyAxis(offset, gain, channels)


@given(
    edges=st.lists(finite, min_size=2, max_size=30, unique=True),
    target=st.lists(finite, min_size=2, max_size=30, unique=True),
    seed=st.integers(0, 1000),
)
def test_counts_inside_the_new_range_are_conserved(edges, target, seed):
    edges, target = np.sort(edges), np.sort(target)
    if np.diff(edges).min() < 1e-6 or np.diff(target).min() < 1e-6:
        return
    counts = np.random.default_rng(seed).poisson(50, edges.size - 1).astype(float)
    density = counts / np.diff(edges)
    overlap = np.clip(
        np.minimum(edges[1:], target[-1]) - np.maximum(edges[:-1], target[0]), 0, None
    )
    result = rebin_counts(counts, from_edges_keV=edges, to_edges_keV=target)
    assert result.sum() == pytest.approx(float(density @ overlap), rel=1e-9, abs=1e-9)
    assert (result >= 0).all()


def test_rebinning_by_whole_channels_is_a_sum():
    counts = np.arange(12.0).reshape(2, 6)
    result = rebin_counts(counts, from_edges_keV=np.arange(7), to_edges_keV=np.array([0, 2, 6]))
    np.testing.assert_allclose(result, [[1, 14], [13, 38]])


def test_a_channel_is_shared_by_width():
    result = rebin_counts([10.0], from_edges_keV=[0, 1], to_edges_keV=[-1, 0.25, 0.75, 2])
    np.testing.assert_allclose(result, [2.5, 5.0, 2.5])


@pytest.mark.parametrize("edges", [[1.0], [1.0, 1.0], [2.0, 1.0], [[1.0, 2.0]]])
def test_edges_must_increase(edges):
    with pytest.raises(InvalidValueError, match="increasing"):
        rebin_matrix(from_edges_keV=edges, to_edges_keV=[0, 1])


def test_counts_must_fit_their_edges():
    with pytest.raises(InvalidValueError, match="3 channels"):
        rebin_counts([1.0, 2.0, 3.0], from_edges_keV=[0, 1, 2], to_edges_keV=[0, 1])


def test_bins_follow_the_resolution():
    edges = edges_from_resolution(
        low_keV=0.8, high_keV=40, noise_keV=0.075, fano=2.56e-3, bins_per_fwhm=2.5
    )
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    fwhm = np.sqrt(0.075**2 + 2.56e-3 * middles)
    np.testing.assert_allclose(widths * 2.5, fwhm, rtol=0.01)
    assert edges[0] == 0.8
    assert edges[-1] == 40


@pytest.mark.parametrize(
    "change",
    [
        {"low_keV": 50.0},
        {"low_keV": -1.0},
        {"noise_keV": 0.0},
        {"fano": -1.0},
        {"bins_per_fwhm": 0},
    ],
)
def test_impossible_bins_are_refused(change):
    values = {
        "low_keV": 0.8,
        "high_keV": 40.0,
        "noise_keV": 0.075,
        "fano": 2.56e-3,
        "bins_per_fwhm": 2.5,
    }
    with pytest.raises(InvalidValueError):
        edges_from_resolution(**{**values, **change})


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from([np.uint8, np.uint16, np.uint32, np.int64, np.float32, np.float64]),
    channels=st.integers(1, 40),
    edges=st.lists(st.floats(-0.3, 0.7), min_size=2, max_size=12, unique=True),
    seed=st.integers(0, 100),
)
def test_spectra_in_bulk_are_rebinned_like_one(kind, channels, edges, seed):
    rng = np.random.default_rng(seed)
    high = min(np.iinfo(kind).max if np.dtype(kind).kind in "iu" else 1e9, 1 << 40)
    counts = (rng.random((3, 100, channels)) ** 8 * high).astype(kind)
    source = EnergyAxis(-0.1, 0.01, channels).edges_keV
    target = np.sort(edges)
    expected = rebin_counts(counts, from_edges_keV=source, to_edges_keV=target)
    binned = Rebinner(from_edges_keV=source, to_edges_keV=target)(counts)
    assert binned.dtype == np.float32
    # The share of a bin that is all but empty is lost beside what lies below it.
    np.testing.assert_allclose(binned, expected, rtol=1e-6, atol=1e-12 * counts.sum(axis=2).max())
    assert (binned >= 0).all()


def test_a_rebinner_takes_the_channels_it_was_made_for():
    rebin = Rebinner(from_edges_keV=[0.0, 0.1, 0.2], to_edges_keV=[0.0, 0.2])
    np.testing.assert_array_equal(rebin(np.array([65_535, 65_535], np.uint16)), [131_070])
    assert rebin(np.zeros((0, 2), np.uint16)).shape == (0, 1)
    with pytest.raises(InvalidValueError, match=r"Counts of shape \(2, 3\)"):
        rebin(np.zeros((2, 3), dtype=np.uint16))
    with pytest.raises(InvalidValueError, match="increasing"):
        Rebinner(from_edges_keV=[0.0, 0.1], to_edges_keV=[0.1, 0.1])
