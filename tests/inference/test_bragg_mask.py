import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lithoscope.inference.bragg_scan as bragg_scan
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.inference.bragg_mask import find_in_block
from lithoscope.inference.bragg_peaks import peaks_of_touched
from lithoscope.inference.bragg_removal import removed_counts, without_diffraction
from lithoscope.inference.bragg_scan import find_in_scan, scan_without
from lithoscope.inference.bragg_touched import Touched
from lithoscope.inference.detector_ratio import fit_detector_ratio
from lithoscope.inference.detector_windows import WindowGrid

AXIS = EnergyAxis(0.0, 0.02, 1024)
GRID = WindowGrid.of_axis(AXIS)
SHAPE = (21, 24)
GRAIN = np.s_[6:15, 9:18]
PEAK_KEV, PEAK_COUNTS = 7.3, 25.0


def drawn(seed, peak=True):
    """Counts of two detectors of 1 500 each, with a grain that diffracts into the second."""
    rng = np.random.default_rng(seed)
    energies = AXIS.energies_keV
    expected = 0.4 * np.exp(-energies / 9)
    for line in (1.74, 3.69, 6.4):
        expected += 6 * np.exp(-((energies - line) ** 2) / (2 * 0.06**2))
    expected *= 1500 / expected.sum()
    bump = np.exp(-((energies - PEAK_KEV) ** 2) / (2 * 0.08**2))
    second = np.tile(expected, (*SHAPE, 1))
    if peak:
        second[GRAIN] += PEAK_COUNTS * bump / bump.sum()
    return rng.poisson(np.tile(expected, (*SHAPE, 1))), rng.poisson(second)


def found_in(one, other):
    cells = GRID.cells_of(one), GRID.cells_of(other)
    tiles = (part.reshape(-1, 8, GRID.n_cells).sum(axis=1).astype(float) for part in cells)
    ratio = fit_detector_ratio(*tiles, GRID)
    return cells, *find_in_block(*cells, GRID, ratio, core=(0, SHAPE[0]))


def test_nothing_is_found_where_there_is_nothing():
    found = [found_in(*drawn(seed, peak=False)) for seed in range(3)]
    assert sum(len(touched) for _, touched, _ in found) == 0
    assert all(tests > 5_000 for _, _, tests in found)


def test_a_grain_is_found_in_its_detector_its_pixels_and_its_energy():
    _, touched, _ = found_in(*drawn(1))
    assert (touched.detectors == 1).all()
    assert np.abs(GRID.energies_keV[touched.windows] - PEAK_KEV).max() < 0.35
    seen = np.zeros(SHAPE, dtype=bool)
    seen[touched.rows, touched.columns] = True
    inside = np.zeros(SHAPE, dtype=bool)
    inside[GRAIN] = True
    assert seen[inside].mean() > 0.95
    assert seen[~inside].mean() < 0.3
    peak = peaks_of_touched(touched, GRID.energies_keV)[0]
    assert peak.energy_keV == pytest.approx(PEAK_KEV, abs=0.1)
    assert peak.significance > 8


def test_exchanged_detectors_give_the_same_with_the_other_name():
    one, other = drawn(2)
    cells, touched, _ = found_in(one, other)
    _, exchanged, _ = found_in(other, one)
    assert len(touched) == pytest.approx(len(exchanged), rel=0.05)
    assert (exchanged.detectors == 0).all()
    removed = removed_counts(*cells, touched, GRID)
    assert removed[GRAIN].mean() == pytest.approx(PEAK_COUNTS, rel=0.15)


def test_what_is_taken_out_is_the_peak_and_no_other_channel():
    one, other = drawn(3)
    _, touched, _ = found_in(one, other)
    rng = np.random.default_rng(0)
    first, second = without_diffraction(one, other, touched, GRID, rng)
    np.testing.assert_array_equal(first, one)
    near = np.abs(AXIS.energies_keV - PEAK_KEV) < 0.6
    np.testing.assert_array_equal(second[..., ~near], other[..., ~near])
    clean = drawn(3, peak=False)[1]
    assert other[GRAIN][..., near].sum() > 1.15 * clean[GRAIN][..., near].sum()
    left = second[GRAIN][..., near].sum() / clean[GRAIN][..., near].sum()
    assert left == pytest.approx(1.0, abs=0.05)


record = st.tuples(
    st.integers(0, 3),
    st.integers(0, 4),
    st.integers(0, GRID.energies_keV.size - 1),
    st.integers(0, 1),
    st.floats(-1, 1),
    st.floats(0, 0.01),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(record, max_size=30))
