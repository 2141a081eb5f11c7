"""Scans: what is read of them, in which type, and how they are handed on."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.rebin import rebin_counts
from lithoscope.core.scan import Scan
from lithoscope.core.scan_checks import sum_mismatch
from lithoscope.errors import InvalidValueError, LithoscopeError

AXIS = EnergyAxis(-0.1, 0.01, 40)
COUNTS = np.random.default_rng(0).poisson(3, (7, 5, 40)).astype(np.uint16)


def watched(counts: np.ndarray, **facts) -> tuple[Scan, list[tuple[int, int]]]:
    """Return a scan, and a list to which the rows are added that are read of it."""
    asked: list[tuple[int, int]] = []

    def read_rows(first: int, last: int) -> np.ndarray:
        asked.append((first, last))
        return counts[first:last]

    return Scan(counts.shape[:2], AXIS, read_rows, **facts), asked


def test_blocks_are_of_some_tens_of_megabytes():
    scan = Scan((1000, 499), EnergyAxis(0, 0.01, 4096), lambda first, last: np.zeros(1))
    assert scan.rows_in_block == 8
    assert Scan((3, 1 << 20), AXIS, lambda first, last: np.zeros(1)).rows_in_block == 1
    assert [first for first, _ in Scan.from_counts(COUNTS, AXIS).blocks(3)] == [0, 3, 6]
    assert len(list(Scan.from_counts(COUNTS, AXIS).blocks())) == 1


def test_blocks_come_rebinned_with_all_their_counts():
    edges = np.array([-0.2, -0.033, 0.0, 0.121, 0.2, 0.5])
    blocks = dict(Scan.from_counts(COUNTS, AXIS).blocks(3, edges_keV=edges))
    binned = np.concatenate(list(blocks.values()))
    assert list(blocks) == [0, 3, 6]
    assert binned.dtype == np.float32
    expected = rebin_counts(COUNTS, from_edges_keV=AXIS.edges_keV, to_edges_keV=edges)
    np.testing.assert_allclose(binned, expected, rtol=1e-6)
    np.testing.assert_allclose(binned.sum(axis=2), COUNTS.sum(axis=2), rtol=1e-6)


def test_bad_edges_are_refused():
    with pytest.raises(InvalidValueError, match="increasing"):
        next(Scan.from_counts(COUNTS, AXIS).blocks(edges_keV=[0.1, 0.1, 0.2]))


def test_region_sums_its_pixels_and_reads_no_other_row():
    mask = np.zeros((7, 5), dtype=bool)
    mask[1, [0, 3]] = mask[4, 2] = True
    live_time = np.arange(35.0).reshape(7, 5)
    scan, asked = watched(COUNTS, live_time_s=live_time, title="Rock")
    region = scan.region(mask)
    np.testing.assert_array_equal(region.counts, COUNTS[mask].sum(axis=0))
    assert region.counts.dtype == np.uint64
    assert region.live_time_s == live_time[mask].sum()
    assert region.title == "Rock 3 pixels"
    assert asked == [(1, 2), (4, 5)]


def test_regions_do_not_wrap():
    bright = np.full((7, 5, 40), 65_535, dtype=np.uint16)
    assert Scan.from_counts(bright, AXIS).region(np.ones((7, 5), bool)).counts[0] == 35 * 65_535
    huge = np.full((7, 5, 40), 1 << 31, dtype=np.uint32)
    assert Scan.from_counts(huge, AXIS).region(np.ones((7, 5), bool)).counts[0] == 35 << 31


def test_regions_of_real_numbers_are_real():
    region = Scan.from_counts(COUNTS / 4, AXIS).region(np.ones((7, 5), dtype=bool))
    assert region.counts.dtype == np.float64
    np.testing.assert_allclose(region.counts, COUNTS.sum(axis=(0, 1)) / 4)


@pytest.mark.parametrize(
    "mask",
    [np.ones((5, 7), dtype=bool), np.ones((7, 5)), np.zeros((7, 5), dtype=bool), True],
)
def test_regions_that_cannot_be(mask):
    with pytest.raises(InvalidValueError, match="region"):
        Scan.from_counts(COUNTS, AXIS).region(mask)


def test_spectra_have_the_live_time_of_their_pixel():
    live_time = np.zeros((7, 5))
    live_time[2, 3] = 0.25
    scan, asked = watched(COUNTS, live_time_s=live_time)
    assert scan.spectrum(2, 3).live_time_s == 0.25
    np.testing.assert_array_equal(scan.spectrum(2, 3).counts, COUNTS[2, 3])
    assert scan.spectrum(0, 0).live_time_s is None
    assert set(asked) == {(2, 3), (0, 1)}


@pytest.mark.parametrize("rows", [(-1, 2), (2, 2), (3, 2), (6, 8)])
def test_rows_outside_are_refused(rows):
    with pytest.raises(InvalidValueError, match="Rows"):
        Scan.from_counts(COUNTS, AXIS).rows(*rows)


def test_events_are_what_the_counts_are():
    scan = Scan.from_counts(COUNTS, AXIS)
    rows = list(scan.events(2, 5))
    assert len(rows) == 3
    for (offsets, channels), counts in zip(rows, COUNTS[2:5], strict=True):
        assert offsets[0] == 0
        assert offsets[-1] == channels.size
        for x in range(5):
            own = channels[offsets[x] : offsets[x + 1]]
            np.testing.assert_array_equal(np.bincount(own, minlength=40), counts[x])
    assert len(list(scan.events())) == 7
    with pytest.raises(InvalidValueError, match="float64"):
        next(Scan.from_counts(COUNTS / 2, AXIS).events())


@pytest.mark.parametrize(
    "facts",
    [
        {"detectors": 0},
        {"live_time_s": np.ones((5, 7))},
        {"live_time_s": -np.ones((7, 5))},
        {"live_time_s": np.full((7, 5), np.nan)},
        {"sum_spectrum": np.ones(41)},
        {"sum_spectrum": np.full(40, -1)},
    ],
)
def test_facts_that_cannot_be(facts):
    with pytest.raises(InvalidValueError):
        Scan.from_counts(COUNTS, AXIS, **facts)


def test_dask_has_a_chunk_a_block_and_reads_what_is_asked():
    scan, asked = watched(COUNTS)
    array = scan.to_dask(rows=3)
    assert array.chunks == ((3, 3, 1), (5,), (40,))
    assert array.dtype == np.uint32
    assert asked == [(0, 1)]  # One row tells whether counts are whole.
    np.testing.assert_array_equal(array[4:6].compute(scheduler="synchronous"), COUNTS[4:6])
    assert asked[1:] == [(3, 6)]
    np.testing.assert_array_equal(array.compute(), COUNTS)
    assert scan.to_dask().numblocks == (1, 1, 1)
    with pytest.raises(InvalidValueError, match="Chunks of 0 rows"):
        scan.to_dask(rows=0)


def test_dask_never_wraps():
    bright = COUNTS.astype(np.uint64)
    bright[5, 1, 2] = 1 << 32
    scan = Scan.from_counts(bright, AXIS)
    np.testing.assert_array_equal(scan.to_dask(rows=2)[:4].compute(), bright[:4])
    with pytest.raises(InvalidValueError, match="4294967296 counts"):
        scan.to_dask(rows=2).compute()
    np.testing.assert_array_equal(scan.to_dask(dtype="uint64").compute(), bright)
    with pytest.raises(InvalidValueError, match="uint8"):
        Scan.from_counts(100 * COUNTS, AXIS).to_dask(dtype="uint8").compute()


def test_dask_keeps_real_numbers():
    half = Scan.from_counts((COUNTS / 2).astype(np.float32), AXIS).to_dask()
    assert half.dtype == np.float32
    np.testing.assert_array_equal(half.compute(), COUNTS / 2)


def test_xarray_has_coordinates():
    live_time = np.ones((7, 5))
    scan = Scan.from_counts(
        COUNTS, AXIS, pixel_size_mm=(0.1, 0.2), title="Rock", live_time_s=live_time
    )
    array = scan.to_xarray(rows=2)
    assert array.dims == ("y", "x", "energy_keV")
    assert (array.name, array.attrs) == ("counts", {"title": "Rock"})
    assert array.y.attrs == {"units": "mm"}
    np.testing.assert_allclose(array.y, 0.1 * np.arange(7))
    np.testing.assert_allclose(array.x, 0.2 * np.arange(5))
    np.testing.assert_array_equal(array.energy_keV, AXIS.energies_keV)
    np.testing.assert_array_equal(array.live_time_s, live_time)
    assert array.data.chunks[0] == (2, 2, 2, 1)
    np.testing.assert_array_equal(array.sel(y=0.3, method="nearest"), COUNTS[3])
    assert Scan.from_counts(COUNTS, AXIS).to_xarray().x.attrs == {"units": "pixel"}


def test_without_hyperspy_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "hyperspy", None)
    monkeypatch.setitem(sys.modules, "hyperspy.api", None)
    with pytest.raises(LithoscopeError, match="pip install hyperspy"):
        Scan.from_counts(COUNTS, AXIS).to_hyperspy()


def test_hyperspy_gets_axes_and_title(monkeypatch):
    """With HyperSpy 2.4 itself this was tried by hand; here stands a signal that remembers."""

    class Signal1D:
        def __init__(self, data, **facts):
            self.data, self.facts, self.lazy = data, facts, False

        def as_lazy(self):
            self.lazy = True
            return self

    api = types.ModuleType("hyperspy.api")
    api.signals = types.SimpleNamespace(Signal1D=Signal1D)
    package = types.ModuleType("hyperspy")
    package.api = api
    monkeypatch.setitem(sys.modules, "hyperspy", package)
    monkeypatch.setitem(sys.modules, "hyperspy.api", api)
    scan = Scan.from_counts(COUNTS, AXIS, pixel_size_mm=(0.1, 0.2), title="Rock")
    signal = scan.to_hyperspy(rows=3)
    assert signal.lazy
    np.testing.assert_array_equal(signal.data.compute(), COUNTS)
    y, x, energy = signal.facts["axes"]
    assert (y["name"], y["size"], y["scale"], y["units"]) == ("y", 7, 0.1, "mm")
    assert (x["name"], x["size"], x["scale"], x["navigate"]) == ("x", 5, 0.2, True)
    assert (energy["offset"], energy["scale"], energy["units"]) == (-0.1, 0.01, "keV")
    assert not energy["navigate"]
    assert signal.facts["metadata"]["General"]["title"] == "Rock"


def test_a_sum_that_differs_from_the_files_own_is_told():
    total = COUNTS.sum(axis=(0, 1), dtype=np.int64)
    assert sum_mismatch(Scan.from_counts(COUNTS, AXIS), total) is None
    scan = Scan.from_counts(COUNTS, AXIS, sum_spectrum=total)
    assert sum_mismatch(scan, total) is None
    late = total.copy()
    late[3] -= 2
    assert sum_mismatch(scan, late) is None
    # As many counts, but elsewhere.
    moved = np.roll(total, 1)
    assert "file's own sum" in (sum_mismatch(scan, moved) or "")
    half = total // 2
    assert f"hold {half.sum()} counts" in (sum_mismatch(scan, half) or "")
