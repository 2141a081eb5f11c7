"""The report: everything in one file, nothing from outside, nothing unescaped."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lithoscope.errors import InvalidValueError, OutputError
from lithoscope.figures.map_key import MapKey
from lithoscope.report.page import ReportContent, write_report

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
VOID_TAGS = {"meta", "img", "br"}


def make_row(mineral, *, members=None, pixels=12345, area=12.345, weight=10.0):
    return {
        "mineral": mineral,
        "members": [mineral] if members is None else members,
        "pixels": pixels,
        "area_percent": area,
        "area_percent_low": area and area - 1,
        "area_percent_high": area and area + 1,
        "area_percent_smoothed": area and area + 0.5,
        "weight_percent": weight,
    }


CONTENT = ReportContent(
    title="Sample 12",
    facts=[("file", "sample.bcf"), ("size", "458 x 499 pixels")],
    rows=[
        make_row("quartz"),
        make_row("albite/oligoclase", members=["albite", "oligoclase"]),
        make_row("unknown", members=[], weight=None),
        make_row("void", members=[], area=None, weight=None),
    ],
    figures=[("The scan.", "Total counts", PNG), ("The map.", "Minerals", PNG + b"2")],
    interval_note="95 %, from counting alone.",
    model_notes=["Measured on simulated spectra."],
    how_to_repeat="lithoscope map sample.bcf",
    versions={"lithoscope": "0.1.0", "numpy": "2.4.6"},
    warnings=["The tube voltage was guessed."],
)


class Page(HTMLParser):
    """Collects tags, attributes and text, and fails on tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


def written(tmp_path, content):
    path = tmp_path / "report.html"
    write_report(path, content=content)
    return path.read_bytes().decode("utf-8")


def test_everything_is_in_the_page(tmp_path):
    page = Page(written(tmp_path, CONTENT))
    for text in (
        "Sample 12",
        "sample.bcf",
        "quartz",
        "albite/oligoclase",
        "one of these 2, which were not told apart",
        "12\u202f345",
        "12.35",
        "11.35 – 13.35",
        "12.85",
        "10.00",
        "Measured on simulated spectra.",
        "lithoscope map sample.bcf",
        "The tube voltage was guessed.",
    ):
        assert text in page.texts, text
    assert any("95 %, from counting alone." in text for text in page.texts)
    assert any("numpy 2.4.6" in text for text in page.texts)
    assert page.texts.count("–") == 5


def test_images_are_inside_and_in_order(tmp_path):
    page = Page(written(tmp_path, CONTENT))
    sources = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    prefix = "data:image/png;base64,"
    assert [base64.b64decode(source.removeprefix(prefix)) for source in sources] == [
        PNG,
        PNG + b"2",
    ]
    assert [v for t, n, v in page.attributes if (t, n) == ("img", "alt")] == [
        "Total counts",
        "Minerals",
    ]


def test_nothing_comes_from_outside(tmp_path):
    text = written(tmp_path, CONTENT)
    page = Page(text)
    assert not re.search(r"(?i)https?://|//cdn|@import|url\(|file:", text)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


@pytest.mark.parametrize("hostile", ["<b>x", '"><script>alert(1)</script>', "a & b 'c'"])
def test_no_text_becomes_markup(tmp_path, hostile):
    safe = Page(written(tmp_path, CONTENT))
    row = make_row(hostile)
    content = replace(
        CONTENT,
        title=hostile,
        facts=[(hostile, hostile), ("size", "1")],
        rows=[row, *CONTENT.rows[1:]],
        figures=[(hostile, hostile, PNG), CONTENT.figures[1]],
        interval_note=hostile,
        model_notes=[hostile],
        how_to_repeat=hostile,
        versions={hostile: hostile},
        warnings=[hostile],
    )
    text = written(tmp_path, content)
    page = Page(text)
    assert page.tags == safe.tags
    assert hostile in page.texts
    assert hostile not in text.replace("&#39;", "'") or "<" not in hostile


def test_rows_have_the_colours_of_the_map(tmp_path):
    page = Page(written(tmp_path, CONTENT))
    swatches = [value for tag, name, value in page.attributes if (tag, name) == ("span", "style")]
    key = MapKey.of(CONTENT.rows)
    assert swatches == [f"background:{key.colour(row['mineral'])}" for row in CONTENT.rows]
    assert len(set(swatches)) == 4


def test_columns_without_any_number_are_left_out(tmp_path):
    row = make_row("quartz", weight=None) | {"area_percent_smoothed": None}
    page = Page(written(tmp_path, replace(CONTENT, rows=[row])))
    full = Page(written(tmp_path, CONTENT))
    assert "Weight %" in full.texts
    assert "smoothed" in full.texts
    assert "Weight %" not in page.texts
    assert "smoothed" not in page.texts


def test_the_barest_report_is_a_page(tmp_path):
    bare = replace(CONTENT, facts=[], rows=[], figures=[], model_notes=[], versions={}, warnings=[])
    assert "Sample 12" in Page(written(tmp_path, bare)).texts


def test_the_same_content_gives_the_same_bytes(tmp_path):
    assert written(tmp_path, CONTENT) == written(tmp_path, CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_names_that_are_no_text_do_not_stop_a_report(tmp_path):
    assert "bad?name" in written(tmp_path, replace(CONTENT, facts=[("file", "bad\udc80name")]))


def test_faults_are_named(tmp_path):
    with pytest.raises(InvalidValueError, match="without a title"):
        replace(CONTENT, title="  ")
    with pytest.raises(InvalidValueError, match="'The scan' is no PNG"):
        replace(CONTENT, figures=[("The scan", "", b"<svg>")])
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(tmp_path / "missing" / "report.html", content=CONTENT)


def bars_of(tmp_path, rows):
    write_report(tmp_path / "bars.html", content=replace(CONTENT, rows=rows))
    text = (tmp_path / "bars.html").read_text(encoding="utf-8")
    return re.findall(r'<i class="(\w+)" style="left:([\d.]+)%(?:;width:([\d.]+)%)?"', text)


def test_bars_show_the_interval_on_one_scale(tmp_path):
    rows = [
        make_row("quartz", area=49.0),
        make_row("albite", area=9.0),
        make_row("void", area=None),
    ]
    assert bars_of(tmp_path, rows) == [
        ("outer", "96.00", "4.00"),
        ("at", "98.00", ""),
        ("outer", "16.00", "4.00"),
        ("at", "18.00", ""),
    ]


def test_corrected_percents_are_shown_where_they_are(tmp_path):
    names = ("corrected", "scan_low", "scan_high", "rock_low", "rock_high")
    corrected = zip(names, (40.0, 35.0, 45.0, 20.0, 50.0), strict=True)
    row = make_row("quartz") | {f"area_percent_{name}": value for name, value in corrected}
    assert bars_of(tmp_path, [row]) == [
        ("outer", "40.00", "60.00"),
        ("inner", "70.00", "20.00"),
        ("at", "80.00", ""),
    ]
    assert "40.00</td>" in (tmp_path / "bars.html").read_text(encoding="utf-8")


def test_what_may_be_confused_is_said_and_escaped(tmp_path):
    said = [("calcite", "the model also considers <fluorite> (10 %)")]
    write_report(tmp_path / "r.html", content=replace(CONTENT, confusions=said))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<dt>calcite</dt><dd>the model also considers &lt;fluorite&gt; (10 %)</dd>" in text
    write_report(tmp_path / "without.html", content=CONTENT)
    assert "Confusable" not in (tmp_path / "without.html").read_text(encoding="utf-8")
