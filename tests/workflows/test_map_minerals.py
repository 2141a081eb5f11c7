"""From scan to map, with a tiny model: everything the contract lists."""

import csv
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from lithoscope.core.instrument import Layer
from lithoscope.core.labels import VOID
from lithoscope.core.scan import Scan
from lithoscope.errors import InvalidValueError, MineralError, OutputError, ScanError
from lithoscope.io import load_instrument
from lithoscope.io.aside import whole_folder
from lithoscope.minerals.rocks import Rock
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, TextureRecipe
from lithoscope.workflows.map_minerals import map_minerals

SHARES = {"quartz": 0.4, "calcite": 0.3, "hematite": 0.2, "galena": 0.1}


@pytest.fixture(scope="module")
def phantom():
    """Grains of whole pixels, so that no pixel is mixed."""
    rock = Rock("four minerals", {name: (share, share) for name, share in SHARES.items()})
    texture = TextureRecipe(grain_um=65.0, zoned=False, cracks=0, edge_share=0.0)
    scan = ScanRecipe((12, 10), spot_um=2.0, counts=1500.0, bragg=False)
    made = Phantom(PhantomRecipe(rock, texture, scan, 5), load_instrument("m4-tornado-40kev"))
    names = np.array([*made.mineral_names, "void"])[made.truth["mineral"].values]
    return SimpleNamespace(scan=made.scan(), truth=names)


@pytest.fixture(scope="module")
def result(phantom, tiny_model):
    return map_minerals(phantom.scan, model=tiny_model)


def names_of(result, layer="mineral"):
    labels = np.array([*json.loads(result.dataset.attrs["long_names"]), "void"])
    return labels[result.dataset[layer].values]


def test_the_map_is_right(result, phantom):
    assert (names_of(result) == phantom.truth).mean() > 0.95


def test_percentages_are_the_phantom_s(result):
    rows = {row["mineral"]: row for row in result.percentages()}
    assert rows["quartz"]["area_percent"] == pytest.approx(40, abs=6)
    assert rows["quartz"]["members"] == ["quartz"]
    assert {"unknown", "void"} <= set(rows)


def test_layers_have_the_contract_s_types(result):
    data = result.dataset
    assert data["mineral"].dtype == np.int16
    assert data["unknown"].dtype == bool
    assert data["mineral"].attrs["flag_meanings"].split()[0] == "void"
    assert len(data["mineral"].attrs["flag_values"]) == 6
    assert data["y"].attrs["units"] == "mm"
    assert float(data["x"][1] - data["x"][0]) == pytest.approx(0.02)


def test_what_is_saved_is_what_was_mapped(result, tmp_path):
    files = result.save(tmp_path / "out")
    purposes = {"result", "table", "map", "report", "run", "grains", "associations", "unexplained"}
    assert purposes <= set(files)
    with xr.open_zarr(files["result"]) as saved:
        xr.testing.assert_equal(saved.load(), result.dataset)
    rows = files["table"].read_text().splitlines()
    assert rows[0].startswith("mineral,members,pixels,area_percent,")
    assert len(rows) == 1 + len(result.percentages())
    assert rows[0].endswith("weight_percent_rock_high")
    assert files["grains"].read_text().splitlines()[0].startswith("mineral,grains,pixels,area_mm2")
    assert "quartz,calcite," in files["associations"].read_text()
    run = json.loads(files["run"].read_text())
    assert sum(run["priors"].values()) == pytest.approx(1, abs=1e-3)
    assert run["options"]["smoothing"]["method"] == "potts"
    assert run["instrument"]["source"] == "header"
    assert run["instrument"]["voltage_kV"] == 50
    assert {"python", "torch", "lithoscope"} <= set(run["versions"])
    assert files["map"].read_bytes().startswith(b"\x89PNG")
    assert "four minerals" in files["report"].read_text()
    assert not (tmp_path / "out.partial").exists()


