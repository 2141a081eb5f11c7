"""Maps that are written: our reader and RosettaSciIO get back what went in, in every packing."""

from __future__ import annotations

import base64
import dataclasses
import json
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import (
    Atmosphere,
    Detector,
    Geometry,
    Instrument,
    Layer,
    Polycapillary,
    Tube,
)
from lithoscope.errors import InvalidValueError, OutputError
from lithoscope.io import load_instrument, open_scan, write_bcf
from lithoscope.io.bruker.container import SfsContainer
from lithoscope.io.bruker.container_writer import SfsWriter
from lithoscope.io.bruker.pixel_writer import ENCODINGS
from lithoscope.io.bruker.run_writer import pack_runs
from lithoscope.io.bruker.xml_tree import parse_xml

RNG = np.random.default_rng(20)
PIXEL = struct.Struct("<IHHIHHHI")
RUNS = 2
ARGUMENTS = {"instrument": Instrument("probe"), "pixel_size_mm": (0.03, 0.02), "title": "Probe"}


def write(path: Path, counts: np.ndarray, **changes) -> Path:
    """Write counts of shape (y, x, channel) or (y, x, detector, channel)."""
    arguments = {
        "rows": [counts],
        "shape": counts.shape[:2],
        "axis": EnergyAxis(-0.955, 0.01, counts.shape[-1]),
        "detectors": counts.shape[2] if counts.ndim == 4 else 1,
        **ARGUMENTS,
        **changes,
    }
    write_bcf(path, **arguments)
    return path


def read(path: Path) -> np.ndarray:
    return np.concatenate([counts for _, counts in open_scan(path).blocks(3)])


def pixels(path: Path) -> Iterator[tuple[int, ...]]:
    """Yield flag, pulses and bytes of each pixel of the first detector."""
    with SfsContainer(path) as container:
        stream = container.stream("EDSDatabase/SpectrumData0")
        raw = stream.read(0, stream.size)
    height, _ = struct.unpack_from("<ii", raw)
    at = 0x1A0
    for _ in range(height):
        (number,) = struct.unpack_from("<I", raw, at)
        at += 4
        for _ in range(number):
            _, _, _, _, flag, _, n_pulses, size = PIXEL.unpack_from(raw, at)
            at += PIXEL.size + size + (2 * n_pulses if flag >= RUNS else 0)
            yield flag, n_pulses, size
    assert at == len(raw)


def header(path: Path):
    with SfsContainer(path) as container:
        raw = container.read("EDSDatabase/HeaderData", limit=1 << 24)
    return parse_xml(raw, where="here", error=OutputError)


