import csv
import json

import numpy as np
import pytest
import xarray as xr

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.io import load_instrument, open_scan, write_bcf
from lithoscope.synthesis.phantoms import ScanRecipe
from lithoscope.workflows.find_diffraction import COLUMNS, find_diffraction
from lithoscope.workflows.map_files import map_file
from lithoscope.workflows.phantom import make_phantom


@pytest.fixture(scope="module")
def granite(tmp_path_factory):
    """A phantom whose grains diffract, its detectors apart."""
    path = tmp_path_factory.mktemp("phantom") / "granite.bcf"
    scan = ScanRecipe(shape=(14, 14), counts=4000, detectors=2)
    return make_phantom("quartzite", path, scan=scan, seed=2)


def test_a_map_says_what_diffraction_was_taken_out_of_it(granite, tmp_path):
    result, files = map_file(granite.scan, tmp_path / "map", bragg_test=True)
    with files["diffraction"].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    run = json.loads(files["run"].read_text())["diffraction"]
    assert len(rows) == run["peaks"] > 3
    significance = [float(row["significance"]) for row in rows]
    assert significance == sorted(significance, reverse=True)
    with xr.open_zarr(files["result"]) as dataset:
        layer = dataset["diffraction_counts"].values
        assert layer.shape == dataset["mineral"].shape
        assert layer.sum() == pytest.approx(run["counts"], rel=1e-4)
    assert any("stand in one detector alone" in line for line in result.warnings)
    # No more is taken out than is there.
    phantom = granite.phantom
    crystals = phantom.crystals.of_grains[phantom.parts.grains]
    rates = phantom.peaks.sum(axis=(0, 2))[crystals] * phantom.parts.shares
    there = float(rates.sum() * phantom.live_time_s)
    assert 0.2 * there < run["counts"] < 1.1 * there
    # The strongest peak is one of a crystal in that detector.
    energies = phantom.machine.axis.energies_keV[: phantom.peaks.shape[2]]
    near = np.abs(energies - float(rows[0]["energy_keV"])) < 0.1
    own, other = (
        phantom.peaks[detector][:, near].sum(axis=1)
        for detector in (int(rows[0]["detector"]), 1 - int(rows[0]["detector"]))
    )
    assert (own > 3 * other).any()


def test_without_the_option_nothing_is_taken_out(granite, tmp_path):
    result, files = map_file(granite.scan, tmp_path / "map")
    assert "diffraction" not in files
    assert "diffraction_counts" not in result.dataset


def test_the_scan_holds_what_was_not_diffraction(granite):
    scan, found = find_diffraction(granite.scan)
    whole = open_scan(granite.scan)
    missing = whole.rows(0, 14).sum(dtype=float) - scan.rows(0, 14).sum(dtype=float)
    assert missing == pytest.approx(found.removed.sum(), rel=0.05)
    assert found.removed.sum() > 0


def test_one_detector_is_refused(tmp_path):
    axis = EnergyAxis(0.0, 0.01, 2048)
    path = tmp_path / "one.bcf"
    write_bcf(
        path,
        rows=iter(np.ones((2, 1, 3, 2048), dtype=np.uint16)),
        shape=(2, 3),
        axis=axis,
        instrument=load_instrument("m4-tornado"),
        pixel_size_mm=(0.02, 0.02),
        title="one detector",
    )
    assert isinstance(open_scan(path), Scan)
    with pytest.raises(ScanError, match="1 detector") as raised:
        map_file(path, tmp_path / "map", bragg_test=True)
    assert "--bragg-test" in str(raised.value)
    assert not (tmp_path / "map").exists()
