"""Maps from .bcf: counts against RosettaSciIO and against what was written, and every damage."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import ScanError
from lithoscope.io import open_scan
from lithoscope.io.bruker import pixel_codec
from lithoscope.io.bruker.container import SfsContainer
from lithoscope.io.bruker.damage import PixelError

REAL = ["over16bit.bcf", "16x16_12bit_packed_8bit.bcf", "P45_the_default_job.bcf"]


def all_counts(scan) -> np.ndarray:
    return np.concatenate([counts for _, counts in scan.blocks(5)])


@pytest.mark.parametrize("name", REAL)
def test_real_maps_are_as_rosettasciio_reads_them(data_folder, name):
    from rsciio.bruker import file_reader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signals = file_reader(
            str(data_folder / name), select_type="spectrum_image", index="all", instrument="SEM"
        )
    scan = open_scan(data_folder / name)
    np.testing.assert_array_equal(
        all_counts(scan), sum(signal["data"].astype(np.uint64) for signal in signals)
    )
    height, _, energy = signals[0]["axes"]
    assert (scan.axis.offset_keV, scan.axis.gain_keV) == (energy["offset"], energy["scale"])
    assert scan.axis.n_channels == energy["size"]
    assert scan.pixel_size_mm[0] == pytest.approx(height["scale"] / 1000)
    assert scan.electron_beam
    assert scan.instrument is None


def test_known_sums_of_real_maps(data_folder):
    # From the sum spectra that Bruker wrote into the header.
    scan = open_scan(data_folder / "P45_the_default_job.bcf")
    assert scan.shape == (75, 100)
    assert all_counts(scan).sum() == 165_941
    assert open_scan(data_folder / "over16bit.bcf").read_rows(0, 3).max() > 0xFFFF


def test_rows_can_be_read_in_any_order(data_folder):
    scan = open_scan(data_folder / "16x16_12bit_packed_8bit.bcf")
    whole = scan.read_rows(0, 16)
    other = open_scan(data_folder / "16x16_12bit_packed_8bit.bcf")
    for row in (9, 3, 15, 0):
        np.testing.assert_array_equal(other.read_rows(row, row + 1)[0], whole[row])


@pytest.mark.parametrize("packing", ["pulses16", "pulses12", "runs"])
@pytest.mark.parametrize("compress", [False, True])
def test_written_counts_come_back(tmp_path, write_bcf, packing, compress):
    counts = np.random.default_rng(1).poisson(2, (7, 5, 60))
    path = write_bcf(tmp_path / "a.bcf", counts, packing=packing, compress=compress)
    np.testing.assert_array_equal(all_counts(open_scan(path)), counts)


def test_runs_of_all_sizes_come_back(tmp_path, write_bcf):
    # RosettaSciIO 0.15 misreads runs of size 8: 2 000 000 comes back as 2.
    counts = np.zeros((1, 6, 28), dtype=np.int64)
    counts[0, 1, :7] = [9, 1, 2, 3, 4, 5, 24]
    counts[0, 2, 7:14] = [300, 100, 110, 120, 130, 140, 355]
    counts[0, 3, 14:21] = 70_000 + 9_000 * np.arange(7)
    counts[0, 4, 3] = 2_000_000
    counts[0, 5] = 1
    path = write_bcf(tmp_path / "a.bcf", counts, packing="runs")
    np.testing.assert_array_equal(all_counts(open_scan(path)), counts)


def test_a_bright_grain_does_not_wrap(tmp_path, write_bcf):
    # RosettaSciIO takes uint8 here, from the mean, and returns 184.
    counts = np.zeros((20, 20, 10), dtype=np.int64)
    counts[3, 4, 5] = 3000
    path = write_bcf(tmp_path / "a.bcf", counts)
    assert open_scan(path).read_rows(3, 4)[0, 4, 5] == 3000


def test_a_pixel_may_be_larger_than_a_chunk(tmp_path, write_bcf):
    # RosettaSciIO crashes here.
    counts = np.zeros((2, 2, 50), dtype=np.int64)
    counts[1, 0, 7] = 60_000
    path = write_bcf(tmp_path / "a.bcf", counts, chunk=4096)
    np.testing.assert_array_equal(all_counts(open_scan(path)), counts)


def test_two_detectors_are_summed(tmp_path, write_bcf):
    first, second = np.random.default_rng(2).poisson(1, (2, 4, 3, 30))
    path = write_bcf(tmp_path / "a.bcf", first, second)
    scan = open_scan(path)
    np.testing.assert_array_equal(all_counts(scan), first + second)
    assert scan.detectors == 2


def test_detectors_with_other_axes_are_noted(tmp_path, write_bcf):
    counts = np.ones((2, 2, 30), dtype=np.int64)
    xml = write_bcf.header_xml(30, detectors=2)
    before, after = xml.rsplit("<CalibAbs>-0.955", 1)
    path = write_bcf(tmp_path / "a.bcf", counts, counts, xml=f"{before}<CalibAbs>-0.935{after}")
    assert any("20.0 eV" in line for line in open_scan(path).warnings)


def test_missing_pixels_are_zero_and_extra_pulses_count(tmp_path, write_bcf):
    spectrum = np.arange(20)
    row = [write_bcf.pixel_of_runs(2, spectrum, extra=[5, 5, 19])]
    files = {
        "HeaderData": write_bcf.header_xml(20).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows((2, 4), [row, []]),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    expected = np.zeros((2, 4, 20))
    expected[0, 2] = spectrum
    expected[0, 2, [5, 19]] += [2, 1]
    np.testing.assert_array_equal(all_counts(open_scan(tmp_path / "a.bcf")), expected)


def test_facts_of_the_header(tmp_path, write_bcf):
    scan = open_scan(write_bcf(tmp_path / "a.bcf", np.ones((2, 3, 30), dtype=np.int64)))
    assert scan.shape == (2, 3)
    assert scan.title == "Grünschiefer"
    assert scan.axis == EnergyAxis(-0.955, 0.01, 30)
    assert scan.pixel_size_mm == pytest.approx((0.0305, 0.02))
    assert not scan.electron_beam
    assert scan.metadata["live_time_s"] == 0.9
    assert scan.instrument.name == "Bruker XS-52"
    assert scan.instrument.atmosphere.gas == "vacuum"
    assert any("Air at 2 mbar" in line for line in scan.warnings)


def test_without_xrf_header_or_steps(tmp_path, write_bcf):
    xml = write_bcf.header_xml(30, xrf="", step="")
    scan = open_scan(write_bcf(tmp_path / "a.bcf", np.ones((2, 3, 30), dtype=np.int64), xml=xml))
    assert scan.electron_beam
    assert scan.pixel_size_mm is None


def test_an_impossible_instrument_is_noted_and_left_out(tmp_path, write_bcf):
    xml = write_bcf.header_xml(30).replace("<Anode>45<", "<Anode>11<")
    scan = open_scan(write_bcf(tmp_path / "a.bcf", np.ones((2, 3, 30), dtype=np.int64), xml=xml))
    assert scan.instrument is None
    assert not scan.electron_beam
    assert "anode 'Na'" in scan.warnings[0]


@pytest.mark.parametrize(("offset", "gain"), [("0", "0"), ("", "0.01"), ("0", "-1"), ("x", "y")])
def test_no_calibration_names_the_option(tmp_path, write_bcf, offset, gain):
    xml = write_bcf.header_xml(30, offset=offset, gain=gain)
    path = write_bcf(tmp_path / "a.bcf", np.ones((2, 3, 30), dtype=np.int64), xml=xml)
    with pytest.raises(ScanError, match="--energy-axis"):
        open_scan(path)
    assert open_scan(path, energy_axis=EnergyAxis(0.5, 0.02, 4096)).axis == EnergyAxis(
        0.5, 0.02, 30
    )


def damaged_stream(write_bcf, tmp_path: Path, change) -> Path:
    stream = bytearray(
        write_bcf.stream_of_rows(
            (2, 3), [[write_bcf.packings["pulses16"](x, np.arange(5)) for x in range(3)]] * 2
        )
    )
    change(stream)
    files = {
        "HeaderData": write_bcf.header_xml(5).encode("cp1252"),
        "SpectrumData0": bytes(stream),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    return tmp_path / "a.bcf"


def put(at: int, layout: str, value: int):
    def change(stream: bytearray) -> None:
        struct.pack_into(layout, stream, at, value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(0, "<i", -1), "-1 rows"),
        (put(4, "<i", 1 << 30), "pixels"),
        (put(0, "<i", 3), "end at byte"),
        (put(0x1A0, "<I", 4), "4 of 3 pixels"),
        (put(0x1A4, "<I", 3), "column 3 of 3"),
        (put(0x1A4, "<I", 1), "twice"),
        (put(0x1A4 + 18, "<I", 1 << 31), "is said to take"),
        (put(0x1A4 + 16, "<H", 11), "11 pulses in 20 bytes"),
        (put(0x1A4 + 18, "<I", 1 << 20), "end at byte"),
        (put(0x1A4 + 12, "<H", 2), "10 late pulses"),
        (lambda stream: stream.__delitem__(slice(len(stream) - 5, None)), "end at byte"),
    ],
)
def test_damaged_streams_are_refused(tmp_path, write_bcf, change, message):
    path = damaged_stream(write_bcf, tmp_path, change)
    with pytest.raises(ScanError, match=message):
        open_scan(path).read_rows(0, 3 if message == "end at byte" else 2)


def test_maps_cut_off_anywhere_are_refused(tmp_path, write_bcf):
    path = damaged_stream(write_bcf, tmp_path, lambda stream: None)
    whole = path.read_bytes()
    tree, n_items = struct.unpack_from("<II", whole, 0x140)
    # What follows the tree is there to fill its chunk.
    for length in range(0, tree * CHUNK + 0x138 + 512 * n_items, 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ScanError, match=re.escape(str(path))):
            open_scan(path).rows(0, 2)


def test_streams_cut_off_anywhere_are_refused(tmp_path, write_bcf):
    for length in range(0, 0x1A0 + 2 * (4 + 3 * (22 + 20)), 3):
        cut = slice(length, None)
        path = damaged_stream(write_bcf, tmp_path, lambda stream, cut=cut: stream.__delitem__(cut))
        with pytest.raises(ScanError):
            open_scan(path).rows(0, 2)


def test_pixel_codec_refuses_what_cannot_be(unpack):
    sound = b"\x00\x09"
    for flag, pulses, body, message in [
        (0, 2, b"abc", "2 pulses of 16 bits are said to fit into 3 bytes"),
        (1, 3, b"abcd", "3 pulses of 12 bits are said to fit into 4 bytes"),
        (0, 2, b"\x03\x00\x09\x00", "a pulse is in channel 9 of 9"),
        (1, 2, b"\x80\x00\x00\x09", "a pulse is in channel 9 of 9"),
        (2, 0, b"\x03\x01abc", "a run of 1 channels has size 3"),
        (2, 0, b"\x01\x00\x00" + sound, "a run of 0 channels has size 1"),
        (2, 0, b"\x01\x05ab", "leaves"),
        (2, 0, b"\x00", "leaves"),
        (2, 0, b"\x00\x05\x00\x05", "more than 9 channels"),
        (2, 0, b"\x08\x01" + b"\xff" * 12, "more than 4294967295 counts"),
        (2, 0, b"\x08\x01" + b"\xff" * 4 + bytes(4) + b"\x01\0\0\0", "more than 4294967295"),
    ]:
        with pytest.raises(PixelError, match=message) as caught:
            unpack([sound, body], 9, flags=[2, flag], pulses=[0, pulses])
        assert caught.value.index == 1


def test_late_pulses_are_added_and_checked(unpack):
    late = struct.pack("<I3H", 6, 2, 8, 2)
    counts = unpack([b"\x01\x03\x05\x21\x03", b""], 9, flags=[2, 2], pulses=[3, 0], between=late)
    np.testing.assert_array_equal(counts, [[6, 7, 10, 0, 0, 0, 0, 0, 1], [0] * 9])
    late = struct.pack("<IH", 2, 9)
    with pytest.raises(PixelError, match="a late pulse is in channel 9 of 9"):
        unpack([b"", b""], 9, flags=[2, 2], pulses=[1, 0], between=late)


@pytest.mark.parametrize(
    "facts",
    [
        (-1, 0, 0, 0, 8),
        (2, 0, 0, 0, 8),
        (0, 0, -1, 0, 8),
        (0, 0, 1 << 62, 0, 8),
        (0, 0, 0, -1, 8),
        (0, 0, 0, 5, 4),
        (0, 0, 0, 0, 9),
        (0, 2, 3, 0, 0),
        (0, 2, 0, 0, 1 << 62),
    ],
)
def test_compiled_code_stays_inside_what_it_is_given(facts):
    # The reader checks all of this before; the loops do not rely on it.
    window, counts = np.zeros(8, dtype=np.uint8), np.full((2, 3), 7, dtype=np.uint16)
    table = np.array(facts, dtype=np.int64)[:, None]
    pixel, fault, _ = pixel_codec.adder(np.dtype(np.uint16))(window, table, counts, 65_535, False)
    assert pixel == 0
    assert fault == pixel_codec.OUTSIDE
    np.testing.assert_array_equal(counts, 7)


@pytest.mark.parametrize("flag", [0, 1, 2])
def test_what_does_not_fit_is_said_before_it_wraps(flag):
    body = {0: b"\x01\x00", 1: b"\x10\x00", 2: b"\x00\x01\x01\x01\x00\x01"}[flag]
    window = np.frombuffer(body, dtype=np.uint8)
    table = np.array([[0, flag, flag < 2, 0, len(body)]]).T
    for before, fault in [(65_535 - 270, pixel_codec.SOUND), (65_535, pixel_codec.TOO_LARGE)]:
        counts = np.full((1, 3), before, dtype=np.uint16)
        assert (
            pixel_codec.adder(np.dtype(np.uint16))(window, table, counts, 65_535, False)[1] == fault
        )
        assert counts[0, 1] == before + (fault == pixel_codec.SOUND)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.integers(0, 300) | st.integers(0, 1 << 26), min_size=12, max_size=12),
        min_size=1,
        max_size=4,
    )
)
def test_any_spectrum_survives_runs(write_bcf, unpack, rows):
    # Without the pixel's header and the empty list of pulses after it.
    bodies = [write_bcf.pixel_of_runs(0, np.array(row))[22:-4] for row in rows]
    np.testing.assert_array_equal(unpack(bodies, 12), rows)


def test_container_lists_and_reads_its_files(data_folder):
    with SfsContainer(data_folder / "over16bit.bcf") as container:
        assert set(container.entries) == {"EDSDatabase/HeaderData", "EDSDatabase/SpectrumData0"}
        raw = container.read("EDSDatabase/HeaderData", limit=1 << 20)
        assert raw.startswith(b"<?xml")
        assert raw.endswith(b"</TRTSpectrumDatabase>")
        with pytest.raises(ScanError, match="more than the 1000"):
            container.read("EDSDatabase/HeaderData", limit=1000)
        with pytest.raises(ScanError, match="no 'Nothing'; it holds EDSDatabase/HeaderData"):
            container.stream("Nothing")


def test_a_tree_over_several_chunks(tmp_path, write_bcf):
    files = {f"file{i}": bytes([i]) * (i * 100) for i in range(40)}
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files, chunk=1100))
    with SfsContainer(tmp_path / "a.bcf") as container:
        for name, content in files.items():
            assert container.read(f"EDSDatabase/{name}", limit=1 << 20) == content


CHUNK = 4096


def container_damage(at: int, layout: str, *values: int):
    def change(raw: bytearray) -> None:
        struct.pack_into(layout, raw, at, *values)

    return change


def tree_field(offset: int, layout: str, value: int):
    """Change a field of the second tree item, the first file."""

    def change(raw: bytearray) -> None:
        (tree,) = struct.unpack_from("<I", raw, 0x140)
        struct.pack_into(layout, raw, tree * CHUNK + 0x138 + 512 + offset, value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (container_damage(0, "<B", 0), "starts with"),
        (container_damage(0x128, "<I", 16), "chunks are said to hold 16"),
        (container_damage(0x128, "<I", 1 << 31), "chunks are said to hold"),
        (container_damage(0x140, "<I", 1 << 31), "it ends at byte"),
        (container_damage(0x144, "<I", 0), "0 items"),
        (container_damage(0x144, "<I", 1 << 30), "items"),
        (tree_field(0, "<i", -5), "pointer table is at chunk -5"),
        (tree_field(0, "<i", 1 << 30), "it ends at byte"),
        (tree_field(4, "<Q", 1 << 62), "4611686018427387904 bytes are said to be in a file of"),
        (tree_field(40, "<i", 77), "is item 77"),
        (tree_field(40, "<i", 1), "loop"),
        (lambda raw: raw.__delitem__(slice(0x100, None)), "it ends at byte"),
        (lambda raw: raw.__delitem__(slice(3, None)), "starts with"),
    ],
)
def test_damaged_containers_are_refused(tmp_path, write_bcf, change, message):
    path = write_bcf(tmp_path / "a.bcf", np.ones((3, 3, 500), dtype=np.int64), compress=True)
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)
    with pytest.raises(ScanError, match=message) as caught:
        open_scan(path)
    assert str(path) in str(caught.value)


def test_chains_in_a_loop_are_refused(tmp_path, write_bcf):
    files = {f"file{i}": b"x" for i in range(40)}
    raw = bytearray(write_bcf.container_bytes(files, chunk=1100))
    (tree,) = struct.unpack_from("<I", raw, 0x140)
    struct.pack_into("<I", raw, tree * 1100 + 0x118, tree)
    (tmp_path / "a.bcf").write_bytes(raw)
    with pytest.raises(ScanError, match="the tree comes back to chunk"):
        open_scan(tmp_path / "a.bcf")


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (4, "<I", 1 << 30, "blocks are said to hold"),
        (12, "<I", 1 << 30, "blocks"),
        (0x80, "<I", 1 << 30, "byte"),
        (4, "<I", 100, "does not hold the 100 bytes"),
        (0x90, "<I", 0, "cannot be decompressed"),
    ],
)
def test_damaged_compression_is_refused(tmp_path, write_bcf, offset, layout, value, message):
    path = write_bcf(tmp_path / "a.bcf", np.ones((3, 3, 50), dtype=np.int64), compress=True)
    raw = bytearray(path.read_bytes())
    struct.pack_into(layout, raw, raw.index(b"AACS") + offset, value)
    path.write_bytes(raw)
    with pytest.raises(ScanError, match=message):
        open_scan(path)


def test_a_bomb_is_refused(tmp_path, write_bcf):
    packed = zlib.compress(bytes(32 << 20))
    block = struct.pack("<IIII", len(packed), 32 << 20, 0, 0) + packed
    bomb = (b"AACS" + struct.pack("<III", 32 << 20, 0, 9)).ljust(0x80, b"\0") + 9 * block
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes({"HeaderData": bomb}))
    with pytest.raises(ScanError, match="more than the 268435456 that are sane"):
        open_scan(tmp_path / "a.bcf")


@pytest.mark.parametrize(
    ("packing", "facts", "message"),
    [
        ("pulses16", {}, "pixel 1 of row 2, a pulse is in channel 29 of 20"),
        ("pulses12", {}, "pixel 1 of row 2, a pulse is in channel 29 of 20"),
        ("runs", {}, "pixel 1 of row 2, its runs hold more than 20 channels"),
        ("runs", {"extra": [3, 77]}, "pixel 1 of row 2, a late pulse is in channel 77 of 20"),
    ],
)
def test_counts_beyond_the_last_channel_are_not_dropped(
    tmp_path, write_bcf, packing, facts, message
):
    pack = write_bcf.packings[packing]
    sound, longer = np.ones(20, dtype=np.int64), np.ones(20 if facts else 30, dtype=np.int64)
    rows = [[pack(x, sound) for x in range(3)] for _ in range(4)]
    rows[2][1] = pack(1, longer, **facts)
    files = {
        "HeaderData": write_bcf.header_xml(20).encode("cp1252"),
        "SpectrumData0": write_bcf.stream_of_rows((4, 3), rows),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    with pytest.raises(ScanError, match=message):
        open_scan(tmp_path / "a.bcf").rows(0, 4)


def test_one_stream_of_two_detectors_is_their_sum(tmp_path, write_bcf):
    counts = np.ones((2, 3, 30), dtype=np.int64)
    xml = write_bcf.header_xml(30, detectors=2)
    scan = open_scan(write_bcf(tmp_path / "a.bcf", counts, xml=xml))
    np.testing.assert_array_equal(all_counts(scan), counts)
    assert any("taken as their sum" in line for line in scan.warnings)


def test_a_detector_lost_in_the_tree_is_refused(tmp_path, write_bcf):
    counts = np.ones((2, 3, 30), dtype=np.int64)
    xml = write_bcf.header_xml(30, detectors=2)
    path = write_bcf(tmp_path / "a.bcf", counts, counts, xml=xml)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"SpectrumData1\0", b"SpectrumDatb1\0"))
    with pytest.raises(ScanError, match="describes 2 detectors, but spectra of number 1 are not"):
        open_scan(path)
    scan = open_scan(path, salvage=True)
    np.testing.assert_array_equal(all_counts(scan), counts)
    assert "there are no spectra of detector 1" in scan.warnings


def test_detectors_do_not_share_their_data(tmp_path, write_bcf):
    counts = np.ones((2, 3, 30), dtype=np.int64)
    path = write_bcf(tmp_path / "a.bcf", counts, counts)
    raw = bytearray(path.read_bytes())
    (tree,) = struct.unpack_from("<I", raw, 0x140)
    first, second = (tree * CHUNK + 0x138 + 512 * item for item in (2, 3))
    raw[second : second + 4] = raw[first : first + 4]
    path.write_bytes(raw)
    with pytest.raises(ScanError, match="share some of their data"):
        open_scan(path)
    assert any("there twice" in line for line in open_scan(path, salvage=True).warnings)


def test_channels_that_the_header_does_not_list_are_not_cut_off(tmp_path, write_bcf):
    counts = np.ones((2, 3, 30), dtype=np.int64)
    xml = write_bcf.header_xml(30)
    short = xml.replace(",".join("0" * 30), ",".join("0" * 29))
    scan = open_scan(write_bcf(tmp_path / "a.bcf", counts, xml=short))
    np.testing.assert_array_equal(all_counts(scan), counts)
    assert any("lists 29 channels of 30" in line for line in scan.warnings)
    absurd = xml.replace("<ChannelCount>30<", "<ChannelCount>1e12<")
    with pytest.raises(ScanError, match="1000000000000 channels"):
        open_scan(write_bcf(tmp_path / "a.bcf", counts, xml=absurd))