@st.composite
def maps(draw) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of all sizes, (y, x, detector, channel), and which pixels are missing."""
    shape = (
        draw(st.integers(1, 5)),
        draw(st.integers(1, 5)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 40) | st.sampled_from([254, 255, 700])),
    )
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    counts = rng.poisson(draw(st.sampled_from([0.05, 1.0, 20.0, 900.0])), shape)
    counts *= rng.random(shape) < draw(st.sampled_from([0.05, 0.5, 1.0]))
    if draw(st.booleans()):
        counts.flat[rng.integers(counts.size)] = draw(st.sampled_from([65_536, 70_000, 1 << 27]))
    missing = rng.random(shape[:2]) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    counts[missing] = 0
    return counts, missing


@settings(max_examples=120, deadline=None)
@given(
    map_=maps(),
    encoding=st.sampled_from(ENCODINGS),
    chunk_bytes=st.sampled_from([4096, 65536]),
    compressed=st.booleans(),
    block=st.integers(1, 5),
)
def test_any_map_comes_back(tmp_path_factory, map_, encoding, chunk_bytes, compressed, block):
    counts, missing = map_
    given_counts = counts[:, :, 0] if counts.shape[2] == 1 else counts
    path = write(
        tmp_path_factory.mktemp("bcf") / "a.bcf",
        counts,
        rows=(given_counts[first : first + block] for first in range(0, len(counts), block)),
        encoding=encoding,
        chunk_bytes=chunk_bytes,
        compressed=compressed,
        missing=missing,
    )
    np.testing.assert_array_equal(read(path), counts.sum(axis=2))
    assert len(list(pixels(path))) == np.count_nonzero(~missing)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_above_65535_events_a_pixel_is_runs(tmp_path, encoding):
    counts = np.zeros((1, 3, 50), dtype=np.int64)
    counts[0, :, 7] = [65_535, 65_536, 70_000]
    path = write(tmp_path / "a.bcf", counts, encoding=encoding, chunk_bytes=65536)
    np.testing.assert_array_equal(read(path), counts)
    flags = [flag for flag, _, _ in pixels(path)]
    assert flags[1:] == [RUNS, RUNS]
    assert flags[0] == {"pulses16": 0, "pulses12": 1}.get(encoding, RUNS)


LIMITS = [0, 1, 15, 16, 17, 255, 256, 257, 511, 512, 65_535, 65_536, 65_791, 65_792, 1 << 27]


@settings(max_examples=200, deadline=None)
@given(
    spectra=st.lists(
        st.lists(st.sampled_from(LIMITS) | st.integers(0, 1000), min_size=30, max_size=30),
        min_size=1,
        max_size=4,
    ),
    repeated=st.integers(1, 20),
)
def test_any_spectra_survive_runs(unpack, spectra, repeated):
    expected = np.repeat(np.array(spectra), repeated, axis=1)
    bodies = pack_runs(expected)
    np.testing.assert_array_equal(unpack(bodies, expected.shape[1]), expected)
    # How a pixel is packed has nothing to do with those beside it.
    assert bodies == [pack_runs(row[None])[0] for row in expected]


@pytest.mark.parametrize(
    ("spectrum", "runs"),
    [
        ([0, 0, 0], []),
        ([0, 0, 3], [(0, 2), (1, 1)]),
        ([3, 0, 0], [(1, 1)]),
        ([1, 0, 2] * 50, [(1, 150)]),
        ([200, 215], [(1, 2)]),
        ([200, 216], [(2, 2)]),
        ([300, 555], [(2, 2)]),
        ([300, 556], [(4, 2)]),
        ([70_000, 70_001], [(4, 1), (4, 1)]),
        ([1] * 10 + [0] * 10 + [1], [(1, 10), (0, 10), (1, 1)]),
        ([1] * 10 + [0] * 9 + [1], [(1, 20)]),
        ([1] * 255, [(1, 254), (1, 1)]),
    ],
)
def test_runs_are_as_short_as_counts_allow(spectrum, runs):
    (body,) = pack_runs(np.array([spectrum]))
    found = []
    while body:
        size, number = body[:2]
        found.append((size, number))
        body = body[2 + size + ((number + 1) // 2 if size == 1 else number * size // 2) :]
    assert found == runs


@pytest.mark.parametrize("chunk_bytes", [4096, 65536])
@pytest.mark.parametrize("compressed", [False, True])
def test_files_of_any_size_survive_the_container(tmp_path, chunk_bytes, compressed):
    usable = chunk_bytes - 32
    sizes = [1, 2, usable - 1, usable, usable + 1, 3 * usable, 0x80000, 0x80001, 1100 * usable]
    if chunk_bytes == 65536:
        sizes.pop()
    files = {f"file{number}": RNG.bytes(size) for number, size in enumerate(sizes)}
    path = tmp_path / "a.bcf"
    with path.open("wb") as stream:
        container = SfsWriter(stream, chunk_bytes=chunk_bytes, compressed=compressed)
        open_files = {name: container.open_file(name) for name in files}
        # Side by side, in pieces of all sizes.
        for start in range(0, max(sizes), 100_000):
            for name, file in open_files.items():
                file.write(files[name][start : start + 100_000])
        for file in open_files.values():
            file.close()
        container.finish()
    with SfsContainer(path) as written:
        for name, content in files.items():
            assert written.read(f"EDSDatabase/{name}", limit=1 << 24) == content


def test_ten_detectors(tmp_path):
    # More files than the tree holds in one chunk.
    counts = RNG.poisson(1, (2, 3, 10, 30))
    path = write(tmp_path / "a.bcf", counts)
    np.testing.assert_array_equal(read(path), counts.sum(axis=2))


@pytest.mark.parametrize("compressed", [False, True])
def test_pixels_of_ten_chunks(tmp_path, compressed):
    counts = RNG.poisson(5, (3, 2, 4000))
    path = write(tmp_path / "a.bcf", counts, encoding="pulses16", compressed=compressed)
    assert min(size for _, _, size in pixels(path)) > 9 * 4064
    np.testing.assert_array_equal(read(path), counts)


def test_pulses_after_runs(tmp_path):
    counts = RNG.poisson(4, (3, 4, 300))
    counts[0, 0] = 0
    path = write(tmp_path / "a.bcf", counts, encoding="runs+pulses")
    np.testing.assert_array_equal(read(path), counts)
    stored = list(pixels(path))
    assert {flag for flag, _, _ in stored} == {RUNS}
    assert [number for _, number, _ in stored] == (counts.sum(axis=2) // 8).ravel().tolist()


def test_pulses_after_runs_are_no_more_than_the_head_can_count(tmp_path):
    counts = np.zeros((1, 1, 9), dtype=np.int64)
    counts[0, 0, [2, 5]] = 600_000
    path = write(tmp_path / "a.bcf", counts, encoding="runs+pulses")
    np.testing.assert_array_equal(read(path), counts)
    assert [number for _, number, _ in pixels(path)] == [65_535]


def test_auto_takes_the_shortest(tmp_path):
    counts = np.zeros((1, 2, 4096), dtype=np.int64)
    counts[0, 0, ::400] = 1
    counts[0, 1] = RNG.poisson(7, 4096)
    sizes = {
        encoding: [
            size for _, _, size in pixels(write(tmp_path / "a.bcf", counts, encoding=encoding))
        ]
        for encoding in ("auto", "pulses12", "pulses16", "runs")
    }
    assert sizes["auto"] == [min(column) for column in zip(*sizes.values(), strict=True)]
    assert sizes["auto"] == [sizes["pulses12"][0], sizes["runs"][1]]
    # Eleven isolated events, and nibbles of which few exceed 15.
    assert sizes["auto"][0] == 18
    assert sizes["auto"][1] < 0.6 * 4096


def test_more_channels_than_12_bits_reach(tmp_path):
    counts = np.zeros((1, 1, 5000), dtype=np.int64)
    counts[0, 0, [4095, 4096, 4999]] = 1
    path = write(tmp_path / "a.bcf", counts)
    np.testing.assert_array_equal(read(path), counts)


def test_pointer_tables_over_several_chunks(tmp_path):
    counts = np.zeros((6, 8, 20), dtype=np.int64)
    counts[:, :, 3] = 50_000
    path = write(tmp_path / "a.bcf", counts, encoding="pulses16")
    assert path.stat().st_size > 4096 * 1016
    np.testing.assert_array_equal(read(path), counts)


def test_a_map_is_never_held(tmp_path):
    shape, n_channels = (40, 60), 2048
    rng = np.random.default_rng(3)
    blocks = (rng.poisson(0.05, (2, shape[1], n_channels)) for _ in range(shape[0] // 2))
    tracemalloc.start()
    write_bcf(
        tmp_path / "a.bcf",
        rows=blocks,
        shape=shape,
        axis=EnergyAxis(0, 0.02, n_channels),
        encoding="pulses12",
        **ARGUMENTS,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.3 * 8 * shape[0] * shape[1] * n_channels


def test_the_same_counts_give_the_same_file(tmp_path):
    counts = RNG.poisson(1, (3, 4, 100))
    first, second = (write(tmp_path / name, counts).read_bytes() for name in ("a.bcf", "b.bcf"))
    assert first == second


def test_facts_of_the_map(tmp_path):
    times = RNG.uniform(0.1, 0.2, (4, 3))
    path = write(
        tmp_path / "a.bcf",
        np.ones((4, 3, 20), dtype=np.uint8),
        title="Grünschiefer\x00<&>\t片岩\n",
        live_time_s=0.7,
        pixel_times=times,
    )
    scan = open_scan(path)
    assert scan.title == "Grünschiefer <&> 片岩 (synthetic)"
    assert scan.axis == EnergyAxis(-0.955, 0.01, 20)
    assert scan.pixel_size_mm == pytest.approx((0.03, 0.02))
    assert not scan.electron_beam
    assert scan.metadata["real_time_s"] == pytest.approx(times.sum())
    (image,) = header(path).findall(".//ClassInstance[@Name='PixelTimes']")
    stored = np.frombuffer(base64.b64decode(image.findtext("Plane0/Data")), dtype="<u4")
    np.testing.assert_array_equal(stored, np.rint(1e6 * times).ravel())
    assert header(path).findtext(".//LifeTime") == "700.0"


def test_sum_spectra_of_each_detector_stand_in_the_header(tmp_path):
    counts = RNG.poisson(2, (3, 4, 2, 30))
    root = header(write(tmp_path / "a.bcf", counts))
    assert root.findtext(".//DetectorCount") == "2"
    for number in (0, 1):
        text = root.findtext(f".//SpectrumData{number}/ClassInstance/Channels")
        assert list(map(int, text.split(","))) == counts[:, :, number].sum(axis=(0, 1)).tolist()


def test_a_title_is_marked_once(tmp_path):
    counts = np.ones((1, 1, 3), dtype=np.uint8)
    title = open_scan(write(tmp_path / "a.bcf", counts, title="")).title
    assert title == "(synthetic)"
    assert open_scan(write(tmp_path / "a.bcf", counts, title=title)).title == title


BEAM = Instrument(
    "Bruker XS-52",
    tube=Tube("W", 35, 80, 10, 0.2, filters=(Layer("Al", 100, 2.6989), Layer("Ti", 25, 4.54))),
    optic=None,
    geometry=Geometry(90, 60, 150, 0.01),
    atmosphere=Atmosphere("helium", 1000, 13, 16),
    detector=Detector(500, 0.05, noise_keV=0.08, fano=0.12),
)


@pytest.mark.parametrize(
    "instrument", [BEAM, load_instrument("m4-tornado"), load_instrument("pixl-breadboard")]
)
@pytest.mark.filterwarnings("error")
def test_instruments_come_back(tmp_path, instrument):
    axis = EnergyAxis(-0.9, 0.02, 40)
    path = write(
        tmp_path / "a.bcf", np.ones((1, 1, 40), dtype=np.uint8), instrument=instrument, axis=axis
    )
    ours = load_instrument(path)
    default = load_instrument("m4-tornado")
    assert ours.name == f"Bruker {instrument.name.removeprefix('Bruker ')}"
    assert ours.axis == axis
    # What a header has no place for comes from the M4 Tornado.
    tube = dataclasses.replace(
        instrument.tube,
        solid_angle_sr=default.tube.solid_angle_sr,
        k_line_factor=default.tube.k_line_factor,
    )
    # The map is that of one detector.
    geometry = dataclasses.replace(
        instrument.geometry, scattering_angle_deg=ours.geometry.scattering_angle_deg, detectors=1
    )
    assert_close(ours.tube, tube)
    assert_close(ours.geometry, geometry)
    assert_close(ours.atmosphere, instrument.atmosphere)
    assert ours.optic == (default.optic if instrument.optic else None)
    for name in ("thickness_um", "dead_layer_um", "window", "noise_keV", "fano"):
        assert_close(getattr(ours.detector, name), getattr(instrument.detector, name))


def assert_close(ours, theirs) -> None:
    """Compare dataclasses or their values, numbers up to rounding."""
    if dataclasses.is_dataclass(ours):
        for field in dataclasses.fields(ours):
            assert_close(getattr(ours, field.name), getattr(theirs, field.name))
    elif isinstance(ours, tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_close(one, other)
    else:
        assert ours == (theirs if isinstance(theirs, str) else pytest.approx(theirs, rel=1e-4))


@pytest.mark.filterwarnings("ignore:.*(density of a polymer|taken for vacuum)")
def test_compounds_become_elements_of_the_same_mass(tmp_path):
    window = (Layer("C10H8O4", 0.3, 1.38), Layer("Al", 0.04, 2.7))
    instrument = Instrument("probe", detector=Detector(window=window))
    counts = np.ones((1, 1, 40), dtype=np.uint8)
    ours = load_instrument(write(tmp_path / "a.bcf", counts, instrument=instrument))
    expected = {
        symbol: fraction * layer.mass_thickness_g_cm2
        for layer in window
        for symbol, fraction in layer.composition
    }
    found = {layer.formula: layer.mass_thickness_g_cm2 for layer in ours.detector.window}
    assert found == pytest.approx(expected)


def test_a_lens_is_named_and_a_bare_collimator_too(tmp_path):
    counts = np.ones((1, 1, 40), dtype=np.uint8)
    for optic, name in ((None, "Collimator"), (Polycapillary(1, 9, 4), "Lens")):
        instrument = Instrument("probe", optic=optic)
        root = header(write(tmp_path / "a.bcf", counts, instrument=instrument))
        assert root.findtext(".//ClassInstance[@Type='TRTXrfHeader']/Optic") == name


THEIRS = """
import json, sys, warnings
import numpy as np
from rsciio.bruker import file_reader
warnings.simplefilter("ignore")
for path in sys.argv[1:]:
    signals = file_reader(path, select_type="spectrum_image", index="all")
    np.savez(path + ".npz", *(signal["data"] for signal in signals))
    first = signals[0]
    facts = {
        "axes": first["axes"],
        "title": first["metadata"]["Sample"]["name"],
        "machine": first["metadata"]["Acquisition_instrument"]["SEM"],
    }
    with open(path + ".json", "w") as stream:
        json.dump(facts, stream)
