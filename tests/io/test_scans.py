"""Scans from .hspy, .zspy and .npz: lazily, in keV and mm, and every mistake as one message."""

from __future__ import annotations

import struct
import zipfile
from importlib import resources
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from rsciio.hspy import file_reader as read_hspy
from rsciio.hspy import file_writer as write_hspy

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import ScanError
from lithoscope.io import open_scan

COUNTS = np.random.default_rng(0).poisson(3, (6, 4, 50)).astype(np.uint16)


def signal(data=COUNTS, *, energy=(-0.955, 0.01, "keV"), steps=(0.1, 0.2, "mm"), **changes):
    """Return a signal as HyperSpy hands it to RosettaSciIO."""
    offset, scale, units = energy
    names = ["y", "x"][-(data.ndim - 1) :] if data.ndim > 1 else []
    axes = [
        {"name": name, "offset": 0.0, "scale": step, "units": steps[2], "navigate": True}
        for name, step in zip(names, steps, strict=False)
    ]
    axes.append({"name": "E", "offset": offset, "scale": scale, "units": units, "navigate": False})
    for axis, size in zip(axes, data.shape, strict=True):
        axis |= {"size": size, "_type": "UniformDataAxis", "is_binned": False}
    return {
        "data": data,
        "axes": axes,
        "metadata": {
            "General": {"title": "Probe Ä"},
            "Signal": {"signal_type": "EDS_TEM"},
            "Acquisition_instrument": {"TEM": {"Detector": {"EDS": {"live_time": 2.5}}}},
        },
        "original_metadata": {},
        "attributes": {"_lazy": False, "ragged": False},
        "tmp_parameters": {},
        "learning_results": {},
        "package_info": {"package": "hyperspy", "package_version": "2.5.0"},
        "models": {},
        **changes,
    }


def hspy(folder: Path, **changes) -> Path:
    write_hspy(str(folder / "a.hspy"), signal(**changes))
    return folder / "a.hspy"


def write_zspy(store, **array) -> None:
    """Write what HyperSpy writes with zarr 2, for which RosettaSciIO's writer is made."""
    described = signal()
    root = zarr.create_group(store, zarr_format=2, attributes={"file_format": "ZSpy"})
    group = root.create_group("Experiments/Probe Ä")
    for number, axis in enumerate(described["axes"]):
        group.create_group(f"axis-{number}", attributes=axis)
    group.create_group("metadata/General", attributes={"title": "Probe Ä"})
    group.create_group(
        "metadata/Acquisition_instrument/TEM/Detector/EDS", attributes={"live_time": 2.5}
    )
    data = group.create_array(
        "data",
        shape=COUNTS.shape,
        dtype=COUNTS.dtype,
        chunks=(2, 3, 50),
        chunk_key_encoding={"name": "v2", "separator": "/"},
        **array,
    )
    data[:] = COUNTS


def npz(folder: Path, **arrays) -> Path:
    arrays = {"counts": COUNTS, "energy_keV": -0.955 + 0.01 * np.arange(50), **arrays}
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez_compressed(folder / "a.npz", **kept)
    return folder / "a.npz"


def all_counts(scan) -> np.ndarray:
    return np.concatenate([counts for _, counts in scan.blocks(4)])


def test_the_demo_scan_is_as_rosettasciio_reads_it():
    with resources.as_file(resources.files("lithoscope") / "demo_data") as folder:
        path = folder / "laguna_salinas.hspy"
        scan = open_scan(path)
        counts = all_counts(scan)
        (theirs,) = read_hspy(str(path))
    np.testing.assert_array_equal(counts, theirs["data"])
    assert scan.shape == (25, 25)
    assert scan.axis == EnergyAxis(0.0, 0.01, 4096)
    assert scan.pixel_size_mm == (0.1, 0.1)
    assert scan.title.startswith("Laguna Salinas")
    assert scan.instrument is None
    assert not scan.electron_beam
    assert counts.sum() / 625 == pytest.approx(184_469, abs=1)


@pytest.mark.parametrize("kind", ["hspy", "zspy folder", "zspy archive"])
def test_hyperspy_files(tmp_path, kind):
    if kind == "hspy":
        path = hspy(tmp_path)
    elif kind == "zspy folder":
        path = tmp_path / "a.zspy"
        write_zspy(str(path))
    else:
        path = tmp_path / "a.zspy"
        store = zarr.storage.ZipStore(path, mode="w")
        write_zspy(store)
        store.close()
    scan = open_scan(path)
    np.testing.assert_array_equal(all_counts(scan), COUNTS)
    assert scan.axis == EnergyAxis(-0.955, 0.01, 50)
    assert scan.pixel_size_mm == (0.1, 0.2)
    assert scan.title == "Probe Ä"
    assert scan.metadata == {"live_time_s": 2.5}
    # HyperSpy calls any 50 kV spectrum a TEM's.
    assert not scan.electron_beam


