"""What notebooks show: the numbers of the results, escaped, without anything from outside."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import lithoscope as ls
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.core.spectrum import Spectrum
from lithoscope.minerals import load_library
from lithoscope.workflows.identify import identify_minerals

EVIL = "<script>alert(1)</script>"


def test_a_spectrum_peaks_where_its_line_is():
    counts = np.ones(1000)
    counts[640] = 1e4
    text = Spectrum(counts, EnergyAxis(0.0, 0.01, 1000), 1.5, EVIL)._repr_html_()
    assert "<script" not in text
    assert "10,999 counts" in text
    assert "1.5 s" in text
    svg = ElementTree.fromstring(re.search(r"<svg.*</svg>", text)[0])
    points = svg.find("{*}polyline").get("points").split()
    x, y = np.array([point.split(",") for point in points], dtype=float).T
    labels = {one.text: float(one.get("x")) for one in svg.findall("{*}text")}
    per_keV = (labels["6"] - labels["2"]) / 4
    assert (x[y.argmin()] - labels["2"]) / per_keV + 2 == pytest.approx(6.4, abs=0.05)


@pytest.mark.parametrize("counts", [np.zeros(16), np.r_[np.zeros(15), 1.0]])
def test_spectra_with_next_to_nothing_in_them_are_shown(counts):
    assert "</div>" in Spectrum(counts, EnergyAxis(0.0, 0.1, 16))._repr_html_()


def test_a_map_shows_picture_percents_and_warnings(tiny_model):
    pixels = [ls.simulate(name, counts=2000, seed=1).counts for name in ("quartz", "calcite")]
    scan = Scan.from_counts(
        np.array([pixels, pixels]), ls.simulate("quartz").axis, title=EVIL, warnings=(EVIL,)
    )
    text = ls.map_minerals(scan, model=tiny_model)._repr_html_()
    assert "<script" not in text
    assert "Warning: &lt;script&gt;" in text
    assert text.count('<td style="text-align:right">50.00</td>') == 2
    picture = re.search(r"data:image/png;base64,([^\"]+)", text)[1]
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_answers_are_a_list_and_a_table(tiny_model):
    said = ls.classify_spectra([ls.simulate("quartz", counts=3000, seed=2)], model=tiny_model)
    assert said[0]["mineral"] == "quartz"
    assert "quartz (mineral)" in said._repr_html_()


def test_what_can_be_told_apart_shows_groups_and_pairs():
    library = load_library()
    minerals = [library.get(name) for name in ("kyanite", "andalusite", "quartz")]
    text = identify_minerals(minerals, counts=1000, advice=False)._repr_html_()
    assert re.search("<li>(kyanite/andalusite|andalusite/kyanite)</li>", text)
    assert "3 minerals, 2 groups" in text
