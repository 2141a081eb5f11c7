import csv
import io
from importlib import resources

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lithoscope.core.instrument import Detector
from lithoscope.core.scan import Scan
from lithoscope.errors import InvalidValueError, LabelError
from lithoscope.figures.palette import UNKNOWN_COLOUR, mineral_colours
from lithoscope.io import open_scan
from lithoscope.io.label_tables import read_label_table
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.minerals_shown import MineralLayer
from lithoscope.viewer.regions import NamedRegion, labels_csv, mask_from_outline
from lithoscope.viewer.source import Source
from lithoscope.viewer.state import ViewState, layers_of, picture_of, spectrum_of

from .conftest import AXIS, CONFIDENCE, small_counts


@pytest.fixture
def maps(scan):
    return ScanMaps(scan, Detector())


def test_percentages_of_the_map_and_of_a_region(stored):
    layer = MineralLayer.of(stored, smoothed=False)
    # Of 20 pixels two are void, one of the 18 others is unknown: 7 quartz, 7 calcite, 3 pyrite.
    assert layer.pixels() == {
        "calcite/aragonite": 7,
        "quartz": 7,
        "pyrite": 3,
        "unknown": 1,
        "void": 2,
    }
    assert_allclose(layer.percentages()["quartz"], 700 / 18)
    mask = np.zeros((4, 5), bool)
    mask[:2, :3] = True
    # 1 unknown, 3 quartz, 2 calcite.
    assert_allclose([*layer.percentages(mask).values()], [50.0, 100 / 3, 100 / 6], rtol=1e-12)
    smoothed = MineralLayer.of(stored, smoothed=True)
    assert smoothed.pixels()["quartz"] == 9


def test_void_alone_has_no_percentages(stored):
    mask = np.zeros((4, 5), bool)
    mask[2:, 4] = True
    assert MineralLayer.of(stored, smoothed=False).percentages(mask) == {}


def test_minerals_have_the_figures_colours_and_can_be_hidden_and_recoloured(stored):
    layer = MineralLayer.of(stored, smoothed=False)
    expected = mineral_colours(["calcite/aragonite", "quartz", "pyrite"])
    rgba = layer.rgba()
    assert bytes(rgba[0, 1]).hex() == expected["quartz"][1:] + "ff"
    assert bytes(rgba[0, 0]).hex() == UNKNOWN_COLOUR[1:] + "ff"
    state = ViewState("mineral").toggled("quartz").with_colour("pyrite", "#ABCDEF")
    rgba = layer.rgba(hidden=state.hidden, recoloured=state.recoloured)
    assert rgba[0, 1, 3] == 0
    assert bytes(rgba[0, 4]).hex() == "abcdefff"
    assert state.toggled("quartz").hidden == frozenset()


@pytest.mark.parametrize("colour", ["red", "#12345", "#12345g", "#1234567"])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(InvalidValueError, match="#rrggbb"):
        ViewState("mineral").with_colour("quartz", colour)


def test_an_outline_takes_the_pixels_whose_centre_it_holds():
    # Pixels of 0.2 mm across and 0.1 mm down; the box holds centres x 0.3, 0.5 and y 0.05, 0.15.
    box = mask_from_outline(
        x=[0.21, 0.55, 0.55, 0.21], y=[0.0, 0.0, 0.2, 0.2], shape=(4, 5), step=(0.1, 0.2)
    )
    assert np.argwhere(box).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    # A triangle with its right angle at the upper left: x / 5 + y / 4 < 0.5 on unit pixels.
    triangle = mask_from_outline(x=[0, 2.5, 0], y=[0, 0, 2], shape=(4, 5), step=(1, 1))
    y, x = np.mgrid[:4, :5] + 0.5
    assert np.array_equal(triangle, x / 5 + y / 4 < 0.5)


@pytest.mark.parametrize(("x", "y"), [([0, 1], [0, 1]), ([0, 1, np.nan], [0, 1, 2])])
def test_what_is_no_outline_is_refused(x, y):
    with pytest.raises(InvalidValueError, match="three or more"):
        mask_from_outline(x=x, y=y, shape=(4, 5), step=(1, 1))


def test_labels_come_back_as_they_were_drawn(tmp_path):
    one, two = np.zeros((2, 4, 5), bool)
    one[0, :2], two[3, 4] = True, True
    state = ViewState("mineral").with_mask(one).named("quartz").with_mask(two).named("fayalite")
    path = tmp_path / "labels.csv"
    path.write_text(labels_csv(state.regions))
    read = [(label.place, label.mineral) for label in read_label_table(path).labels]
    assert read == [((0, 0), "quartz"), ((0, 1), "quartz"), ((3, 4), "fayalite")]


