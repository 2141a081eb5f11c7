"""Scans of .bcf maps: types, order, threads, detectors, times, overview."""

from __future__ import annotations

import base64
import struct
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.io import live_time_from_zero_peak, open_scan, open_spectra, read_mosaic
from lithoscope.io.bruker import hypermap, packed, row_stream
from lithoscope.io.bruker.row_stream import RowStream

PACKINGS = ("pulses16", "pulses12", "runs")
RNG = np.random.default_rng(3)


def all_counts(scan: Scan, rows: int = 5) -> np.ndarray:
    return np.concatenate([counts for _, counts in scan.blocks(rows)])


def write_mixed(path: Path, write_bcf, counts: np.ndarray, **facts) -> Path:
    """Write a map whose pixels take turns in how they are packed, from right to left."""
    pack = [write_bcf.packings[name] for name in PACKINGS]
    rows = [
        [pack[(x + y) % 3](x, spectrum) for x, spectrum in reversed(list(enumerate(row)))]
        for y, row in enumerate(counts)
    ]
    files = {
        "HeaderData": write_bcf.header_xml(counts.shape[2]).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows(counts.shape[:2], rows),
    }
    path.write_bytes(write_bcf.container_bytes(files, **facts))
    return path


@pytest.fixture
def tiny_pieces(monkeypatch):
    """Cut everything into pieces that are as small as possible, to see all of the seams."""
    monkeypatch.setattr(row_stream, "_WINDOW", 64)
    monkeypatch.setattr(hypermap, "_BYTES_AT_ONCE", 50)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("chunk", [1100, 4096])
def test_no_seam_shows(tmp_path, write_bcf, tiny_pieces, compress, chunk):
    counts = RNG.poisson(0.8, (9, 7, 60))
    counts[2, 3] += 300
    path = write_mixed(tmp_path / "a.bcf", write_bcf, counts, compress=compress, chunk=chunk)
    for rows in (1, 4, 9):
        np.testing.assert_array_equal(all_counts(open_scan(path), rows), counts)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 300)),
    mean=st.sampled_from([0.02, 1.0, 30.0]),
    bright=st.sampled_from([0, 270, 65_535, 65_536, 70_000]),
    seed=st.integers(0, 1000),
)
def test_any_mixture_comes_back(tmp_path_factory, write_bcf, shape, mean, bright, seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean, shape)
    # Only runs hold more than 65 535 events.
    if shape[1] > 2:
        counts[0, 2, rng.integers(shape[2])] += bright
    path = write_mixed(tmp_path_factory.mktemp("a") / "a.bcf", write_bcf, counts)
    np.testing.assert_array_equal(all_counts(open_scan(path), 2), counts)


def test_each_block_has_the_smallest_type_that_holds_it(tmp_path, write_bcf):
    counts = np.zeros((6, 3, 20), dtype=np.int64)
    counts[1, 1, 4] = 65_535
    counts[2, 0, 4] = 70_000
    counts[4, 2, 19] = 65_536
    scan = open_scan(write_bcf(tmp_path / "a.bcf", counts, packing="runs"))
    blocks = [block for _, block in scan.blocks(2)]
    assert [block.dtype for block in blocks] == [np.uint16, np.uint32, np.uint32]
    np.testing.assert_array_equal(np.concatenate(blocks), counts)
    # What is asked for, not how it is stored, decides.
    assert scan.rows(3, 4).dtype == np.uint16


def test_a_pixel_of_many_pulses_in_many_channels_needs_no_larger_type(tmp_path, write_bcf):
    counts = np.full((1, 2, 600), 100)
    path = write_bcf(tmp_path / "a.bcf", counts, counts)
    assert open_scan(path).rows(0, 1).dtype == np.uint16


@pytest.mark.parametrize(
    ("each", "kind"), [(40_000, np.uint32), (32_767, np.uint16), ((1 << 32) - 1, np.uint64)]
)
def test_sums_of_detectors_do_not_wrap(tmp_path, write_bcf, each, kind):
    counts = np.zeros((2, 3, 20), dtype=np.int64)
    counts[1, 2, 7] = each
    path = write_bcf(tmp_path / "a.bcf", counts, counts, packing="runs")
    scan = open_scan(path)
    assert scan.rows(0, 1).dtype == np.uint16
    assert scan.rows(1, 2).dtype == kind
    assert scan.rows(1, 2)[0, 2, 7] == 2 * each
    assert scan.region(np.ones((2, 3), dtype=bool)).counts[7] == 2 * each