def test_npz(tmp_path):
    live_time = np.full((6, 4), 0.3)
    path = npz(
        tmp_path, live_time_s=live_time, mineral=np.array("quartz"), pixel_size_mm=[0.1, 0.2]
    )
    scan = open_scan(path)
    np.testing.assert_array_equal(all_counts(scan), COUNTS)
    assert scan.axis.offset_keV == pytest.approx(-0.955)
    assert scan.axis.gain_keV == pytest.approx(0.01)
    assert scan.pixel_size_mm == (0.1, 0.2)
    assert scan.title == "quartz"
    np.testing.assert_array_equal(scan.live_time_s, live_time)


def test_npz_of_counts_alone(tmp_path):
    scan = open_scan(npz(tmp_path))
    assert scan.pixel_size_mm is None
    assert scan.title == "a"
    np.testing.assert_array_equal(scan.read_rows(4, 6), COUNTS[4:6])
    np.testing.assert_array_equal(scan.read_rows(1, 2), COUNTS[1:2])


def test_npz_in_fortran_order(tmp_path):
    path = npz(tmp_path, counts=np.asfortranarray(COUNTS))
    np.testing.assert_array_equal(all_counts(open_scan(path)), COUNTS)


@settings(max_examples=40, deadline=None)
@given(
    counts=npst.arrays(
        st.sampled_from([np.uint8, ">u2", np.uint32, np.int64, np.float32, np.float64]),
        st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 6)),
        elements=st.integers(0, 250),
    ),
    compressed=st.booleans(),
)
def test_any_counts_survive_npz(tmp_path_factory, counts, compressed):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    save = np.savez_compressed if compressed else np.savez
    save(path, counts=counts, energy_keV=np.arange(counts.shape[2]) * 0.5)
    scan = open_scan(path)
    np.testing.assert_array_equal(all_counts(scan), counts)
    np.testing.assert_array_equal(scan.read_rows(0, 1), counts[:1])


@pytest.mark.parametrize(
    ("energy", "axis"),
    [
        ((-955.0, 10.0, "eV"), EnergyAxis(-0.955, 0.01, 50)),
        ((0.0, 0.02, "KeV"), EnergyAxis(0.0, 0.02, 50)),
    ],
)
def test_energies_become_kev(tmp_path, energy, axis):
    opened = open_scan(hspy(tmp_path, energy=energy)).axis
    assert opened.offset_keV == pytest.approx(axis.offset_keV)
    assert opened.gain_keV == pytest.approx(axis.gain_keV)


@pytest.mark.parametrize(
    ("steps", "millimetres"),
    [
        ((20.0, 30.0, "µm"), (0.02, 0.03)),
        ((20.0, 30.0, "um"), (0.02, 0.03)),
        ((5.0, 6.0, "nm"), (5e-6, 6e-6)),
        ((1.0, 1.0, "<undefined>"), None),
        ((0.0, 1.0, "mm"), None),
    ],
)
def test_steps_become_mm(tmp_path, steps, millimetres):
    size = open_scan(hspy(tmp_path, steps=steps)).pixel_size_mm
    assert size == (None if millimetres is None else pytest.approx(millimetres))


@pytest.mark.parametrize(
    "energy",
    [(0.0, 1.0, "<undefined>"), (0.0, 0.0, "keV"), (0.0, -1.0, "keV"), (0.0, 100.0, "keV")],
)
def test_no_calibration_names_the_option(tmp_path, energy):
    path = hspy(tmp_path, energy=energy)
    with pytest.raises(ScanError, match="--energy-axis offset,gain"):
        open_scan(path)
    given = EnergyAxis(-0.5, 0.02, 4096)
    assert open_scan(path, energy_axis=given).axis == EnergyAxis(-0.5, 0.02, 50)