def test_answers_are_as_fine_as_the_counts_allow(result, phantom, tiny_model, tmp_path):
    data = result.dataset
    levels = data["answer_level"].attrs["flag_meanings"].split()
    assert levels[:5] == ["mineral", "group", "alternatives", "series", "unresolved"]
    assert (data["answer_level"].values == levels.index("void"))[phantom.truth == "void"].all()
    labels = np.array([*json.loads(data["answer"].attrs["long_names"]), "none"])
    named = labels[data["answer"].values]
    single = np.isin(data["answer_level"].values, (0, 1))
    assert single.mean() > 0.8
    assert (named == phantom.truth)[single].mean() > 0.95
    files = result.save(tmp_path / "out")
    rows = list(csv.DictReader(files["answers"].open()))
    assert {"answer", "level", "members", "pixels", "area_percent"} == set(rows[0])
    table = {row["level"]: row for row in csv.DictReader(files["answer_levels"].open())}
    known = ("mineral", "group", "alternatives", "series", "unresolved")
    percents = [float(table[level]["area_percent"]) for level in (*known, "unknown")]
    assert sum(percents) == pytest.approx(100, abs=1e-3)
    assert sum(int(row["pixels"]) for row in rows) == sum(
        int(table[one]["pixels"]) for one in known
    )
    assert sum(int(row["pixels"]) for row in table.values()) == data["answer"].size
    assert "How fine the answers are" in files["report"].read_text()
    # The tiny model has one series to fall back on at most: what is asked for decides.
    strict = map_minerals(phantom.scan, model=tiny_model, answer_probability=1.0)
    counted = {row["level"]: row["pixels"] for row in strict.answer_levels}
    assert counted["mineral"] < int(table["mineral"]["pixels"])
    assert strict.run["options"]["answer_probability"] == 1.0
    with pytest.raises(InvalidValueError, match="probability"):
        map_minerals(phantom.scan, model=tiny_model, answer_probability=0.3)


