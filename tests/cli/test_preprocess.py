"""``lithoscope preprocess``: what it writes, draws and refuses."""

import json

import numpy as np
import pytest
import zarr

from lithoscope.io import load_instrument, open_scan
from lithoscope.minerals.rocks import Rock
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, TextureRecipe


@pytest.fixture(scope="module")
def phantom():
    shares = {"quartz": 0.3, "calcite": 0.3, "almandine": 0.3, "pyrite": 0.1}
    rock = Rock("four minerals", {name: (share, share) for name, share in shares.items()})
    scan = ScanRecipe(
        shape=(9, 8), counts=20_000.0, bragg=False, offset_drift_eV=0.0, gain_drift_eV=0.0
    )
    recipe = PhantomRecipe(rock, TextureRecipe(grain_um=50.0), scan, seed=5)
    return Phantom(recipe, load_instrument("m4-tornado-40kev")).scan()


@pytest.fixture
def scan(phantom, tmp_path):
    path = tmp_path / "scan.npz"
    np.savez(path, counts=phantom.rows(0, 9), energy_keV=phantom.axis.energies_keV)
    return path


def test_a_preprocessed_scan_opens_as_one(lithoscope, scan, phantom, tmp_path):
    out = tmp_path / "out.zarr"
    status, said, err = lithoscope("preprocess", scan, "--steps", "baseline,normalise", "-o", out)
    assert status == 0, err
    assert "snip -> normalise" in said
    found = open_scan(out)
    assert found.axis.offset_keV == pytest.approx(phantom.axis.offset_keV)
    assert found.axis.gain_keV == pytest.approx(phantom.axis.gain_keV)
    np.testing.assert_allclose(found.rows(0, 9).sum(axis=2), 1, rtol=1e-4)
    assert json.loads(zarr.open_group(str(out)).attrs["chain"])[0]["step"] == "snip"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_scores_and_a_model_s_inputs(lithoscope, scan, tmp_path):
    steps = tmp_path / "steps.yaml"
    steps.write_text("- rebin\n- {step: pca, components: 5}\n")
    status, said, err = lithoscope(
        "preprocess", scan, "--steps", steps, "-o", tmp_path / "pca.zarr", "--json"
    )
    assert status == 0, err
    assert json.loads(said)["shape"] == [9, 8, 5]
    status, _, err = lithoscope(
        "preprocess", scan, "--model", "default", "-o", tmp_path / "model.zarr"
    )
    assert status == 0, err
    group = zarr.open_group(str(tmp_path / "model.zarr"))
    assert group["values"].shape == (9, 8, 2, 466)
    assert group["edges_keV"].shape == (467,)


def test_pixels_are_drawn_before_and_after(lithoscope, scan, tmp_path):
    figure = tmp_path / "pixels.png"
    status, said, err = lithoscope(
        "preprocess", scan, "--steps", "rebin,snip", "--show", "--figure", figure
    )
    assert status == 0, err
    assert said.count("), before\n") == said.count("), after\n") == 3
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_an_axis_that_is_off_is_corrected(lithoscope, phantom, tmp_path):
    path = tmp_path / "off.npz"
    energies = phantom.axis.energies_keV / 1.008 + 0.01
    np.savez(path, counts=phantom.rows(0, 9), energy_keV=energies)
    status, said, err = lithoscope(
        "preprocess",
        *(path, "--steps", "normalise", "-o", tmp_path / "out.zarr"),
        *("--calibrate", "--instrument", "m4-tornado-40kev", "--json"),
    )
    assert status == 0, err
    assert json.loads(said)["calibration"]["gain"] == pytest.approx(1.008, abs=5e-4)
    found = open_scan(tmp_path / "out.zarr").axis
    assert found.gain_keV == pytest.approx(phantom.axis.gain_keV, rel=5e-4)
    assert found.offset_keV == pytest.approx(phantom.axis.offset_keV, abs=3e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "pca,rebin", "-o", "out.zarr"], "'rebin'"),
        (["--steps", "snipp", "-o", "out.zarr"], "snip"),
        (["--steps", "vae", "-o", "out.zarr"], "lithoscope train"),
        (["--steps", "snip", "-o", "out.txt"], ".zarr"),
        (["--steps", "snip"], "--show"),
        (["-o", "out.zarr"], "--steps or --model"),
        (["--steps", "snip", "--model", "default", "-o", "out.zarr"], "--steps or --model"),
        (["--steps", "normalise.yaml", "-o", "out.zarr"], "normalise.yaml"),
    ],
)
def test_bad_input_is_one_message_and_nothing_is_written(
    lithoscope, scan, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    status, out, err = lithoscope("preprocess", scan, *arguments)
    assert status == 2, err
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["scan.npz"]


def test_an_existing_folder_is_left_alone(lithoscope, scan, tmp_path):
    out = tmp_path / "out.zarr"
    out.mkdir()
    (out / "mine").write_text("x")
    status, _, err = lithoscope("preprocess", scan, "--steps", "snip", "-o", out)
    assert status == 2
    assert "empty folder" in err
    assert [path.name for path in out.iterdir()] == ["mine"]
