"""The built pages: nothing that a browser loads by itself comes from the network."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
OUTSIDE = re.compile(r"(https?:)?//")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}

needs_site = pytest.mark.skipif(
    not (SITE / "index.html").is_file(), reason="the pages are not built: make docs"
)


class Loads(HTMLParser):
    """Collects addresses that a browser fetches without a click."""

    def __init__(self, text):
        super().__init__()
        self.addresses = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in LOADED:
            self.addresses.append(given.get(LOADED[tag]) or "")
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev", "edit"):
            self.addresses.append(given.get("href") or "")
        self.addresses += re.findall(r"url\(['\"]?([^)'\"]+)", given.get("style") or "")


def outside(addresses):
    return [address for address in addresses if OUTSIDE.match(address)]


def test_what_is_loaded_from_outside_is_found():
    page = '<link rel=stylesheet href="https://a/b.css"><script src="//a/b.js"></script><a href="https://c">'
    assert outside(Loads(page).addresses) == ["https://a/b.css", "//a/b.js"]


@needs_site
def test_pages_load_nothing_from_outside():
    pages = list(SITE.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        assert not outside(Loads(page.read_text(encoding="utf-8")).addresses), page


@needs_site
def test_style_sheets_load_nothing_from_outside():
    for sheet in SITE.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not outside(re.findall(r"url\(['\"]?([^)'\"]+)", text)), sheet
        assert not re.search(r"@import\s+(url\()?['\"]?(https?:)?//", text), sheet


@needs_site
def test_every_decision_and_notebook_has_its_page():
    for record in (ROOT / "docs" / "decisions").glob("[0-9]*.md"):
        page = SITE / "decisions" / f"{record.stem}.html"
        assert page.is_file()
        assert page.name in (SITE / "decisions" / "index.html").read_text(encoding="utf-8")
    for notebook in (ROOT / "docs" / "gallery").glob("*.py"):
        page = (SITE / "gallery" / f"{notebook.stem}.html").read_text(encoding="utf-8")
        assert len(re.findall(r'class="([^"]* )?highlight"', page)) > 2


@needs_site
def test_equations_are_mathml():
    page = (SITE / "equations.html").read_text(encoding="utf-8")
    assert page.count("<math") > 30
    assert "\\frac" not in re.sub(r"<annotation.*?</annotation>", "", page)
