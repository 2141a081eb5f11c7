"""Scans written row by row come back as they were, from us and from HyperSpy's own reader."""

from types import SimpleNamespace

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import InvalidValueError, OutputError
from lithoscope.io import open_scan, write_hspy_scan, write_zarr_scan
from lithoscope.io.aside import check_room, zarr_written_aside

AXIS = EnergyAxis(-0.05, 0.01, 64)
SHAPE = (9, 70)
WRITERS = {"scan.hspy": write_hspy_scan, "scan.zarr": write_zarr_scan}


@pytest.fixture(scope="module")
def counts():
    drawn = np.random.default_rng(0).poisson(0.4, (*SHAPE, 64)).astype(np.uint32)
    drawn[3, 4, 5] = 100_000
    return drawn


def write(name, folder, rows, **changes):
    path = folder / name
    facts = {"shape": SHAPE, "axis": AXIS, "pixel_size_mm": (0.02, 0.03), "title": "a/b"}
    WRITERS[name](path, rows=rows, **{**facts, "live_time_s": 0.5, **changes})
    return path


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("block", [1, 2, 5, 9])
def test_counts_and_facts_come_back(name, block, counts, tmp_path):
    path = write(name, tmp_path, [counts[i : i + block] for i in range(0, 9, block)])
    scan = open_scan(path)
    np.testing.assert_array_equal(scan.read_rows(0, 9), counts)
    assert scan.axis.offset_keV == pytest.approx(-0.05)
    assert scan.axis.gain_keV == pytest.approx(0.01)
    assert scan.pixel_size_mm == pytest.approx((0.02, 0.03))
    assert scan.title == "a/b"
    assert scan.metadata["live_time_s"] == 0.5
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_hyperspy_s_reader_agrees(counts, tmp_path):
    from rsciio.hspy import file_reader

    signal = file_reader(str(write("scan.hspy", tmp_path, [counts])))[0]
    np.testing.assert_array_equal(signal["data"], counts)
    assert [axis["name"] for axis in signal["axes"]] == ["y", "x", "Energy"]
    assert [axis["navigate"] for axis in signal["axes"]] == [True, True, False]


def test_the_same_counts_give_the_same_bytes(counts, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, second = (
        write("scan.hspy", tmp_path / name, [counts]).read_bytes() for name in ("one", "two")
    )
    assert first == second


@pytest.mark.parametrize("name", WRITERS)
def test_counts_that_do_not_fit_are_refused_and_leave_nothing(name, counts, tmp_path):
    for rows in ([counts[:8]], [counts, counts], [counts[:, :5]], [counts.astype(float)]):
        with pytest.raises(InvalidValueError):
            write(name, tmp_path, rows)
        assert not list(tmp_path.iterdir())


def test_only_zarr_folders_are_replaced(counts, tmp_path):
    path = write("scan.zarr", tmp_path, [counts])
    write("scan.zarr", tmp_path, [counts + np.uint32(1)])
    assert open_scan(path).read_rows(0, 1)[0, 0, 0] == counts[0, 0, 0] + 1
    other = tmp_path / "thesis.zarr"
    other.mkdir()
    (other / "chapter.txt").write_text("kept")
    with pytest.raises(OutputError, match="no zarr folder"), zarr_written_aside(other):
        pass
    assert (other / "chapter.txt").read_text() == "kept"


def test_an_interrupted_folder_leaves_the_old_one(counts, tmp_path):
    path = write("scan.zarr", tmp_path, [counts])

    def stopped():
        with zarr_written_aside(path) as aside:
            aside.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [item.name for item in tmp_path.iterdir()] == ["scan.zarr"]
    np.testing.assert_array_equal(open_scan(path).read_rows(0, 9), counts)


def test_what_the_disk_cannot_hold_is_refused_with_what_it_can(tmp_path, monkeypatch):
    wanted = {"number": 4000, "things": "spectra", "fewer_with": "-n"}
    with pytest.raises(OutputError, match="nowhere"):
        check_room(tmp_path / "nowhere", 1, **wanted)
    # 64 MiB are left for others.
    free = 2e9
    usage = SimpleNamespace(free=free + 64 * 2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    check_room(tmp_path, free, **wanted)
    with pytest.raises(OutputError, match=r"4,000 spectra take some 8 GB, and 2 GB") as refused:
        check_room(tmp_path, 8e9, **wanted)
    assert refused.value.expected == "some 1,000 spectra at most on this disk"
    assert "lower -n" in refused.value.remedy
    usage.free = 0
    with pytest.raises(OutputError, match="0 GB are free"):
        check_room(tmp_path, 1, **wanted)
