"""The page without a browser: what its handlers do to the state and to what is drawn."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("panel")

from bokeh.events import SelectionGeometry, Tap

from lithoscope.core.instrument import Detector
from lithoscope.errors import LithoscopeError
from lithoscope.io.bruker.overview import Overview
from lithoscope.viewer.answers import Answer, Explanation
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.page import Page
from lithoscope.viewer.spectrum_shown import ShownSpectrum, spectrum_csv


@pytest.fixture
def page(source):
    return Page(source, ScanMaps(source.scan, Detector()), None)


def test_a_tap_selects_the_pixel_under_it(page):
    # Pixels are 0.2 mm wide and 0.1 mm high.
    page._tapped(Tap(None, x=0.59, y=0.11))
    assert page.state.pixel == (1, 2)
    page._tapped(Tap(None, x=1.01, y=0.11))
    assert page.state.pixel == (1, 2)


def test_a_drawn_box_selects_its_pixels(page):
    box = {"type": "rect", "x0": 0.21, "x1": 0.55, "y0": 0.0, "y1": 0.2}
    page._drawn(SelectionGeometry(None, geometry=box, final=True))
    assert np.argwhere(page.state.mask).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    # Two of quartz, two of calcite.
    assert "quartz 50.0" in page._side.said.object
    box = {"type": "rect", "x0": 5.0, "x1": 6.0, "y0": 0.0, "y1": 0.2}
    page._drawn(SelectionGeometry(None, geometry=box, final=True))
    assert "holds no pixel" in page._message.object
    assert np.count_nonzero(page.state.mask) == 4


def test_what_cannot_be_done_is_told_on_the_page(page):
    page._guarded(page._keep_region)
    assert "role='alert'" in page._message.object
    page.click(0, 0)
    assert page._message.object == ""


def test_a_hostile_title_is_text(source):
    run = {**source.run, "title": "<img src='http://example.invalid/x.png'>"}
    hostile = dataclasses.replace(source, run=run)
    layout = Page(hostile, ScanMaps(source.scan, Detector()), None).layout()
    assert "<img" not in layout[0].object


def test_names_of_lines_stand_above_their_peaks(scan):
    for log in (True, False):
        spectrum = scan.spectrum(3, 4)
        shown = ShownSpectrum.of(spectrum, ["Fe"], log=log, size_pt=(450, 270))
        name = next(name for name in shown.names if name.label == "Fe Kα")
        assert name.energy_keV == pytest.approx(6.40, abs=0.01)
        # The peak has 348 counts; its name stands above it and inside the frame.
        assert name.from_counts < name.to_counts
        assert 348 < name.to_counts < shown.top


def test_an_exported_spectrum_can_be_classified(scan, tmp_path):
    from lithoscope.io import open_spectra

    path = tmp_path / "spectrum.csv"
    path.write_text(spectrum_csv(scan.spectrum(3, 4)))
    (back,) = open_spectra(path)
    assert np.array_equal(back.counts, scan.spectrum(3, 4).counts)
    assert back.axis.gain_keV == pytest.approx(0.01)


def test_the_scale_bar_has_the_length_that_it_says(page):
    plot = page._map
    (label,) = plot.bar.data["text"]
    drawn = plot.bar.data["right"][0] - plot.bar.data["left"][0]
    # Five pixels of 0.2 mm: a quarter of 1 mm, rounded down.
    assert label == "0.2 mm"
    assert drawn == pytest.approx(0.2)
    plot.across.update(start=0.0, end=0.4)
    (label,) = plot.bar.data["text"]
    assert label == "0.1 mm"
    assert plot.bar.data["right"][0] < 0.4


def test_the_legend_hides_and_recolours(page):
    entries = {row[1].label.split("  ")[0]: row for row in page._legend.objects[1:]}
    assert set(entries) == {"quartz", "calcite/aragonite", "pyrite", "unknown"}
    entries["quartz"][1].value = False
    assert page.state.hidden == {"quartz"}
    entries["quartz"][1].value = True
    assert page.state.hidden == frozenset()
    entries["pyrite"][0].value = "#010203"
    assert page.state.recoloured == {"pyrite": "#010203"}


class StandInAnswers:
    """Says calcite of everything, with a little quartz in it and a peak that neither explains."""

    def __call__(self, spectrum):
        return Answer((("calcite/aragonite", 0.9), ("quartz", 0.1)), False, (1, 0))

    def has_expected(self, mineral):
        return False

    def expected(self, mineral, spectrum):
        return spectrum.counts * 0.5

    def explanation(self, spectrum, answer):
        assert answer.ranking == (1, 0)
        return Explanation((("calcite/aragonite", 0.8), ("<b>quartz", 0.2)), ((6.4, "6.40 keV"),))


def test_abundances_and_unexplained_peaks_of_a_pixel_and_a_region(source):
    page = Page(source, ScanMaps(source.scan, Detector()), StandInAnswers())
    page.click(1, 2)
    said = page._side.said.object
    assert "abundances: calcite/aragonite 80%, &lt;b&gt;quartz 20% of the area" in said
    assert "unexplained peaks:" in said
    assert "6.40 keV" in said
    plot = page._side._plot
    assert [*plot._unexplained.data["x"]] == [6.4]
    # Half of each channel's counts, in the channels that are drawn.
    assert np.array_equal(plot._expected.data["y"], np.maximum(plot._shown.counts / 2, 0.5))
    box = {"type": "rect", "x0": 0.21, "x1": 0.55, "y0": 0.0, "y1": 0.2}
    page._drawn(SelectionGeometry(None, geometry=box, final=True))
    assert "quartz 50.0" in page._side.said.object
    assert "abundances: " in page._side.said.object


def test_another_scale_keeps_what_was_explained_and_the_zoom(source):
    page = Page(source, ScanMaps(source.scan, Detector()), StandInAnswers())
    page.click(1, 2)
    page._side._plot._across.update(start=5.0, end=7.0)
    page._side._log.value = False
    assert page._side._plot.zoomed == (5.0, 7.0)
    assert [*page._side._plot._unexplained.data["x"]] == [6.4]
    page.click(2, 2)
    assert page._side._plot.zoomed == (5.0, 7.0)


def test_what_cannot_be_explained_is_told_and_the_answer_stays(source):
    class Failing(StandInAnswers):
        def explanation(self, spectrum, answer):
            raise LithoscopeError("the mineral is gone")

    page = Page(source, ScanMaps(source.scan, Detector()), Failing())
    page.click(1, 2)
    assert "the mineral is gone" in page._message.object
    assert "calcite/aragonite 90.0%" in page._side.said.object


def with_overview(source, map_box):
    image = np.zeros((12, 30, 3), np.uint8)
    image[:, 10:, 0] = 200
    return dataclasses.replace(source, overview=Overview(image, map_box))


def test_an_overview_lies_under_the_map(source):
    # The map's five columns of 0.2 mm are columns 5 to 14 of the picture, its rows 2 to 9.
    page = Page(
        with_overview(source, (5.0, 2.0, 15.0, 10.0)), ScanMaps(source.scan, Detector()), None
    )
    page._layer.value = "overview"
    drawn = {name: values[0] for name, values in page._map._image.data.items() if name != "image"}
    # A pixel of the picture is 0.1 mm wide and 0.05 mm high.
    assert drawn == pytest.approx({"x": -0.5, "y": -0.1, "dw": 3.0, "dh": 0.6})
    rows = page._map_csv().splitlines()
    # Columns 0 to 2 of the map end at column 11 of the picture; red begins at 10, in column 2.
    assert rows[:4] == ["y,x,red,green,blue", "0,0,0,0,0", "0,1,0,0,0", "0,2,200,0,0"]
    page.click(1, 2)
    assert page.state.pixel == (1, 2)


def test_an_overview_without_a_place_takes_no_clicks(source):
    page = Page(with_overview(source, None), ScanMaps(source.scan, Detector()), None)
    page.click(1, 2)
    page._layer.value = "overview"
    assert not page._map._mark.data["x"]
    page.click(0, 0)
    assert "does not say where the map lies" in page._message.object
    assert page.state.pixel == (1, 2)
    assert all(not part.visible for part in page._map._bar_parts)
    page._layer.value = "mineral"
    assert page._map._mark.data["x"] == [0.5]


def test_any_element_with_a_line_on_the_axis_can_be_chosen(page):
    choices = page._elements[0].groups
    assert "Fe" in choices["seen"]
    assert {"Si", "Zr"} <= set(choices["others"])
    # Its only line below 10 keV would be at 0.28 keV.
    assert "C" not in choices["others"]
    page._layer.value = "element"
    page._elements[0].value = "Ca"
    assert page._picture.columns == ("Ca Kα",)