def test_counts_stay_whole_and_what_is_removed_is_what_is_missing(records):
    columns = list(zip(*records, strict=True)) or [()] * 6
    touched = Touched(
        *(np.array(part, dtype=np.int64) for part in columns[:4]),
        *(np.array(part, dtype=np.float64) for part in columns[4:]),
    )
    rng = np.random.default_rng(0)
    one, other = rng.poisson(8.0, (2, 4, 5, 1024))
    first, second = without_diffraction(one, other, touched, GRID, rng)
    assert (first >= 0).all()
    assert (second >= 0).all()
    # In no channel are both replaced, and each says what the other one's is.
    assert not ((first != one) & (second != other)).any()
    removed = removed_counts(GRID.cells_of(one), GRID.cells_of(other), touched, GRID)
    missing = (one + other - first - second).sum(axis=2)
    # Rounding adds less than one count a channel, of standard deviation 1/2.
    assert np.abs(missing - removed).max() < 3 * np.sqrt(1024)


def records_at(places):
    rows, columns, windows, detectors, p_values = (
        np.array(one) for one in zip(*places, strict=True)
    )
    return Touched(rows, columns, windows, detectors, np.zeros(rows.size), p_values)


def test_peaks_are_pixels_that_touch_in_one_window():
    touched = records_at(
        [
            (0, 0, 10, 0, 1e-9),
            (1, 1, 10, 0, 1e-12),
            # Overlaps the window of a more significant record.
            (1, 1, 11, 0, 1e-6),
            # Another detector, another place, another window.
            (1, 2, 10, 1, 1e-5),
            (3, 0, 10, 0, 1e-4),
            (0, 0, 14, 0, 1e-3),
        ]
    )
    peaks = peaks_of_touched(touched, np.arange(20.0))
    assert [(p.energy_keV, p.detector, p.pixels, p.row, p.column) for p in peaks] == [
        (10.0, 0, 2, 1, 1),
        (10.0, 1, 1, 1, 2),
        (10.0, 0, 1, 3, 0),
        (14.0, 0, 1, 0, 0),
    ]
    # Two-sided 1e-12 of a standard normal.
    assert peaks[0].significance == pytest.approx(7.1305, abs=1e-3)
    assert peaks_of_touched(Touched.joined([]), np.arange(20.0)) == ()


def scans_of(one, other):
    return [Scan.from_counts(part.astype(np.uint16), AXIS) for part in (one, other)]


def test_a_scan_in_small_blocks_gives_what_one_block_gives(monkeypatch):
    whole = find_in_scan(*scans_of(*drawn(4)))
    monkeypatch.setattr(bragg_scan, "_PIXELS", 1)
    monkeypatch.setattr(bragg_scan, "_FEWEST_ROWS", 6)
    done = []
    small = find_in_scan(*scans_of(*drawn(4)), progress=lambda row, rows: done.append(row))
    assert done == [6, 12, 18, 21]
    assert np.abs(small.removed - whole.removed)[GRAIN].mean() < 0.2 * whole.removed[GRAIN].mean()
    # Squares across the border of blocks are tried in both; pixels are taken once.
    keys = np.stack([small.touched.rows, small.touched.columns, small.touched.windows])
    assert np.unique(keys, axis=1).shape == keys.shape


def test_the_scan_without_diffraction_is_the_same_however_it_is_read():
    one, other = drawn(5)
    scans = scans_of(one, other)
    total = Scan.from_counts((one + other).astype(np.uint16), AXIS)
    found = find_in_scan(*scans)
    masked = scan_without(found, total, *scans)
    rows = masked.rows(0, SHAPE[0])
    np.testing.assert_array_equal(
        rows, np.concatenate([masked.rows(row, row + 1) for row in range(SHAPE[0])])
    )
    untouched = np.ones(SHAPE, dtype=bool)
    untouched[found.touched.rows, found.touched.columns] = False
    assert untouched.sum() > 200
    np.testing.assert_array_equal(rows[untouched], (one + other)[untouched])
    missing = (one + other).sum(axis=2) - rows.sum(axis=2)
    assert missing[GRAIN].mean() == pytest.approx(PEAK_COUNTS, rel=0.25)
    assert missing.sum() == pytest.approx(found.removed.sum(), rel=0.03)


def test_detectors_of_different_scans_are_refused():
    one, other = scans_of(*drawn(6))
    smaller = Scan.from_counts(one.rows(0, 5), AXIS)
    with pytest.raises(ScanError, match="same pixels"):
        find_in_scan(smaller, other)
