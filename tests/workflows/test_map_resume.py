"""A map that is broken off goes on where it was, and ends as if it had not been."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import xarray as xr

from lithoscope.errors import OutputError, ScanError
from lithoscope.io import block_files
from lithoscope.workflows import map_plan
from lithoscope.workflows.map_files import map_file
from lithoscope.workflows.simulate import simulate

SHAPE = (9, 7)
BLOCK = 14  # two rows of seven


@pytest.fixture(scope="module")
def counts():
    """Four minerals in stripes, 2 000 counts a pixel, and one empty pixel."""
    names = ("quartz", "calcite", "pyrite", "hematite")
    expected = np.array([simulate(name, instrument="m4-tornado").counts for name in names])
    expected *= 2000 / expected.sum(axis=1, keepdims=True)
    stripes = np.arange(SHAPE[1]) // 2
    drawn = np.random.default_rng(3).poisson(expected[stripes], size=(*SHAPE, 4096))
    drawn[4, 4] = 0
    return drawn.astype(np.uint16)


@pytest.fixture
def scan(counts, tmp_path):
    path = tmp_path / "scan.npz"
    axis = simulate("quartz", instrument="m4-tornado").axis
    np.savez(path, counts=counts, energy_keV=axis.energies_keV)
    return path


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(map_plan, "_BLOCK_SPECTRA", BLOCK)


@pytest.fixture(scope="module")
def whole(counts, tmp_path_factory):
    """The result without any interruption."""
    folder = tmp_path_factory.mktemp("whole")
    axis = simulate("quartz", instrument="m4-tornado").axis
    np.savez(folder / "scan.npz", counts=counts, energy_keV=axis.energies_keV)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(map_plan, "_BLOCK_SPECTRA", BLOCK)
        map_file(folder / "scan.npz", folder / "out")
    return folder / "out"


def same(folder, other):
    """Whether two results are the same to the bit, times and paths aside."""
    with xr.open_zarr(folder / "result.zarr") as a, xr.open_zarr(other / "result.zarr") as b:
        xr.testing.assert_identical(a.load(), b.load())
    for name in ("minerals.csv", "mineral_map.png", "mineral_index.png", "element_maps.png"):
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name
    return True


def interrupted(scan, out, after, monkeypatch):
    """Map until so many blocks are there, and leave as a kill does: nothing is cleaned up."""
    script = f"""
        import os, signal
        from pathlib import Path
        from lithoscope.workflows import map_plan
        from lithoscope.workflows.map_files import map_file
        map_plan._BLOCK_SPECTRA = {BLOCK}
        def stop(done, total):
            if done >= {after * BLOCK}:
                os.kill(os.getpid(), signal.SIGKILL)
        map_file(Path({str(scan)!r}), Path({str(out)!r}), progress=stop)
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert ran.returncode == -signal.SIGKILL


def test_after_a_kill_the_result_is_the_same_to_the_bit(scan, whole, tmp_path, monkeypatch):
    out, partial = tmp_path / "out", tmp_path / "out.partial"
    interrupted(scan, out, 3, monkeypatch)
    kept = sorted(path.name for path in (partial / "blocks").glob("*.npz"))
    assert kept == ["000000.npz", "000001.npz", "000002.npz"]
    assert not out.exists()
    seen = []
    result, files = map_file(scan, out, progress=lambda done, total: seen.append((done, total)))
    assert result.run["blocks"] == {"all": 5, "mapped_by_this_run": 2}
    assert seen == [(42, 63), (56, 63), (63, 63)]
    assert same(out, whole)
    assert not partial.exists()
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in whole.iterdir()
    )
    assert all(path.exists() for path in files.values())


