"""Phantoms as files: what is read back is what was drawn."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import MineralError, OutputError
from lithoscope.io import load_instrument, open_scan
from lithoscope.synthesis.phantoms import ScanRecipe
from lithoscope.workflows.phantom import make_phantom

SCAN = ScanRecipe((10, 12), counts=800.0, detectors=2)


@pytest.fixture(scope="module")
def machine():
    return dataclasses.replace(load_instrument("m4-tornado"), axis=EnergyAxis(0.0, 0.02, 2048))


@pytest.fixture(scope="module")
def made(machine, tmp_path_factory):
    path = tmp_path_factory.mktemp("phantom") / "granite.bcf"
    seen = []
    result = make_phantom(
        "granite",
        path,
        scan=SCAN,
        instrument=machine,
        seed=2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (10, 10)
    return result


def test_the_bcf_holds_the_rows(made):
    drawn = np.concatenate(list(made.phantom.rows()))
    apart = open_scan(made.scan, detectors="separate")
    for detector, scan in enumerate(apart):
        np.testing.assert_array_equal(scan.read_rows(0, 10), drawn[:, :, detector])
    both = open_scan(made.scan)
    np.testing.assert_array_equal(both.read_rows(0, 10), drawn.sum(axis=2))
    assert both.title == "granite phantom (synthetic)"
    assert both.pixel_size_mm == pytest.approx((0.02, 0.02))


def test_the_truth_lies_beside_it(made):
    assert made.truth.name == "granite-truth.zarr"
    with xr.open_zarr(made.truth) as saved:
        xr.testing.assert_equal(saved.load(), made.phantom.truth)
        flags = saved["mineral"].attrs
        assert len(flags["flag_values"]) == len(flags["flag_meanings"].split())
        assert flags["flag_meanings"].split()[0] == "void"
        recipe = json.loads(saved.attrs["recipe"])
        assert recipe["seed"] == 2
        assert recipe["scan"]["counts"] == 800
        assert recipe["texture"]["grain_um"] > 0


@pytest.mark.parametrize("ending", ["hspy", "zarr"])
def test_other_files_hold_the_sum_of_detectors(ending, made, machine, tmp_path):
    again = make_phantom("granite", tmp_path / f"g.{ending}", scan=SCAN, instrument=machine, seed=2)
    drawn = np.concatenate(list(made.phantom.rows())).sum(axis=2)
    np.testing.assert_array_equal(open_scan(again.scan).read_rows(0, 10), drawn)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["g-truth.zarr", f"g.{ending}"]


def test_the_same_seed_gives_the_same_bytes(made, machine, tmp_path):
    again = make_phantom("granite", tmp_path / "granite.bcf", scan=SCAN, instrument=machine, seed=2)
    assert again.scan.read_bytes() == made.scan.read_bytes()
    xr.testing.assert_equal(again.phantom.truth, made.phantom.truth)


def test_a_phantom_of_a_mineral_is_answered_with_rocks(tmp_path):
    with pytest.raises(MineralError, match="staurolite is a mineral") as said:
        make_phantom("staurolite", tmp_path / "a.bcf")
    assert "schist" in said.value.expected
    with pytest.raises(MineralError, match="no rock") as said:
        make_phantom("granit", tmp_path / "a.bcf")
    assert "granite" in said.value.expected


def test_places_that_cannot_be_are_refused_before_any_work(tmp_path):
    with pytest.raises(OutputError, match="cannot be written as"):
        make_phantom("granite", tmp_path / "a.tif")
    with pytest.raises(OutputError, match="nowhere"):
        make_phantom("granite", tmp_path / "nowhere" / "a.bcf")
    (tmp_path / "b.bcf").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        make_phantom("granite", tmp_path / "b.bcf")
    with pytest.raises(OutputError, match="are free"):
        make_phantom("granite", tmp_path / "a.bcf", scan=ScanRecipe((10**6, 10**6)))


def test_an_interrupted_phantom_leaves_nothing(machine, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_phantom("granite", tmp_path / "a.bcf", scan=SCAN, instrument=machine, progress=stop)
    assert not list(tmp_path.iterdir())


def test_the_command(lithoscope, tmp_path):
    path = tmp_path / "ore.bcf"
    status, said, _ = lithoscope(
        "phantom", "nickel sulfide ore", "--size", "6x8", "--no-bragg", "-o", path
    )
    assert status == 0
    assert "pyrrhotite" in said
    assert open_scan(path).shape == (6, 8)
    for arguments, message in (
        (("quartz", "-o", path), "a phantom is of a rock"),
        (("granite", "--size", "6", "-o", path), "--size 6"),
        (("granite", "--size", "0x5", "-o", path), "shape of a scan"),
        (("granite", "--spot-um", "-2", "-o", path), "spot_um"),
        (("granite", "--detectors", "3", "-o", path), "detectors"),
        (("granite", "-o", tmp_path / "a.csv"), "cannot be written as"),
    ):
        status, _, error = lithoscope("phantom", *arguments)
        assert status == 2
        assert message in error