def test_late_pulses_may_overflow_what_runs_hold(tmp_path, write_bcf):
    spectrum = np.array([65_535, 3])
    row = [write_bcf.pixel_of_runs(0, spectrum, extra=[0, 1, 0])]
    files = {
        "HeaderData": write_bcf.header_xml(2).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows((1, 1), [row]),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    counts = open_scan(tmp_path / "a.bcf").rows(0, 1)
    assert counts.dtype == np.uint32
    assert counts.tolist() == [[[65_537, 4]]]


def test_an_absurd_count_names_its_pixel(tmp_path, write_bcf):
    body = b"\x08\x02" + b"\xff" * 8 + b"\x01\0\0\0\0\0\0\0"
    pixel = struct.pack("<IHHIHHHI", 1, 2, 2, 0, 2, 0, 0, len(body) + 4) + body + bytes(4)
    sound = write_bcf.pixel_of_runs(0, np.array([1, 2]))
    files = {
        "HeaderData": write_bcf.header_xml(2).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows((2, 2), [[sound], [sound, pixel]]),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    scan = open_scan(tmp_path / "a.bcf")
    np.testing.assert_array_equal(scan.rows(0, 1)[0, 0], [1, 2])
    with pytest.raises(
        ScanError, match=r"in pixel 1 of row 1, one channel .* more than 4294967295"
    ):
        scan.rows(0, 2)


def test_heads_are_walked_once(tmp_path, write_bcf, monkeypatch):
    counts = RNG.poisson(1, (9, 4, 30))
    path = write_bcf(tmp_path / "a.bcf", counts)
    walked = []
    walk = RowStream.walk

    def watched(self, number, start):
        walked.append(number)
        return walk(self, number, start)

    monkeypatch.setattr(RowStream, "walk", watched)
    scan = open_scan(path)
    np.testing.assert_array_equal(scan.spectrum(4, 1).counts, counts[4, 1])
    assert walked == [0, 1, 2, 3, 4]
    for y in (2, 4, 0):
        np.testing.assert_array_equal(scan.spectrum(y, 3).counts, counts[y, 3])
    np.testing.assert_array_equal(scan.spectrum(6, 0).counts, counts[6, 0])
    assert walked[5:] == [2, 4, 0, 5, 6]


@pytest.mark.parametrize("compress", [False, True])
def test_threads_read_rows_in_any_order(tmp_path, write_bcf, compress):
    counts = RNG.poisson(1, (40, 6, 50))
    scan = open_scan(write_mixed(tmp_path / "a.bcf", write_bcf, counts, compress=compress))
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 4)).tolist()
    barrier = threading.Barrier(8)

    def read(rows: list[int]) -> list[np.ndarray]:
        barrier.wait()
        return [scan.rows(row, row + 1)[0] for row in rows]

    with ThreadPoolExecutor(8) as pool:
        parts = [order[start::8] for start in range(8)]
        for rows, found in zip(parts, pool.map(read, parts), strict=True):
            np.testing.assert_array_equal(found, counts[rows])


def test_to_dask_reads_a_file_in_threads(tmp_path, write_bcf):
    counts = RNG.poisson(1, (30, 6, 50))
    scan = open_scan(write_bcf(tmp_path / "a.bcf", counts, compress=True))
    np.testing.assert_array_equal(scan.to_dask(rows=2).compute(scheduler="threads"), counts)