@pytest.mark.parametrize(
    ("energies", "message"),
    [
        (np.zeros(50), "--energy-axis"),
        (np.arange(50)[::-1], "--energy-axis"),
        (np.arange(50) ** 1.01, "off a straight line by"),
        (np.full(50, np.nan), "--energy-axis"),
        (np.arange(49.0), "energy_keV of shape"),
        (np.zeros((50, 1)), "energy_keV of shape"),
        (np.array(["a"] * 50), "'energy_keV' of type"),
        (np.array([1j] * 50), "'energy_keV' of type"),
    ],
)
def test_npz_energies_must_be_a_line(tmp_path, energies, message):
    path = npz(tmp_path, energy_keV=energies)
    with pytest.raises(ScanError, match=message):
        open_scan(path)


def test_a_bent_axis_can_be_replaced(tmp_path):
    path = npz(tmp_path, energy_keV=np.arange(50) ** 1.01)
    given = EnergyAxis(0.0, 0.01, 4096)
    assert open_scan(path, energy_axis=given).axis == EnergyAxis(0.0, 0.01, 50)


def test_npz_without_energies_asks_for_them(tmp_path):
    path = npz(tmp_path, energy_keV=None)
    with pytest.raises(ScanError, match=r"no energy calibration[\s\S]*--energy-axis"):
        open_scan(path)
    axis = EnergyAxis(-0.5, 0.02, 4096)
    assert open_scan(path, energy_axis=axis).axis == EnergyAxis(-0.5, 0.02, 50)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"counts": None}, "no 'counts'; it holds energy_keV"),
        (
            {"counts": None, "energy_keV": None, "spectra": COUNTS},
            "no 'counts'; it holds spectra",
        ),
        ({"counts": np.array(3), "energy_keV": None}, "single number"),
        ({"counts": COUNTS[0]}, "no map"),
        ({"counts": COUNTS[0, 0]}, "no map"),
        ({"counts": COUNTS[:0]}, "no map"),
        ({"counts": np.array(["x"])}, "'counts' of type"),
        ({"counts": COUNTS.astype(object)}, "'counts' of type object"),
        ({"pixel_size_mm": [0.1]}, "two positive steps"),
        ({"pixel_size_mm": [0.1, 0.0]}, "two positive steps"),
        ({"mineral": np.array([1])}, "'mineral' of type"),
    ],
)
def test_npz_of_another_layout(tmp_path, arrays, message):
    with pytest.raises(ScanError, match=message) as caught:
        open_scan(npz(tmp_path, **arrays))
    assert "'counts'" in caught.value.expected or "counts of shape" in caught.value.expected


@pytest.mark.parametrize(
    ("bad", "message"), [(np.nan, "NaN"), (np.inf, "NaN or infinity"), (-1.0, "down to -1")]
)
@pytest.mark.parametrize("write", [npz, hspy])
def test_counts_that_cannot_be(tmp_path, write, bad, message):
    counts = COUNTS.astype(np.float64)
    counts[3, 2, 1] = bad
    scan = open_scan(write(tmp_path, **({"counts" if write is npz else "data": counts})))
    scan.read_rows(0, 3)
    with pytest.raises(ScanError, match=message):
        scan.read_rows(3, 4)


def test_files_that_are_not_there(tmp_path):
    for name in ("a.bcf", "a.hspy", "a.npz"):
        with pytest.raises(ScanError, match="does not exist") as caught:
            open_scan(tmp_path / name)
        assert ".bcf, .hspy, .zspy, .npz" in str(caught.value)


@pytest.mark.parametrize("name", ["folder", "folder.hspy", "folder.bcf"])
def test_folders(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ScanError, match="is a folder"):
        open_scan(tmp_path / name)