def test_a_block_that_was_cut_off_is_mapped_again(scan, whole, tmp_path, monkeypatch):
    out = tmp_path / "out"
    interrupted(scan, out, 4, monkeypatch)
    block = tmp_path / "out.partial" / "blocks" / "000001.npz"
    content = block.read_bytes()
    block.write_bytes(content[: len(content) // 2])
    flipped = bytearray((block.parent / "000002.npz").read_bytes())
    flipped[len(flipped) // 2] ^= 0xFF
    (block.parent / "000002.npz").write_bytes(flipped)
    result, _ = map_file(scan, out)
    assert result.run["blocks"]["mapped_by_this_run"] == 3
    assert same(out, whole)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"minerals": ["quartz", "calcite"]}, "minerals"),
        ({"instrument": "pixl-breadboard"}, "instrument"),
        ({}, "scan"),
    ],
)
def test_another_job_does_not_take_up_the_blocks(
    scan, counts, tmp_path, monkeypatch, change, named
):
    out = tmp_path / "out"
    interrupted(scan, out, 2, monkeypatch)
    if named == "scan":
        axis = simulate("quartz", instrument="m4-tornado").axis
        np.savez(scan, counts=counts + np.uint16(1), energy_keV=axis.energies_keV)
    with pytest.raises(OutputError, match=f"differs in: {named}") as caught:
        map_file(scan, out, **change)
    assert "remove that folder" in caught.value.remedy
    blocks = tmp_path / "out.partial" / "blocks"
    assert len(list(blocks.glob("*.npz"))) == 2


def test_another_model_is_another_job(scan, tmp_path, monkeypatch, tiny_model):
    interrupted(scan, tmp_path / "out", 2, monkeypatch)
    with pytest.raises(OutputError, match="differs in: model"):
        map_file(scan, tmp_path / "out", model=tiny_model)


def test_what_is_done_after_the_pass_may_change(scan, whole, tmp_path, monkeypatch):
    interrupted(scan, tmp_path / "out", 2, monkeypatch)
    result, _ = map_file(scan, tmp_path / "out", smooth=False)
    assert result.run["options"]["smooth"] is False
    assert result.run["blocks"]["mapped_by_this_run"] == 3


def test_a_full_disk_keeps_what_is_mapped(scan, whole, tmp_path, monkeypatch):
    room = iter(range(3))
    savez = np.savez

    def full(*arguments, **options):
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        savez(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(block_files.np, "savez", full)
        with pytest.raises(OutputError, match="No space left") as caught:
            map_file(scan, tmp_path / "out")
    assert "repeat the command" in caught.value.remedy
    left = sorted(path.name for path in (tmp_path / "out.partial").rglob("*"))
    assert left == ["000000.npz", "000001.npz", "000002.npz", "blocks", "job.json"]
    result, _ = map_file(scan, tmp_path / "out")
    assert result.run["blocks"]["mapped_by_this_run"] == 2
    assert same(tmp_path / "out", whole)


def test_a_disk_that_fills_while_results_are_written(scan, whole, tmp_path, monkeypatch):
    from lithoscope.workflows.mineral_map import MineralMap

    def full(self, folder):
        (folder / "minerals.csv").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(MineralMap, "write_into", full)
        with pytest.raises(OutputError, match="No space left"):
            map_file(scan, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    result, _ = map_file(scan, tmp_path / "out")
    assert result.run["blocks"]["mapped_by_this_run"] == 0
    assert same(tmp_path / "out", whole)


def test_a_run_into_a_folder_that_another_works_in(scan, tmp_path, monkeypatch):
    interrupted(scan, tmp_path / "out", 2, monkeypatch)
    lock = tmp_path / "out.partial" / ".lock"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        lock.write_text(str(other.pid))
        with pytest.raises(OutputError, match="Another run is writing"):
            map_file(scan, tmp_path / "out")
        assert lock.read_text() == str(other.pid)
        other.stdin.close()
    result, _ = map_file(scan, tmp_path / "out")
    assert result.run["blocks"]["mapped_by_this_run"] == 3


def test_of_a_scan_that_cannot_be_read_nothing_is_left(scan, tmp_path, monkeypatch):
    from lithoscope.core.scan import Scan

    rows = Scan.rows

    def damaged(self, first, last):
        if first >= 4:
            raise ScanError("Row 4 is damaged.")
        return rows(self, first, last)

    monkeypatch.setattr(Scan, "rows", damaged)
    with pytest.raises(ScanError, match="Row 4"):
        map_file(scan, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.npz"]


def test_a_run_says_what_it_mapped(whole):
    run = json.loads((whole / "run.json").read_text())
    assert len(run["input_sha256"]) == 64
    assert run["blocks"] == {"all": 5, "mapped_by_this_run": 5}
