"""Smoothing and quantifying, against maps counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lithoscope.core.labels import VOID, Group, LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.segmentation.quantify import shares_from_map
from lithoscope.segmentation.smooth import majority_filter
from lithoscope.segmentation.table import COLUMNS, csv_of_shares, row_of_share

LABELS = LabelSet((Group(("quartz",)), Group(("spodumene", "pyrophyllite")), Group(("gold",))))
DENSITIES = {"quartz": 2.65, "spodumene": 3.15, "pyrophyllite": 2.85, "gold": 19.3}
maps = arrays(
    np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(-1, 2)
)


def quantify(classes, unknown=None, smoothed=None):
    unknown = np.zeros(classes.shape, bool) if unknown is None else unknown
    return shares_from_map(
        classes=classes,
        smoothed=classes if smoothed is None else smoothed,
        unknown=unknown,
        labels=LABELS,
        densities_g_cm3=DENSITIES,
    )


def test_an_isolated_pixel_takes_its_neighbours_class():
    classes = np.zeros((5, 5), np.int16)
    classes[2, 2] = 1
    assert (majority_filter(classes) == 0).all()


def test_a_certain_grain_of_one_pixel_stands():
    classes = np.zeros((5, 5), np.int16)
    classes[2, 2] = classes[0, 0] = 1
    certain = np.zeros((5, 5), bool)
    certain[2, 2] = True
    smoothed = majority_filter(classes, keep=certain)
    assert np.argwhere(smoothed == 1).tolist() == [[2, 2]]


def test_a_straight_boundary_stays():
    classes = np.zeros((6, 6), np.int16)
    classes[:, 3:] = 1
    np.testing.assert_array_equal(majority_filter(classes), classes)


def test_ignored_pixels_neither_vote_nor_stay():
    classes = np.ones((3, 3), np.int16)
    classes[1, 1] = 0
    ignore = classes == 1
    np.testing.assert_array_equal(majority_filter(classes, ignore=ignore), np.zeros((3, 3)))


@given(maps)
def test_smoothing_keeps_void_and_invents_nothing(classes):
    smoothed = majority_filter(classes)
    np.testing.assert_array_equal(smoothed == VOID, classes == VOID)
    assert set(np.unique(smoothed)) <= set(np.unique(classes))
    assert smoothed.dtype == np.int16


@given(maps)
def test_a_pixel_changes_only_if_outvoted(classes):
    smoothed = majority_filter(classes)
    padded = np.pad(classes, 1, constant_values=VOID)
    for y, x in np.argwhere(smoothed != classes):
        window = padded[y : y + 3, x : x + 3]
        assert (window == smoothed[y, x]).sum() > (window == classes[y, x]).sum()


def test_shares_by_hand():
    classes = np.array([[0, 0, 0, 1], [0, 1, VOID, 2]], np.int16)
    unknown = np.zeros((2, 4), bool)
    unknown[1, 3] = True
    rows = {row.mineral: row for row in quantify(classes, unknown)}
    assert rows["quartz"].area_percent == pytest.approx(100 * 4 / 7)
    assert rows["spodumene/pyrophyllite"].members == ("spodumene", "pyrophyllite")
    assert rows["unknown"].pixels == 1
    assert rows["void"].pixels == 1
    assert rows["void"].area_percent is None
    assert "gold" not in rows
    assert rows["quartz"].weight_percent == pytest.approx(100 * 4 * 2.65 / (4 * 2.65 + 2 * 3.0))


@given(maps, st.integers(0, 5))
def test_percents_add_up(classes, seed):
    unknown = np.random.default_rng(seed).random(classes.shape) < 0.3
    rows = quantify(classes, unknown)
    areas = [row.area_percent for row in rows if row.area_percent is not None]
    assert sum(row.pixels for row in rows) == classes.size
    if (classes != VOID).any():
        assert sum(areas) == pytest.approx(100)
    for row in rows:
        if row.area_percent is not None:
            assert 0 <= row.area_percent_low <= row.area_percent_high <= 100 + 1e-9


def test_interval_covers_the_share_and_widens_with_patchiness():
    fine = np.indices((64, 64)).sum(axis=0) % 2
    coarse = np.zeros((64, 64))
    coarse[:, 32:] = 1
    widths = []
    for classes in (fine, coarse):
        row = quantify(classes.astype(np.int16))[0]
        assert row.area_percent_low <= 50 <= row.area_percent_high
        widths.append(row.area_percent_high - row.area_percent_low)
    assert widths[0] < 1e-9
    assert widths[1] > 10


def test_maps_of_two_shapes_are_refused():
    with pytest.raises(InvalidValueError, match="one shape"):
        quantify(np.zeros((2, 2), np.int16), smoothed=np.zeros((3, 2), np.int16))


def test_the_table_reads_back():
    rows = quantify(np.array([[0, 1, 2, 2]], np.int16))
    text = csv_of_shares(rows)
    lines = text.splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1].startswith("gold,gold,2,50.0,")
    assert "spodumene/pyrophyllite,spodumene;pyrophyllite,1,25.0," in text
    assert row_of_share(rows[-1])["members"] == []
