"""Maps for others' tools, read by their readers; scans that are hardly any; many in one command."""

import csv
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from rsciio.hspy import file_reader

from lithoscope.core.labels import VOID
from lithoscope.core.scan import Scan
from lithoscope.errors import LithoscopeError
from lithoscope.figures.index_map import index_map
from lithoscope.figures.palette import UNKNOWN_COLOUR, VOID_COLOUR
from lithoscope.inference.elements import net_counts_from_window
from lithoscope.io.label_maps import UNLABELLED, read_label_map
from lithoscope.workflows.map_minerals import map_minerals
from lithoscope.workflows.map_plan import plan_map
from lithoscope.workflows.simulate import simulate

SHAPE = (6, 8)
STEPS_MM = (0.05, 0.02)


@pytest.fixture(scope="module")
def spectra():
    names = ("quartz", "calcite", "pyrite", "hematite")
    return [simulate(name, instrument="m4-tornado") for name in names]


@pytest.fixture(scope="module")
def scan(spectra):
    """Stripes of four minerals, and a corner without counts."""
    expected = np.array([one.counts * 3000 / one.counts.sum() for one in spectra])
    drawn = np.random.default_rng(1).poisson(expected[np.arange(SHAPE[1]) // 2], (*SHAPE, 4096))
    drawn[0, 0] = 0
    counts = drawn.astype(np.uint16)
    return Scan.from_counts(counts, spectra[0].axis, pixel_size_mm=STEPS_MM, title="stripes")


@pytest.fixture(scope="module")
def mapped(scan, tmp_path_factory):
    result = map_minerals(scan)
    return SimpleNamespace(result=result, files=result.save(tmp_path_factory.mktemp("map") / "out"))


def test_the_indexed_picture_holds_the_map(mapped):
    classes = mapped.result.dataset["mineral_smoothed"].values
    labels = json.loads(mapped.result.dataset.attrs["long_names"])
    read = read_label_map(mapped.files["index"])
    unknown = mapped.result.dataset["unknown"].values
    for y, x in np.ndindex(SHAPE):
        if classes[y, x] == VOID:
            assert read.numbers[y, x] == UNLABELLED
        else:
            name = "unknown" if unknown[y, x] else labels[classes[y, x]]
            assert read.minerals[read.numbers[y, x]] == name
    with Image.open(mapped.files["index"]) as picture:
        assert picture.mode == "P"
        assert picture.size == SHAPE[::-1]
        palette = np.array(picture.getpalette()).reshape(-1, 3)
    assert tuple(palette[0]) == tuple(bytes.fromhex(VOID_COLOUR[1:]))
    assert tuple(palette[1]) == tuple(bytes.fromhex(UNKNOWN_COLOUR[1:]))


def test_its_colours_are_those_of_the_figure(mapped):
    from lithoscope.figures.map_key import MapKey

    rows = mapped.result.percentages()
    made = index_map(mapped.result.dataset, rows, steps_mm=None)
    key = MapKey.of(rows)
    assert {made.names[value]: made.colours[value] for value in made.names if value > 1} == {
        label: key.colour(label) for label in key.colours
    }
    assert made.world_file() is None


def test_the_world_file_puts_pixels_where_they_were_measured(mapped):
    a, d, b, e, c, f = map(float, mapped.files["world"].read_text().split())
    for row, column in ((0, 0), (5, 7)):
        x, y = a * column + b * row + c, d * column + e * row + f
        assert x == pytest.approx(float(mapped.result.dataset["x"][column]))
        assert -y == pytest.approx(float(mapped.result.dataset["y"][row]))


def test_more_minerals_than_a_palette_holds():
    labels = [f"mineral {number}" for number in range(300)]
    classes = np.arange(300).reshape(15, 20)
    dataset = xr.Dataset(
        {"mineral": (("y", "x"), classes), "unknown": (("y", "x"), np.zeros((15, 20), bool))},
        attrs={"long_names": json.dumps(labels)},
    )
    rows = [{"mineral": label, "area_percent": 1.0} for label in labels]
    made = index_map(dataset, rows, steps_mm=None, smoothed=False)
    assert (made.values.ravel()[:253] == np.arange(2, 255)).all()
    assert (made.values.ravel()[253:] == 255).all()
    assert made.names[255] == "other"


def test_hyperspy_s_file_holds_all_layers(mapped):
    (signal,) = file_reader(str(mapped.files["hyperspy"]))
    layers = list(signal["metadata"]["Lithoscope"]["layers"])
    dataset = mapped.result.dataset
    assert layers[:2] == ["mineral", "mineral_smoothed"]
    for place, name in enumerate(layers):
        expected = (
            dataset[name] if name in dataset else dataset["net_counts"].sel(line=name)
        ).values
        np.testing.assert_array_equal(signal["data"][place], expected.astype(np.float32))
    axes = [(a["name"], a["size"], a["scale"], a["units"], a["navigate"]) for a in signal["axes"]]
    assert axes[1:] == [("y", 6, 0.05, "mm", False), ("x", 8, 0.02, "mm", False)]
    assert axes[0][4] is True
    minerals = list(signal["metadata"]["Lithoscope"]["minerals"])
    assert minerals == json.loads(dataset.attrs["long_names"])


def test_a_signal_of_hyperspy_s(mapped, monkeypatch):
    made = {}

    def signal(data, **facts):
        made.update(data=data, **facts)
        return made

    api = SimpleNamespace(signals=SimpleNamespace(Signal2D=signal))
    monkeypatch.setitem(sys.modules, "hyperspy", SimpleNamespace(api=api))
    monkeypatch.setitem(sys.modules, "hyperspy.api", api)
    mapped.result.to_hyperspy()
    assert made["data"].shape[1:] == SHAPE
    assert [axis["name"] for axis in made["axes"]] == ["layer", "y", "x"]
    assert len(made["metadata"]["Lithoscope"]["layers"]) == len(made["data"])
    monkeypatch.setitem(sys.modules, "hyperspy", None)
    monkeypatch.setitem(sys.modules, "hyperspy.api", None)
    with pytest.raises(LithoscopeError, match="pip install hyperspy"):
        mapped.result.to_hyperspy()


def test_element_maps_are_the_lines_net_counts(mapped, scan):
    plan = plan_map(scan, model="default")
    windows = {window.line.label: window for window in plan.windows}
    net = mapped.result.dataset["net_counts"]
    assert {"Si Kα", "Ca Kα", "Fe Kα"} <= {str(name) for name in net["line"].values}
    for name in net["line"].values:
        expected, _ = net_counts_from_window(counts=scan.rows(0, 6), window=windows[str(name)])
        np.testing.assert_allclose(net.sel(line=name), np.maximum(expected, 0), rtol=1e-6)
    assert set(mapped.result.element_maps) <= set(windows)
    with Image.open(mapped.files["elements"]) as picture:
        assert picture.width > 500


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1)])
def test_a_scan_of_one_row_or_pixel(spectra, tmp_path, shape):
    counts = np.random.default_rng(2).poisson(
        spectra[0].counts * 20000 / spectra[0].counts.sum(), (*shape, 4096)
    )
    scan = Scan.from_counts(counts, spectra[0].axis, pixel_size_mm=STEPS_MM)
    result = map_minerals(scan)
    files = result.save(tmp_path / "out")
    quartz = next(row for row in result.percentages() if "quartz" in row["members"])
    assert quartz["pixels"] == shape[0] * shape[1]
    assert read_label_map(files["index"]).numbers.shape == shape


