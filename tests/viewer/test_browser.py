"""The page in Debian's Chromium: what is clicked, what is then seen, and whom it talks to."""

import contextlib
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from urllib.parse import urlparse

import pytest
from PIL import Image

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Where to leave a picture of the page, for whoever wants to look at it.
PICTURE = os.environ.get("LITHOSCOPE_VIEWER_PICTURE")


@contextlib.contextmanager
def served(*arguments):
    """The command as a user runs it; gives the page's address."""
    program = "from lithoscope.cli.main import run; run()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "view", *map(str, arguments), "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said = process.stdout.readline()
            found = re.search(r"http://\S+", said)
            assert found, said + process.stdout.read()
            yield found[0]
        finally:
            process.terminate()


@contextlib.contextmanager
def page_at(url, asked):
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.goto(url)
        page.wait_for_selector(".bk-Figure canvas, canvas", timeout=60_000)
        page.wait_for_timeout(1500)
        yield page
        browser.close()


def middle_of_map(page):
    """The map's canvas on the page: left, top, width, height."""
    return page.locator("canvas").first.bounding_box()


def strip_of_counts(page):
    """Where the numbers of the axis of counts stand."""
    top = page.get_by_text("logarithmic").bounding_box()
    return {"x": top["x"] - 30, "y": top["y"] + 60, "width": 60, "height": 320}


@pytest.fixture(scope="module")
def demo_result(tmp_path_factory):
    """The demo's real scan mapped, without the pictures and the report, which take longer."""
    from lithoscope.io import open_scan
    from lithoscope.segmentation.dataset import write_dataset
    from lithoscope.workflows.map_minerals import map_minerals

    folder = tmp_path_factory.mktemp("view")
    source = resources.files("lithoscope") / "demo_data" / "laguna_salinas.hspy"
    with resources.as_file(source) as path:
        shutil.copy(path, folder / "scan.hspy")
    scan = folder / "scan.hspy"
    result = map_minerals(open_scan(scan), provenance={"input": str(scan)})
    (folder / "laguna").mkdir()
    write_dataset(result.dataset, folder / "laguna" / "result.zarr")
    (folder / "laguna" / "run.json").write_text(json.dumps(result.run))
    return folder / "laguna"


def test_click_region_toggle_and_export(demo_result, tmp_path):
    asked = []
    with served(demo_result) as url, page_at(url, asked) as page:
        box = middle_of_map(page)
        x, y = box["x"] + 0.45 * box["width"], box["y"] + 0.45 * box["height"]
        page.mouse.click(x, y)
        page.get_by_text(re.compile(r"row \d+, column \d+")).wait_for(timeout=20_000)
        # Probabilities stand below the spectrum, and what takes longer comes after them.
        assert page.get_by_text(re.compile(r"\d+\.\d%")).count() >= 1
        page.get_by_text(re.compile(r"abundances: .*\d+% of the area")).wait_for(timeout=60_000)
        assert page.get_by_text("unexplained peaks:").count() == 1
        page.wait_for_timeout(300)
        if PICTURE:
            page.screenshot(path=PICTURE, full_page=True)

        # The axis of counts is the strip left of the second plot's frame.
        axis = strip_of_counts(page)
        before = page.screenshot(clip=axis)
        page.locator("input[type=checkbox]").last.click()
        page.wait_for_timeout(800)
        assert page.screenshot(clip=axis) != before

        with page.expect_download() as download:
            page.locator("[title^='Save']").first.click()
        path = tmp_path / "map.png"
        download.value.save_as(path)
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            # A map of two minerals and more is no blank sheet.
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 3

        with page.expect_download() as download:
            page.get_by_text("Spectrum as CSV").click()
        path = tmp_path / "spectrum.csv"
        download.value.save_as(path)
        from lithoscope.io import open_spectra

        (spectrum,) = open_spectra(path)
        assert spectrum.counts.sum() > 0

        with page.expect_download() as download:
            page.get_by_text("Map as CSV").click()
        path = tmp_path / "map.csv"
        download.value.save_as(path)
        rows = list(csv.DictReader(path.open()))
        assert len(rows) == 625
        assert {"y", "x", "mineral"} == set(rows[0])

        before = page.locator("canvas").first.screenshot()
        page.locator("input[type=checkbox]").first.click()
        page.wait_for_timeout(800)
        assert page.locator("canvas").first.screenshot() != before

        page.locator("[title^='Box Select']").first.click()
        page.mouse.move(x - 60, y - 60)
        page.mouse.down()
        page.mouse.move(x + 60, y + 60, steps=5)
        page.mouse.up()
        page.get_by_text(re.compile(r"^\d+ pixels")).wait_for(timeout=20_000)
        assert page.get_by_text("area % on the map: ").count() == 1

        page.get_by_placeholder("mineral").press_sequentially("quartz")
        page.get_by_placeholder("mineral").press("Enter")
        page.get_by_role("button", name="Keep").click()
        page.get_by_text(re.compile(r"Kept: quartz")).wait_for(timeout=10_000)
        with page.expect_download() as download:
            page.get_by_text("Labels", exact=True).click()
        path = tmp_path / "labels.csv"
        download.value.save_as(path)
        from lithoscope.io.label_tables import read_label_table

        assert {label.mineral for label in read_label_table(path).labels} == {"quartz"}
        if PICTURE:
            page.screenshot(path=str(Path(PICTURE).with_suffix(".region.png")), full_page=True)
    assert asked
    assert {urlparse(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {
        "127.0.0.1"
    }


def test_a_scan_alone_and_its_elements(tmp_path):
    asked = []
    source = resources.files("lithoscope") / "demo_data" / "laguna_salinas.hspy"
    with resources.as_file(source) as path, served(path) as url, page_at(url, asked) as page:
        page.get_by_label("Map").select_option("three elements")
        page.wait_for_timeout(2500)
        if PICTURE:
            page.screenshot(path=str(Path(PICTURE).with_suffix(".rgb.png")), full_page=True)
        assert page.get_by_label("Green").is_visible()
    assert {urlparse(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {
        "127.0.0.1"
    }