def test_sums_of_grains_are_answered(result, phantom, tmp_path):
    files = result.save(tmp_path / "out")
    rows = list(csv.DictReader(files["grain_answers"].open()))
    sizes = [int(row["pixels"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 4
    # Every row of so small a scan is read, so all of a grain's pixels are summed.
    assert sizes == [int(row["pixels_summed"]) for row in rows]
    assert {row["mineral"] for row in rows} <= {*SHARES, "unknown"}
    sure = [row for row in rows if row["level"] == "mineral"]
    assert len(sure) > len(rows) / 2
    assert all(row["answer"] == row["mineral"] for row in sure)
    # The counts of a grain are those of its pixels, which differ from mineral to mineral.
    own = names_of(result, "mineral_smoothed") == rows[0]["mineral"]
    mean = float(result.dataset["counts"].values[own].mean())
    assert float(rows[0]["counts"]) == pytest.approx(mean * sizes[0], rel=0.1)


def test_a_full_folder_is_left_alone(result, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not an empty folder"):
        result.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_error_while_writing_leaves_nothing(tmp_path):
    def fail():
        with whole_folder(tmp_path / "out") as partial:
            (partial / "half").write_text("x")
            raise RuntimeError("disk of straw")

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_into_one_folder(tmp_path):
    partial = tmp_path / "out.partial"
    partial.mkdir()
    (partial / ".lock").write_text("1")
    with pytest.raises(OutputError, match="Another run"), whole_folder(tmp_path / "out"):
        pass
    (partial / ".lock").write_text("999999999")
    with whole_folder(tmp_path / "out") as folder:
        (folder / "done").write_text("x")
    assert (tmp_path / "out" / "done").exists()


def test_naming_minerals_narrows_the_map(phantom, tiny_model):
    result = map_minerals(phantom.scan, model=tiny_model, minerals=["quartz", "epoxy"])
    assert set(np.unique(names_of(result))) <= {"quartz", "epoxy"}
    with pytest.raises(MineralError, match="lithoscope train"):
        map_minerals(phantom.scan, model=tiny_model, minerals=["gold"])
    with pytest.raises(MineralError, match="quartz"):
        map_minerals(phantom.scan, model=tiny_model, minerals=["quarz"])


def test_electron_beam_scans_are_refused_unless_asked_for(phantom, tiny_model):
    scan = dataclasses.replace(phantom.scan, electron_beam=True)
    with pytest.raises(ScanError, match="--allow-electron-beam"):
        map_minerals(scan, model=tiny_model)
    assert map_minerals(scan, model=tiny_model, allow_electron_beam=True).dataset.sizes["y"] == 12


def test_without_header_the_voltage_is_read_off_the_spectrum(phantom, tiny_model):
    scan = dataclasses.replace(phantom.scan, instrument=None)
    choice = map_minerals(scan, model=tiny_model).run["instrument"]
    assert choice["source"] == "model"
    assert choice["voltage_kV"] <= 50
    assert (
        map_minerals(scan, model=tiny_model, instrument="pixl-breadboard").run["instrument"]["name"]
        == "pixl-breadboard"
    )


def test_a_voltage_out_of_range_gives_one_warning(phantom, tiny_model):
    instrument = load_instrument("m4-tornado")
    soft = dataclasses.replace(
        instrument, tube=dataclasses.replace(instrument.tube, voltage_kV=15.0)
    )
    scan = dataclasses.replace(phantom.scan, instrument=soft)
    result = map_minerals(scan, model=tiny_model)
    assert len(result.warnings) == 1
    assert "15 kV" in result.warnings[0]


def test_a_filter_in_the_beam_gives_one_warning(phantom, tiny_model):
    instrument = load_instrument("m4-tornado")
    foil = Layer("Al", 100.0, 2.699)
    filtered = dataclasses.replace(
        instrument, tube=dataclasses.replace(instrument.tube, filters=(foil,))
    )
    result = map_minerals(dataclasses.replace(phantom.scan, instrument=filtered), model=tiny_model)
    assert len(result.warnings) == 1
    assert "Al 100 µm" in result.warnings[0]


@pytest.mark.parametrize(
    ("gas", "pressure_mbar", "warned"),
    [("air", 1013.0, True), ("air", 20.0, False), ("helium", 1013.0, False)],
)
def test_air_gives_one_warning(phantom, tiny_model, gas, pressure_mbar, warned):
    instrument = load_instrument("m4-tornado")
    aired = dataclasses.replace(
        instrument,
        atmosphere=dataclasses.replace(instrument.atmosphere, gas=gas, pressure_mbar=pressure_mbar),
    )
    result = map_minerals(dataclasses.replace(phantom.scan, instrument=aired), model=tiny_model)
    assert ["in air (1013 mbar)" in line for line in result.warnings] == [True] * warned


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1)])
def test_small_and_empty_scans_have_defined_results(phantom, tiny_model, tmp_path, shape):
    axis = phantom.scan.axis
    empty = Scan.from_counts(np.zeros((*shape, axis.n_channels), np.uint16), axis)
    result = map_minerals(empty, model=tiny_model)
    assert (result.dataset["mineral"].values == VOID).all()
    rows = {row["mineral"]: row for row in result.percentages()}
    assert rows["void"]["pixels"] == shape[0] * shape[1]
    result.save(tmp_path / "out")


def test_smoothing_is_a_choice(phantom, tiny_model):
    result = map_minerals(phantom.scan, model=tiny_model, smooth=False)
    assert result.smoothed is False
    assert "mineral_smoothed" in result.dataset


def test_both_posteriors_are_kept_and_shares_corrected(result, phantom):
    data = result.dataset
    assert data["mineral_with_priors"].dtype == np.int16
    right = [
        (names_of(result, layer) == phantom.truth).mean()
        for layer in ("mineral", "mineral_with_priors", "mineral_smoothed")
    ]
    assert min(right) > 0.95
    priors = json.loads(data.attrs["priors"])
    assert priors["quartz"] == pytest.approx(0.4, abs=0.06)
    rows = {row["mineral"]: row for row in result.percentages()}
    for name, share in SHARES.items():
        row = rows[name]
        assert row["area_percent_corrected"] == pytest.approx(100 * share, abs=6)
        for kind in ("area", "weight"):
            low, high = row[f"{kind}_percent_rock_low"], row[f"{kind}_percent_rock_high"]
            assert low <= row[f"{kind}_percent_corrected"] <= high
    assert rows["unknown"]["area_percent_corrected"] is None


@pytest.mark.parametrize("method", ["unet", "majority", "opening", "none"])
def test_the_method_of_smoothing_is_a_choice(phantom, tiny_model, method):
    from lithoscope.segmentation.smoothing import Size, Smoothing

    smoothing = Smoothing(method, smallest_grain=Size(30.0, "um"))
    result = map_minerals(phantom.scan, model=tiny_model, smoothing=smoothing)
    assert (names_of(result, "mineral_smoothed") == phantom.truth).mean() > 0.9
    assert result.run["options"]["smoothing"]["smallest_grain"] == "30um"