def test_regions_that_overlap_agree_or_are_refused():
    mask = np.ones((4, 5), bool)
    state = ViewState("mineral").with_mask(mask).named("quartz")
    assert labels_csv(state.named("quartz").regions).count("quartz") == 20
    with pytest.raises(LabelError, match="20 pixels of the new region 'albite'"):
        state.named("albite")


def test_nothing_can_be_named_before_it_is_drawn():
    with pytest.raises(InvalidValueError, match="no region to name"):
        ViewState("mineral").named("quartz")
    with pytest.raises(LabelError, match="no named region"):
        labels_csv(())
    with pytest.raises(InvalidValueError, match="no pixel's centre"):
        ViewState("mineral").with_mask(np.zeros((4, 5), bool))
    with pytest.raises(InvalidValueError, match="without a name"):
        NamedRegion(" ", np.ones((4, 5), bool))
    with pytest.raises(InvalidValueError, match="one that is True"):
        NamedRegion("quartz", np.zeros((4, 5), bool))


def test_counts_and_net_counts_are_those_of_the_scan(maps):
    y, x = np.mgrid[:4, :5]
    # 970 channels of one count from 0.3 keV on.
    assert_allclose(maps.counts, 970 + 100 * y + 10 * x + 7)
    assert_allclose(maps.net(["Fe"])[0], 100 * y + 10 * x + 7, atol=1e-9)
    assert maps.line_name("Fe") == "Fe Kα"
    assert_allclose(maps.sum_spectrum, small_counts().sum(axis=(0, 1)))


def test_visible_elements_of_the_demo_scan():
    source = resources.files("lithoscope") / "demo_data" / "laguna_salinas.hspy"
    with resources.as_file(source) as path:
        found = ScanMaps(open_scan(path), Detector()).visible_elements()
    assert {"Ca", "Fe", "Si"} <= set(found)


def test_maps_are_computed_once_for_all_elements_asked_for():
    counts, reads = small_counts(), []

    def read(first, last):
        reads.append((first, last))
        return counts[first:last]

    maps = ScanMaps(Scan((4, 5), AXIS, read), Detector())
    maps.net(["Fe", "Ca", "Si"])
    first = list(reads)
    maps.net(["Ca", "Fe"])
    assert reads == first
    assert len(first) == len(set(first))


def test_an_element_without_a_line_is_refused(maps):
    with pytest.raises(InvalidValueError, match="H has no line"):
        maps.net(["H"])


def test_pictures_of_every_layer(source, maps):
    for layer in layers_of(source):
        picture = picture_of(ViewState(layer), source, maps)
        assert picture.rgba.shape == (4, 5, 4)
        rows = list(csv.DictReader(io.StringIO(picture.csv())))
        assert len(rows) == 20
        assert (rows[7]["y"], rows[7]["x"]) == ("1", "2")
    rows = list(csv.DictReader(io.StringIO(picture_of(ViewState("mineral"), source, maps).csv())))
    assert rows[7]["mineral"] == "calcite/aragonite"
    confidence = picture_of(ViewState("confidence"), source, maps)
    assert_allclose(confidence.values, CONFIDENCE)
    assert confidence.limits == (0, 1)
    unknown = picture_of(ViewState("unknown"), source, maps).rgba[..., 3] > 0
    # A void pixel that is flagged stays void.
    assert np.argwhere(unknown).tolist() == [[0, 0]]


def test_three_elements_are_red_green_and_blue(source, maps):
    picture = picture_of(ViewState("rgb", elements=("Fe", "Ca", "Si")), source, maps)
    assert picture.rgba[3, 4, 0] == 255
    assert (picture.rgba[..., 1:3] == 0).all()
    assert picture.columns == ("Fe Kα", "Ca Kα", "Si Kα")


def test_a_scan_alone_has_no_minerals(scan, maps):
    source = Source(scan)
    assert layers_of(source) == ("counts", "element", "rgb")
    with pytest.raises(InvalidValueError, match="no layer 'mineral'"):
        picture_of(ViewState("mineral"), source, maps)


def test_the_spectrum_is_that_of_the_region_or_else_the_pixel(source):
    state = ViewState("mineral")
    with pytest.raises(InvalidValueError, match="No pixel"):
        spectrum_of(state, source)
    state = state.with_pixel((1, 2))
    assert spectrum_of(state, source).counts[640] == 128
    mask = np.zeros((4, 5), bool)
    mask[1, :2] = True
    assert spectrum_of(state.with_mask(mask), source).counts[640] == 108 + 118
    assert spectrum_of(state.with_mask(mask).with_pixel((0, 0)), source).counts[640] == 8