def test_a_mask_of_another_shape(scan):
    with pytest.raises(LithoscopeError, match=r"shape \(8, 6\)"):
        scan.region(np.ones((8, 6), dtype=bool))


def test_many_scans_in_one_command(scan, spectra, tmp_path, monkeypatch, lithoscope):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        np.savez(f"{name}.npz", counts=scan.rows(0, 6), energy_keV=spectra[0].axis.energies_keV)
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    scans = ("a.npz", "bad.npz", "b.npz")
    status, out, _ = lithoscope("map", *scans, "-o", "many", "--json")
    assert status == 2
    document = json.loads(out)
    assert [one["outcome"] for one in document] == ["mapped", "failed", "mapped"]
    assert "bad.npz" in document[1]["reason"]
    assert document[0]["minerals"] == document[2]["minerals"]
    with open("many/summary.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["scan"] for row in rows] == list(scans)
    assert json.loads((tmp_path / "many" / "summary.json").read_text())[0]["pixels"] == 48
    status, out, _ = lithoscope("map", "a.npz", "b.npz", "-o", "many")
    assert status == 0
    assert out.count("already there") == 2
    status, _, err = lithoscope("map", "a.npz", "a.npz", "-o", "twice")
    assert status == 2
    assert "Several scans would be written" in err
