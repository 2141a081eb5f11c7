"""Grains and their neighbours, against maps counted by hand and another way of numbering."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.regions import regions_from_labels
from lithoscope.segmentation.grain_tables import (
    ASSOCIATION_COLUMNS,
    GRAIN_COLUMNS,
    association_rows,
    codes_of_map,
    csv_of_rows,
    grain_rows,
)
from lithoscope.segmentation.regions import (
    diameter_from_area,
    grain_sizes,
    regions_from_codes,
    shared_boundaries,
)

maps = arrays(
    np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(-1, 3)
)


@given(maps)
def test_regions_are_those_of_one_class_after_the_other(codes):
    found, other = regions_from_codes(codes), regions_from_labels(codes)
    inside = codes != -1
    np.testing.assert_array_equal(found.numbers == -1, ~inside)
    pairs = np.unique(np.stack([found.numbers[inside], other[inside]]), axis=1)
    assert pairs.shape[1] == len(found) == len(np.unique(other[inside]))
    np.testing.assert_array_equal(found.codes[found.numbers[inside]], codes[inside])
    np.testing.assert_array_equal(
        found.pixels, np.bincount(found.numbers[inside], minlength=len(found))
    )


def test_crossing_diagonals_are_two_regions():
    found = regions_from_codes(np.array([[0, 1], [1, 0]]))
    assert sorted(found.codes.tolist()) == [0, 1]
    assert found.pixels.tolist() == [2, 2]


def test_sizes_by_hand():
    codes = np.zeros((6, 8), int)
    codes[0, 0] = codes[2, 2] = 1
    codes[4:6, 4:8] = 1
    rows = {row.code: row for row in grain_sizes(regions_from_codes(codes))}
    assert rows[1].number == 3
    assert rows[1].pixels == 10
    assert rows[1].diameters[1] == pytest.approx(2 / np.sqrt(np.pi))
    assert rows[1].largest == rows[1].median_by_area == pytest.approx(2 * np.sqrt(8 / np.pi))
    assert rows[0].number == 1
    assert diameter_from_area(area=np.array(np.pi)) == pytest.approx(2)


@given(maps)
def test_boundaries_by_counting_each_side(codes):
    codes = codes + 1
    expected = np.zeros((5, 5), int)
    for y in range(codes.shape[0]):
        for x in range(codes.shape[1]):
            for ny, nx in ((y + 1, x), (y, x + 1)):
                if ny < codes.shape[0] and nx < codes.shape[1] and codes[y, x] != codes[ny, nx]:
                    expected[codes[y, x], codes[ny, nx]] += 1
                    expected[codes[ny, nx], codes[y, x]] += 1
    np.testing.assert_array_equal(shared_boundaries(codes, n_codes=5), expected)


def test_tables_keep_unknown_and_void_apart():
    labels = LabelSet.of_minerals(("quartz", "gold"))
    classes = np.array([[0, 0, 0, VOID], [0, 1, 0, 0]])
    unknown = np.zeros((2, 4), bool)
    unknown[0, 2] = True
    codes, names = codes_of_map(classes, unknown, labels)
    grains = {row["mineral"]: row for row in grain_rows(codes, names, pixel_um=(20.0, 20.0))}
    assert set(grains) == {"quartz", "gold", "unknown"}
    assert grains["quartz"]["grains"] == 1
    assert grains["gold"]["area_mm2"] == pytest.approx(4e-4)
    assert grains["gold"]["diameter_um_p50"] == pytest.approx(20 * 2 / np.sqrt(np.pi), abs=0.01)
    rows = {(row["mineral"], row["touches"]): row for row in association_rows(codes, names)}
    assert rows["gold", "quartz"]["boundary_pixels"] == 3
    assert rows["gold", "quartz"]["percent"] == pytest.approx(100)
    assert rows["quartz", "gold"]["percent"] == pytest.approx(100 * 3 / 6)
    assert rows["unknown", "void"]["boundary_pixels"] == 1
    for mineral in ("quartz", "unknown", "void"):
        assert sum(row["percent"] for key, row in rows.items() if key[0] == mineral) == (
            pytest.approx(100, abs=0.01)
        )


def test_a_map_of_void_has_no_grains_and_touches_nothing():
    codes, names = codes_of_map(
        np.full((1, 3), VOID), np.zeros((1, 3), bool), LabelSet.of_minerals(("quartz",))
    )
    assert grain_rows(codes, names, pixel_um=(20.0, 20.0)) == []
    assert association_rows(codes, names) == []


def test_tables_read_back_and_leave_empty_what_is_unknown():
    codes, names = codes_of_map(
        np.array([[0, 1]]), np.zeros((1, 2), bool), LabelSet.of_minerals(("quartz", "gold"))
    )
    text = csv_of_rows(grain_rows(codes, names, pixel_um=None), GRAIN_COLUMNS)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["diameter_um_p50"] for row in rows] == ["", ""]
    text = csv_of_rows(association_rows(codes, names), ASSOCIATION_COLUMNS)
    assert text.splitlines()[1:] == ["quartz,gold,1,100.0", "gold,quartz,1,100.0"]


def test_what_does_not_fit_is_refused():
    regions = regions_from_codes(np.array([[0, 1]]))
    with pytest.raises(InvalidValueError, match="for every region"):
        replace(regions, codes=regions.codes[:1], pixels=regions.pixels[:1])
    with pytest.raises(InvalidValueError, match="shape"):
        regions_from_codes(np.zeros(4, int))
    with pytest.raises(InvalidValueError, match="Codes from"):
        shared_boundaries(np.array([[0, 5]]), n_codes=5)