"""


def read_by_rosettasciio(paths: list[Path]) -> None:
    """Read in another process, since their parser can crash; results lie beside the files."""
    subprocess.run([sys.executable, "-c", THEIRS, *map(str, paths)], check=True, timeout=120)


def test_rosettasciio_agrees(tmp_path):
    # Within its limits: no pixel larger than a chunk, and no count far above the mean.
    counts = {}
    for encoding in ENCODINGS:
        for compressed in (False, True):
            for chunk_bytes in (4096, 65536):
                path = tmp_path / f"{encoding}-{compressed}-{chunk_bytes}.bcf"
                counts[path] = RNG.poisson(0.7, (5, 4, 2, 900))
                missing = RNG.random((5, 4)) < 0.2
                counts[path][missing] = 0
                write(
                    path,
                    counts[path],
                    encoding=encoding,
                    compressed=compressed,
                    chunk_bytes=chunk_bytes,
                    missing=missing,
                    live_time_s=3.0,
                )
    bright = tmp_path / "bright.bcf"
    counts[bright] = RNG.poisson(0.7, (5, 4, 1, 900))
    counts[bright][..., 30:40] = 60_000 + 10_000 * np.arange(10)
    write(bright, counts[bright][:, :, 0])
    read_by_rosettasciio(list(counts))
    for path, expected in counts.items():
        with np.load(f"{path}.npz") as theirs:
            for number in range(expected.shape[2]):
                np.testing.assert_array_equal(theirs[f"arr_{number}"], expected[:, :, number])
        np.testing.assert_array_equal(read(path), expected.sum(axis=2))


def test_rosettasciio_finds_the_same_facts(tmp_path):
    path = write(
        tmp_path / "a.bcf",
        RNG.poisson(1, (4, 3, 50)),
        title="Gneis",
        instrument=BEAM,
        live_time_s=2.5,
    )
    read_by_rosettasciio([path])
    theirs = json.loads(Path(f"{path}.json").read_text())
    assert theirs["title"] == "Gneis (synthetic)"
    assert theirs["axes"][0]["scale"] == 30.0
    assert (theirs["axes"][2]["offset"], theirs["axes"][2]["scale"]) == (-0.955, 0.01)
    assert theirs["machine"]["beam_energy"] == 35.0
    assert theirs["machine"]["Detector"]["EDS"]["live_time"] == 2.5


COUNTS = np.ones((3, 4, 20), dtype=np.int64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": [COUNTS[:2]]}, "2 rows of a map of 3"),
        ({"rows": []}, "0 rows of a map of 3"),
        ({"rows": [COUNTS, COUNTS[:1]]}, "0 rows are left"),
        ({"rows": [COUNTS[:, :3]]}, r"shape \(3, 3, 20\)"),
        ({"rows": [COUNTS[:, :, :19]]}, r"shape \(3, 4, 19\)"),
        ({"rows": [COUNTS[0]]}, r"shape \(4, 20\)"),
        ({"rows": [COUNTS], "detectors": 2}, r"shape \(3, 4, 20\)"),
        ({"rows": [COUNTS - 2]}, "Counts of -1 to -1"),
        ({"rows": [COUNTS << 32]}, "4294967295"),
        ({"rows": [COUNTS / 2]}, "type float64"),
        ({"missing": COUNTS[:, :, 0]}, "type int64"),
        ({"missing": np.zeros((4, 3), dtype=bool)}, r"shape \(4, 3\)"),
        ({"missing": np.ones((3, 4), dtype=bool)}, "Row 0 has counts in pixels"),
        ({"encoding": "pulses8"}, "'pulses8'"),
        ({"encoding": "pulses12", "axis": EnergyAxis(0, 0.01, 4097)}, "4097 channels"),
        ({"chunk_bytes": 8192}, "8192 bytes"),
        ({"detectors": 0}, "0 detectors"),
        ({"detectors": 11}, "11 detectors"),
        ({"shape": (0, 4)}, r"shape \(0, 4\)"),
        ({"shape": (70_000, 4)}, r"shape \(70000, 4\)"),
        ({"shape": (3, 0)}, r"shape \(3, 0\)"),
        ({"shape": (3, 4, 20)}, r"shape \(3, 4, 20\)"),
        ({"shape": (3, 1 << 23)}, "Rows of 8388608 pixels"),
        ({"axis": EnergyAxis(0, 0.001, 1 << 16)}, "65536 channels"),
        ({"pixel_size_mm": (0.1, 0.0)}, "pixel size"),
        ({"pixel_size_mm": (0.1,)}, "pixel size"),
        ({"live_time_s": 0.0}, "live time of 0.0"),
        ({"live_time_s": float("nan")}, "live time of nan"),
        ({"live_time_s": 13.0, "pixel_times": np.ones((3, 4))}, "took 12 s"),
        ({"pixel_times": np.ones(4)}, r"shape \(4,\)"),
        ({"pixel_times": -np.ones((3, 4))}, "-1.0 to -1.0"),
        ({"pixel_times": np.full((3, 4), 1e4)}, "10000.0"),
        ({"pixel_times": np.full((3, 4), np.nan)}, "nan"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, changes, message):
    (tmp_path / "a.bcf").write_bytes(b"before")
    with pytest.raises(InvalidValueError, match=message):
        write(tmp_path / "a.bcf", COUNTS, **changes)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bcf"]
    assert (tmp_path / "a.bcf").read_bytes() == b"before"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "nowhere" / "a.bcf", COUNTS)


def test_rows_that_fail_leave_nothing(tmp_path):
    def failing():
        yield COUNTS[:1]
        raise RuntimeError("out of samples")

    with pytest.raises(RuntimeError, match="out of samples"):
        write(tmp_path / "a.bcf", COUNTS, rows=failing())
    assert list(tmp_path.iterdir()) == []
