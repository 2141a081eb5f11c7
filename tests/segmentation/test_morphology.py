"""Morphology of maps of several classes, on shapes whose outcome is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.segmentation.morphology import (
    closed,
    fewest_pixels_from_diameter,
    opened,
    without_small_grains,
)

maps = arrays(
    np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(-1, 3)
)


def block_with_hair():
    classes = np.zeros((11, 14), np.int16)
    classes[3:8, 3:8] = 1
    classes[5, 8:12] = 1
    return classes


def test_opening_takes_a_hair_and_leaves_the_grain():
    found = opened(block_with_hair(), radius=1)
    expected = np.zeros((11, 14), bool)
    expected[3:8, 3:8] = True
    # A cross fits everywhere into the grain but into its four corners.
    expected[[3, 3, 7, 7], [3, 7, 3, 7]] = False
    assert (found == 1)[expected].all()
    # The hair's root may go either way: grain and background lie equally near.
    assert not (found == 1)[5, 10:].any()


def test_closing_fills_a_crack():
    classes = np.ones((9, 9), np.int16)
    classes[4, :] = 0
    assert (closed(classes, radius=1) == 1).all()
    wide = np.ones((9, 9), np.int16)
    wide[2:7, :] = 0
    assert (closed(wide, radius=1)[3:6] == 0).all()


def test_small_grains_go_and_certain_ones_stay():
    classes = np.zeros((9, 9), np.int16)
    classes[1, 1] = 1
    classes[4, 4:6] = 2
    classes[7, 1:5] = 3
    found = without_small_grains(classes, fewest_pixels=3)
    assert sorted(np.unique(found).tolist()) == [0, 3]
    certain = np.zeros((9, 9), bool)
    certain[1, 1] = True
    found = without_small_grains(classes, fewest_pixels=3, keep=certain)
    assert found[1, 1] == 1
    assert found[4, 4] == 0


def test_a_region_that_touches_at_a_corner_counts_as_one():
    classes = np.zeros((5, 5), np.int16)
    classes[1, 1] = classes[2, 2] = classes[3, 3] = 1
    assert (without_small_grains(classes, fewest_pixels=3) == classes).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda classes: opened(classes, radius=1),
        lambda classes: closed(classes, radius=1.5),
        lambda classes: without_small_grains(classes, fewest_pixels=4),
    ],
)
@given(classes=maps)
def test_void_stays_and_nothing_is_invented(change, classes):
    found = change(classes)
    np.testing.assert_array_equal(found == VOID, classes == VOID)
    assert set(np.unique(found)) <= set(np.unique(classes))
    assert found.dtype == np.int16


@given(classes=maps)
def test_a_radius_below_a_pixel_changes_nothing(classes):
    np.testing.assert_array_equal(opened(classes, radius=0.5), classes)
    np.testing.assert_array_equal(closed(classes, radius=0.5), classes)


@given(classes=maps, fewest=st.integers(1, 8))
def test_no_small_grain_is_left_where_any_was_large(classes, fewest):
    from lithoscope.segmentation.regions import regions_from_codes

    before = regions_from_codes(classes)
    after = regions_from_codes(without_small_grains(classes, fewest_pixels=fewest))
    if before.pixels.max(initial=0) < fewest:
        assert len(after) == len(before)
    else:
        assert len(after) <= len(before)


def test_pixels_of_a_diameter():
    # A circle of 100 µm has 7 854 µm²: 19.6 pixels of 20 µm.
    assert fewest_pixels_from_diameter(diameter_um=100, pixel_um=(20, 20)) == 20
    assert fewest_pixels_from_diameter(diameter_um=0, pixel_um=(20, 20)) == 1
    with pytest.raises(InvalidValueError, match="diameter"):
        fewest_pixels_from_diameter(diameter_um=-1, pixel_um=(20, 20))


def test_what_is_no_size_is_refused():
    classes = np.zeros((3, 3), np.int16)
    with pytest.raises(InvalidValueError, match="radius"):
        opened(classes, radius=-1)
    with pytest.raises(InvalidValueError, match="pixels"):
        without_small_grains(classes, fewest_pixels=0)