def test_only_some_rows_are_held(tmp_path, write_bcf):
    spectrum = np.zeros(4096, dtype=np.int64)
    spectrum[::512] = 1
    row = [write_bcf.packings["pulses16"](x, spectrum) for x in range(50)]
    files = {
        "HeaderData": write_bcf.header_xml(4096).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows((200, 50), [row] * 200),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    scan = open_scan(tmp_path / "a.bcf")
    scan.rows(0, 4)
    tracemalloc.start()
    for _, counts in scan.blocks(4):
        assert counts.sum() == 4 * 50 * 8
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All counts take 82 MB, a block 1.6; what is being unpacked comes on top.
    assert peak < 16e6


def three_detectors(tmp_path, write_bcf) -> tuple[Path, np.ndarray]:
    counts = RNG.poisson(1, (3, 4, 5, 30))
    start, *spectra = write_bcf.header_xml(30, detectors=3).split("<CalibAbs>-0.955")
    xml = start + "".join(f"<CalibAbs>-0.95{5 + i}{rest}" for i, rest in enumerate(spectra))
    return write_bcf(tmp_path / "a.bcf", *counts, xml=xml), counts


def test_detectors_apart(tmp_path, write_bcf):
    path, counts = three_detectors(tmp_path, write_bcf)
    scans = open_scan(path, detectors="separate")
    assert isinstance(scans, tuple)
    assert [scan.detectors for scan in scans] == [1, 1, 1]
    for number, scan in enumerate(scans):
        np.testing.assert_array_equal(all_counts(scan), counts[number])
        np.testing.assert_array_equal(all_counts(open_scan(path, detectors=number)), counts[number])
        assert scan.title == f"Grünschiefer, detector {number}"
    # Each has the axis that its own header gives.
    assert len({scan.axis.offset_keV for scan in scans}) == 3
    total = open_scan(path)
    np.testing.assert_array_equal(all_counts(total), counts.sum(axis=0))
    assert (total.detectors, total.title) == (3, "Grünschiefer")


def test_the_instrument_has_as_many_detectors_as_the_scan(tmp_path, write_bcf):
    counts = np.ones((2, 2, 3, 30), dtype=np.int64)
    path = write_bcf(tmp_path / "a.bcf", *counts)
    assert open_scan(path).instrument.geometry.detectors == 2
    assert open_scan(path, detectors=1).instrument.geometry.detectors == 1


def test_eleven_detectors_are_in_the_order_of_their_numbers(tmp_path, write_bcf):
    counts = RNG.poisson(1, (11, 2, 3, 20))
    path = write_bcf(tmp_path / "a.bcf", *counts)
    np.testing.assert_array_equal(all_counts(open_scan(path, detectors=2)), counts[2])
    np.testing.assert_array_equal(all_counts(open_scan(path, detectors=10)), counts[10])


@pytest.mark.parametrize("detectors", [3, -1, "first"])
def test_unknown_detectors(tmp_path, write_bcf, detectors):
    path, _ = three_detectors(tmp_path, write_bcf)
    with pytest.raises(ScanError, match=r"'sum', 'separate', or one of 0, 1, 2"):
        open_scan(path, detectors=detectors)


def test_other_formats_have_one_detector(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, counts=np.ones((2, 2, 8)), energy_keV=0.1 * np.arange(8))
    (scan,) = open_scan(path, detectors="separate")
    assert scan.shape == open_scan(path, detectors=0).shape == (2, 2)
    with pytest.raises(ScanError, match="no detector 1"):
        open_scan(path, detectors=1)


def test_a_detector_that_the_header_leaves_out_is_noted(tmp_path, write_bcf):
    first, second = RNG.poisson(1, (2, 4, 5, 30))
    path = write_bcf(tmp_path / "a.bcf", first, second, xml=write_bcf.header_xml(30, detectors=1))
    scan = open_scan(path)
    np.testing.assert_array_equal(all_counts(scan), first + second)
    assert any("describes 1 detectors" in line for line in scan.warnings)


def image(name: str, planes: list[bytes], shape: tuple[int, int], size: int) -> str:
    data = "".join(
        f"<Plane{i}><Data>{base64.b64encode(plane).decode()}</Data></Plane{i}>"
        for i, plane in enumerate(planes)
    )
    return (
        f'<ClassInstance Type="TRTImageData" Name="{name}"><ItemSize>{size}</ItemSize>'
        f"<Width>{shape[1]}</Width><Height>{shape[0]}</Height>"
        f"<PlaneCount>{len(planes)}</PlaneCount>{data}</ClassInstance>"
    )


def with_parts(write_bcf, n_channels: int, parts: str, **facts) -> str:
    xml = write_bcf.header_xml(n_channels, **facts)
    return xml.replace("<SpectrumData0>", f"{parts}<SpectrumData0>", 1)


def scan_with(tmp_path, write_bcf, parts: str, shape=(2, 3), **facts) -> Scan:
    xml = with_parts(write_bcf, 30, parts, **facts)
    counts = np.ones((*shape, 30), dtype=np.int64)
    return open_scan(write_bcf(tmp_path / "a.bcf", counts, xml=xml))


def test_pixel_times_are_live_times_once_dead_time_is_taken_off(tmp_path, write_bcf):
    # The first column took 59 % of the time of the others, as in a file of the field.
    times = np.array([[5900, 10_000, 10_000], [5900, 10_000, 10_020]], dtype="<u4")
    part = image("PixelTimes", [times.tobytes()], (2, 3), 4)
    scan = scan_with(tmp_path, write_bcf, part)
    # The hardware was live for 900 of 1000 ms.
    np.testing.assert_allclose(scan.live_time_s, times * 0.9e-6)
    assert scan.spectrum(1, 2).live_time_s == pytest.approx(0.009018)
    assert scan.region(np.ones((2, 3), dtype=bool)).live_time_s == pytest.approx(0.0466380)


def test_dead_time_that_is_not_known_is_noted(tmp_path, write_bcf):
    times = np.full((2, 3), 5000, dtype="<u4")
    part = image("PixelTimes", [times.tobytes()], (2, 3), 4)
    xml = with_parts(write_bcf, 30, part).replace("<LifeTime>900<", "<LifeTime>1900<")
    scan = open_scan(write_bcf(tmp_path / "a.bcf", np.ones((2, 3, 30), dtype=np.int64), xml=xml))
    np.testing.assert_allclose(scan.live_time_s, 0.005)
    assert any("no dead time" in line for line in scan.warnings)


@pytest.mark.parametrize("times", [np.zeros((2, 3), "<u4"), np.ones((2, 2), "<u4")])
def test_pixel_times_that_are_none(tmp_path, write_bcf, times):
    part = image("PixelTimes", [times.tobytes()], times.shape, 4)
    scan = scan_with(tmp_path, write_bcf, part)
    assert scan.live_time_s is None
    assert any("times are of 2 x 2 pixels" in line for line in scan.warnings) == times.any()


def test_rows_that_were_scanned_more_often_are_noted(tmp_path, write_bcf):
    assert not any("scanned" in line for line in scan_with(tmp_path, write_bcf, "").warnings)
    scan = scan_with(tmp_path, write_bcf, "<LineCounter>3,2</LineCounter>")
    assert any("scanned 2 to 3 times" in line for line in scan.warnings)


def test_zero_peak_of_real_spectra_is_their_live_time(data_folder):
    # The machine's own live time; it stands in the header beside the frequency of 10 kHz.
    for path in data_folder.glob("*.spx"):
        (spectrum,) = open_spectra(path)
        scan = Scan.from_counts(
            np.stack([spectrum.counts, 2 * spectrum.counts])[None],
            spectrum.axis,
            metadata={"zero_peak_frequency_hz": 10_000},
        )
        live_time = live_time_from_zero_peak(scan)
        assert live_time.shape == (1, 2)
        assert live_time[0, 0] == pytest.approx(spectrum.live_time_s, rel=0.005)
        assert live_time[0, 1] == 2 * live_time[0, 0]


def test_zero_peak_of_two_detectors_is_their_mean(tmp_path, write_bcf):
    counts = np.zeros((2, 1, 2, 150), dtype=np.int64)
    counts[0, 0, :, 95] = [300, 500]
    counts[1, 0, :, 96] = [100, 500]
    counts[:, 0, :, 140] = 77
    xml = write_bcf.header_xml(150, detectors=2).replace(
        "<LifeTime>900</LifeTime>",
        "<LifeTime>900</LifeTime><ZeroPeakFrequency>10000</ZeroPeakFrequency>",
    )
    scan = open_scan(write_bcf(tmp_path / "a.bcf", *counts, xml=xml))
    np.testing.assert_allclose(live_time_from_zero_peak(scan), [[0.02, 0.05]])


@pytest.mark.parametrize("offset", [-0.955, 0.0])
def test_without_a_zero_peak(offset):
    facts = {"zero_peak_frequency_hz": 10_000} if offset == 0 else {}
    scan = Scan.from_counts(np.ones((1, 1, 200)), EnergyAxis(offset, 0.01, 200), metadata=facts)
    with pytest.raises(ScanError, match="no zero peak"):
        live_time_from_zero_peak(scan)


def overview(inner: str) -> str:
    return (
        '<ClassInstance Type="TRTContainerClass"><ChildClassInstances>'
        '<ClassInstance Type="TRTContainerClass" Name="OverviewImages"><ChildClassInstances>'
        f"{inner}</ChildClassInstances></ClassInstance></ChildClassInstances></ClassInstance>"
    )


GREY = RNG.integers(1, 1 << 16, (4, 6)).astype("<u2")
COLOUR = RNG.integers(1, 256, (4, 6, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ("", None),
        (image("a map", [GREY.tobytes()], (4, 6), 2), None),
        (overview(image("42", [GREY.tobytes()], (4, 6), 2)), GREY),
        (image("Mosaic image", [COLOUR.tobytes()], (4, 6), 3), COLOUR),
        (
            image("mosaic", [plane.tobytes() for plane in COLOUR.transpose(2, 0, 1)], (4, 6), 1),
            COLOUR,
        ),
        (overview(image("42", [GREY.tobytes()[:-1]], (4, 6), 2)), None),
        (overview(image("42", [bytes(48)], (4, 6), 2)), None),
        (overview(image("42", [], (4, 6), 2)), None),
        (overview(image("42", [GREY.tobytes()], (-4, 6), 2)), None),
        (overview(image("42", [GREY.tobytes()], (1 << 30, 1 << 30), 2)), None),
        (overview(image("42", [GREY.tobytes()], (4, 6), 9)), None),
        (overview(image("42", [GREY.tobytes()], (4, 6), 2)).replace("<Data>", "<Data>ü"), None),
    ],
)
def test_mosaic(tmp_path, write_bcf, parts, expected):
    scan_with(tmp_path, write_bcf, parts)
    mosaic = read_mosaic(tmp_path / "a.bcf")
    if expected is None:
        assert mosaic is None
    else:
        np.testing.assert_array_equal(mosaic, expected)


def test_a_map_of_another_size_than_the_header_tells_is_refused(tmp_path, write_bcf):
    part = '<ClassInstance Type="TRTImageData"><Width>3</Width><Height>{}</Height></ClassInstance>'
    assert scan_with(tmp_path, write_bcf, part.format(2)).shape == (2, 3)
    with pytest.raises(ScanError, match=r"header tells of \(9, 3\) pixels"):
        scan_with(tmp_path, write_bcf, part.format(9))


def test_stage_and_header_facts(tmp_path, write_bcf):
    part = '<ClassInstance Type="TRTSEMStageData"><X>67358,85</X><Y>-2</Y><Z>38</Z></ClassInstance>'
    facts = scan_with(tmp_path, write_bcf, part).metadata
    assert facts["stage_um"] == (67358.85, -2.0, 38.0)
    assert facts["xrf_header"]["ChassisType"] == ("XS-52",)
    assert facts["hardware_header"]["LifeTime"] == ("900",)
    assert facts["spectrum_header"]["CalibLin"] == ("0.01",)


def test_a_header_without_steps_is_noted(tmp_path, write_bcf):
    assert any(
        "no distance" in line for line in scan_with(tmp_path, write_bcf, "", step="").warnings
    )


def test_a_map_without_any_pixel_is_noted(tmp_path, write_bcf):
    files = {
        "HeaderData": write_bcf.header_xml(20).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows((2, 4), [[], []]),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    scan = open_scan(tmp_path / "a.bcf")
    assert not all_counts(scan).any()
    assert any("none of its pixels" in line for line in scan.warnings)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_a_map_of_zero_pixels_is_refused(tmp_path, write_bcf, shape):
    files = {
        "HeaderData": write_bcf.header_xml(20).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows(shape, [[]]),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    with pytest.raises(ScanError, match=f"{shape[0]} rows of {shape[1]} pixels"):
        open_scan(tmp_path / "a.bcf")


def test_the_files_own_sum(tmp_path, write_bcf):
    counts = RNG.poisson(2, (2, 2, 3, 30))
    sums = [",".join(map(str, detector.sum(axis=(0, 1)))) for detector in counts]
    empty = f"<Channels>{','.join('0' * 30)}</Channels>"
    xml = write_bcf.header_xml(30, detectors=2)
    for own in sums:
        xml = xml.replace(empty, f"<Channels>{own}</Channels>", 1)
    path = write_bcf(tmp_path / "a.bcf", *counts, xml=xml)
    np.testing.assert_array_equal(open_scan(path).sum_spectrum, counts.sum(axis=(0, 1, 2)))
    np.testing.assert_array_equal(
        open_scan(path, detectors=1).sum_spectrum, counts[1].sum(axis=(0, 1))
    )


@pytest.mark.filterwarnings("ignore:.*the header gives no")
def test_the_machine_that_wrote_a_map_is_simulated(tmp_path, write_bcf, lithoscope):
    path = write_bcf(tmp_path / "a.bcf", np.ones((2, 3, 30), dtype=np.int64))
    out = tmp_path / "out.msa"
    # What the header contradicts, and what it lacks.
    with (
        pytest.warns(UserWarning, match=r"a\.bcf: the header says Air at 2 mbar; taken for vacuum"),
        pytest.warns(UserWarning, match=r"a\.bcf: the header gives no thickness of the detector"),
    ):
        status, said, complaints = lithoscope("simulate", "quartz", "--instrument", path, "-o", out)
    assert status == 0, complaints
    assert "Bruker XS-52" in said
    (spectrum,) = open_spectra(out)
    assert spectrum.axis == open_scan(path).axis


def test_packed_pixels_keep_their_order():
    table = np.array([[0, 2, 3, 7], [0, 1, 2, 0], [4, 3, 2, 1], [0, 10, 20, 30], [9, 19, 29, 39]])
    pixels = packed.PackedPixels(np.zeros(40, dtype=np.uint8), table)
    assert pixels.of(slice(1, 3)).cells.tolist() == [2, 3]
    assert pixels.moved(5).cells.tolist() == [5, 7, 8, 12]
    assert pixels.n_bytes == 36
