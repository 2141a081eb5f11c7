import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import InvalidValueError
from lithoscope.inference.detector_ratio import fit_detector_ratio
from lithoscope.inference.detector_windows import CELLS_IN_WINDOW, WindowGrid
from lithoscope.inference.local_ratio import FLOOR, local_ratio
from lithoscope.preprocess.resolution import fwhm_in_bins

AXIS = EnergyAxis(0.0, 0.01, 2048)
GRID = WindowGrid.of_axis(AXIS)


def spectrum(total, *, shift_keV=0.0, extra_keV2=0.0):
    """Three lines on a continuum, shape (channel,)."""
    energies = AXIS.energies_keV - shift_keV
    counts = 0.3 * np.exp(-energies / 9)
    for line, height in ((1.74, 4.0), (3.69, 20.0), (6.4, 8.0)):
        width = 0.0754**2 + 0.00266 * line
        sigma = np.sqrt(width / 5.545 + extra_keV2)
        counts += height * np.exp(-((energies - line) ** 2) / (2 * sigma**2)) * 0.05 / sigma
    return total * counts / counts.sum()


def cells(counts):
    return GRID.cells_of(np.asarray(counts))


def flat_ratio():
    tiles = cells(np.tile(spectrum(1e5), (16, 1))).astype(float)
    return fit_detector_ratio(tiles, tiles, GRID)


def test_windows_are_one_fwhm_wide_and_overlap_by_half():
    first = GRID.first_cells
    width = GRID.edges_keV[first + CELLS_IN_WINDOW] - GRID.edges_keV[first]
    fwhm = np.interp(GRID.energies_keV, AXIS.energies_keV, fwhm_in_bins(AXIS.edges_keV) * 0.01)
    # Whole channels of 10 eV at both ends.
    assert (np.abs(width - fwhm) < 0.015).all()
    np.testing.assert_allclose(np.diff(GRID.energies_keV) / fwhm[:-1], 0.5, atol=0.12)
    assert GRID.energies_keV[0] < 1.1
    assert GRID.energies_keV[-1] > 15.7


def test_cells_and_windows_sum_whole_channels():
    counts = np.random.default_rng(0).poisson(3.0, (2, 3, 2048)).astype(np.uint16)
    windows = GRID.windows_of(GRID.cells_of(counts))
    for number in (0, 17, windows.shape[2] - 1):
        first = GRID.first_cells[number]
        channels = slice(GRID.starts[first], GRID.starts[first + CELLS_IN_WINDOW])
        np.testing.assert_array_equal(windows[..., number], counts[..., channels].sum(axis=-1))


@pytest.mark.parametrize("axis", [EnergyAxis(0.0, 0.08, 512), EnergyAxis(-1.0, 0.001, 2300)])
def test_an_axis_that_shows_no_peaks_is_refused(axis):
    with pytest.raises(InvalidValueError, match="to compare detectors"):
        WindowGrid.of_axis(axis)


def test_a_detector_without_counts_is_refused():
    tiles = np.tile(cells(spectrum(1e5)).astype(float), (4, 1))
    with pytest.raises(InvalidValueError, match="second detector has 0 counts"):
        fit_detector_ratio(tiles, np.zeros_like(tiles), GRID)


@pytest.mark.parametrize(("shift", "extra"), [(0.006, 0.0), (-0.004, 0.0), (0.0, 0.0003)])
def test_calibration_and_resolution_that_differ_are_found_and_explained(shift, extra):
    rng = np.random.default_rng(1)
    one = rng.poisson(np.tile(spectrum(2e5), (16, 1)))
    other = rng.poisson(np.tile(spectrum(1.5e5, shift_keV=shift, extra_keV2=extra), (16, 1)))
    tiles = cells(one).astype(float), cells(other).astype(float)
    found = fit_detector_ratio(*tiles, GRID)
    # A peak that lies higher in the second detector has its spectrum moved by minus that.
    assert found.response[0] == pytest.approx(-shift, abs=0.001)
    assert found.response[2] == pytest.approx(extra, abs=0.0001)
    first, total = (GRID.windows_of(part.sum(axis=0)) for part in (tiles[0], sum(tiles)))
    odds = np.log(first / (total - first))
    explained = found.log_odds(sum(tiles).sum(axis=0), GRID)
    near = np.abs(GRID.energies_keV - 3.69) < 0.12
    unexplained = odds - np.log(2 / 1.5)
    assert np.abs((odds - explained)[near]).max() < 0.4 * np.abs(unexplained[near]).max()


def test_diffraction_of_a_grain_is_no_spread_of_the_scan():
    rng = np.random.default_rng(2)
    one, other = (rng.poisson(np.tile(spectrum(3e5), (16, 1))) for _ in range(2))
    one[:5, 900:925] *= 3
    found = fit_detector_ratio(cells(one).astype(float), cells(other).astype(float), GRID)
    near = np.abs(GRID.energies_keV - 9.1) < 0.3
    assert found.spread[near].max() < 0.06
    # In every tile it is a difference of the detectors.
    one[:, 900:925] *= 2
    everywhere = fit_detector_ratio(cells(one).astype(float), cells(other).astype(float), GRID)
    assert everywhere.spread[near].max() > 0.2


@pytest.mark.parametrize("counts", [3_000, 100_000])
def test_what_is_predicted_is_right_within_what_it_says(counts):
    rng = np.random.default_rng(3)
    slopes = rng.uniform(-0.3, 0.3, 300)
    one = rng.poisson(spectrum(counts / 2) * np.exp(slopes[:, None] / 2))
    other = rng.poisson(spectrum(counts / 2) * np.exp(-slopes[:, None] / 2))
    local = local_ratio(cells(one), cells(other), GRID, flat_ratio(), np.zeros(300))
    tested = local.total >= 16
    z = local.standardised()[tested]
    assert abs(z.mean()) < 0.02
    assert np.std(z) < 1.03
    # What the spread allows for lines of other slopes than the scatter's is not used here.
    assert np.std(z) > 0.6
    assert np.mean(np.abs(z) > 3) < 0.004
    assert (local.spread >= FLOOR).all()


def test_a_peak_does_not_draw_what_is_expected_of_its_own_window():
    rng = np.random.default_rng(4)
    one, other = (rng.poisson(np.tile(spectrum(20_000), (50, 1))) for _ in range(2))
    ratio, even = flat_ratio(), np.zeros(50)
    before = local_ratio(cells(one), cells(other), GRID, ratio, even)
    window = int(np.argmin(np.abs(GRID.energies_keV - 8.0)))
    first = GRID.first_cells[window]
    channels = slice(GRID.starts[first], GRID.starts[first + CELLS_IN_WINDOW])
    one[:, channels] += 20
    after = local_ratio(cells(one), cells(other), GRID, ratio, even)
    assert after.standardised()[:, window].mean() > 8
    moved = (after.log_odds - before.log_odds)[:, window]
    assert np.abs(moved).mean() < 0.03
