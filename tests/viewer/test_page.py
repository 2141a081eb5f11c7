"""The page without a browser: what its handlers do to the state and to what is drawn."""

import numpy as np
import pytest

pytest.importorskip("panel")

from bokeh.events import SelectionGeometry, Tap

from lithoscope.core.instrument import Detector
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
    import dataclasses

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