def test_other_endings(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II")
    with pytest.raises(ScanError, match=r"ends in '\.tif'") as caught:
        open_scan(str(tmp_path / "a.tif"))
    assert ".bcf, .hspy, .zspy, .npz" in str(caught.value)


def test_a_file_that_is_no_bcf(data_folder):
    with pytest.raises(ScanError, match="NotToday") as caught:
        open_scan(data_folder / "Nope.bcf")
    assert ".bcf, .hspy, .zspy, .npz" in str(caught.value)


@pytest.mark.parametrize("ending", [".bcf", ".hspy", ".zspy", ".npz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"x" * 1000])
def test_files_of_other_content(tmp_path, ending, content):
    (tmp_path / f"a{ending}").write_bytes(content)
    with pytest.raises(ScanError, match=rf"a\{ending}"):
        open_scan(tmp_path / f"a{ending}")


def test_an_empty_zspy_folder(tmp_path):
    (tmp_path / "a.zspy").mkdir()
    with pytest.raises(ScanError, match="cannot be read"):
        open_scan(tmp_path / "a.zspy")


@pytest.mark.parametrize("write", [npz, hspy])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated_files(tmp_path, write, part):
    path = write(tmp_path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(ScanError, match="cannot be read"):
        open_scan(path)


def place_of_counts(path: Path) -> int:
    if path.suffix == ".npz":
        return path.read_bytes().index(b"counts.npy") + 200
    with h5py.File(path) as file:
        return file["Experiments/Probe Ä/data"].id.get_chunk_info(0).byte_offset


@pytest.mark.parametrize("write", [npz, hspy])
def test_damaged_counts_are_found_when_read(tmp_path, write):
    path = write(tmp_path)
    place = place_of_counts(path)
    raw = bytearray(path.read_bytes())
    raw[place : place + 100] = bytes(100)
    path.write_bytes(raw)
    with pytest.raises(ScanError, match="damaged"):
        all_counts(open_scan(path))


@pytest.mark.parametrize("shape", [(50,), (6, 50), (2, 3, 4, 50)])
def test_hyperspy_data_that_are_no_map(tmp_path, shape):
    data = np.ones(shape, dtype=np.uint8)
    changed = signal(data[0] if data.ndim == 4 else data)
    if data.ndim == 4:
        changed["data"] = data
        changed["axes"].insert(0, changed["axes"][0])
    write_hspy(str(tmp_path / "a.hspy"), changed)
    with pytest.raises(ScanError, match="no map"):
        open_scan(tmp_path / "a.hspy")


def changed_hspy(folder: Path, change) -> Path:
    path = hspy(folder)
    with h5py.File(path, "a") as file:
        change(file["Experiments"])
    return path


def replace_data(**declared):
    def change(experiments) -> None:
        group = experiments["Probe Ä"]
        del group["data"]
        group.create_dataset("data", **declared)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.copy(e["Probe Ä"], "two"), "2 signals"),
        (lambda e: e["Probe Ä"].__delitem__("data"), "0 signals"),
        (lambda e: e["Probe Ä"].__delitem__("axis-1"), "cannot be read"),
        (lambda e: e["Probe Ä/axis-2"].attrs.__delitem__("scale"), "--energy-axis"),
        (lambda e: e["Probe Ä/axis-2"].attrs.__setitem__("scale", "wide"), "--energy-axis"),
        (lambda e: e["Probe Ä/axis-2"].attrs.__setitem__("navigate", True), "not navigated"),
        (lambda e: e["Probe Ä/axis-0"].attrs.__setitem__("navigate", False), "not navigated"),
        (replace_data(data=[[[b"x"]]]), "type"),
        (replace_data(shape=(6, 0, 50), dtype="u2"), "shape"),
        (replace_data(shape=(1 << 20, 1 << 20, 50), dtype="u2", chunks=(1, 64, 50)), "declares"),
    ],
)
def test_hyperspy_files_that_are_not_sound(tmp_path, change, message):
    path = changed_hspy(tmp_path, change)
    with pytest.raises(ScanError, match=message):
        open_scan(path)


def test_pickles_in_zspy_are_not_run(tmp_path):
    import numcodecs

    path = tmp_path / "a.zspy"
    write_zspy(str(path), filters=[numcodecs.Pickle()], compressors=None)
    with pytest.raises(ScanError, match="pickle"):
        open_scan(path)


def test_npz_that_declares_more_than_it_stores(tmp_path):
    header = b"{'descr': '<u2', 'fortran_order': False, 'shape': (100000, 100000, 50), }\n"
    with zipfile.ZipFile(npz(tmp_path, counts=None), "a") as archive:
        magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
        archive.writestr("counts.npy", magic + header)
    with pytest.raises(ScanError, match="declares 1000000000000 bytes"):
        open_scan(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "head",
    [
        b"\x93NUMPY\x09\x00",
        b"nothing",
        b"\x93NUMPY\x01\x00\x04\x00abc\n",
        b"\x93NUMPY\x01\x00\x39\x00{'descr': '<u2', 'fortran_order': False, 'shape': (-1, 2, 50)}",
    ],
)
def test_npz_with_a_damaged_header(tmp_path, head):
    with zipfile.ZipFile(npz(tmp_path, counts=None), "a") as archive:
        archive.writestr("counts.npy", head)
    with pytest.raises(ScanError, match="cannot be read"):
        open_scan(tmp_path / "a.npz")


def test_npz_in_an_unusual_compression(tmp_path):
    path = npz(tmp_path)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as new:
        for name, content in members.items():
            new.writestr(name, content)
    with pytest.raises(ScanError, match="unusual compression"):
        open_scan(path)
