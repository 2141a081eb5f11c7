"""``lithoscope evaluate``: a table, one JSON document, one message."""

import json

import pytest

from lithoscope.models.checkpoint import save_checkpoint


@pytest.fixture
def mapped(tiny_model, lithoscope, tmp_path):
    """A phantom's map beside its truth."""
    from lithoscope.io import load_instrument, write_zarr_scan
    from lithoscope.minerals.rocks import Rock
    from lithoscope.segmentation.dataset import write_dataset
    from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, TextureRecipe

    save_checkpoint(tiny_model, tmp_path / "tiny")
    rock = Rock("two minerals", {"quartz": (0.5, 0.5), "calcite": (0.5, 0.5)})
    texture = TextureRecipe(grain_um=65.0, zoned=False, cracks=0, edge_share=0.0)
    scan = ScanRecipe((12, 10), spot_um=2.0, counts=1500.0, bragg=False)
    made = Phantom(PhantomRecipe(rock, texture, scan, 5), load_instrument("m4-tornado"))
    write_zarr_scan(
        tmp_path / "p.zarr",
        rows=(block.sum(axis=2, dtype=block.dtype) for block in made.rows())
        if scan.detectors > 1
        else made.rows(),
        title="two minerals",
        live_time_s=made.live_time_s,
        shape=made.shape,
        axis=made.machine.axis,
        pixel_size_mm=(0.02, 0.02),
    )
    write_dataset(made.truth, tmp_path / "p-truth.zarr")
    status, _, err = lithoscope(
        "map", tmp_path / "p.zarr", "--model", tmp_path / "tiny", "-o", tmp_path / "map"
    )
    assert status == 0, err
    return tmp_path


def test_a_map_beside_its_truth(mapped, lithoscope, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ("evaluate", mapped / "map", "--labels", mapped / "p-truth.zarr")
    status, out, err = lithoscope(*arguments)
    assert status == 0, err
    assert "quartz" in out
    assert "accuracy" in out
    assert max(map(len, out.splitlines())) <= 80
    status, out, _ = lithoscope(*arguments, "--json")
    found = json.loads(out)
    assert found["accuracy"]["value"] > 0.95
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]
    assert 120 >= found["pixels"] > found["regions"] > 1


def test_a_label_of_no_mineral_is_one_message(mapped, lithoscope):
    (mapped / "labels.csv").write_text("y,x,mineral\n0,0,unobtainium\n")
    status, out, err = lithoscope("evaluate", mapped / "map", "--labels", mapped / "labels.csv")
    assert (status, out) == (2, "")
    assert "unobtainium" in err
    assert "Traceback" not in err


def test_labels_that_do_not_exist(mapped, lithoscope):
    status, _, err = lithoscope("evaluate", mapped / "map", "--labels", mapped / "none.csv")
    assert status == 2
    assert "none.csv" in err
