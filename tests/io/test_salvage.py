"""Damaged maps: what is kept with ``salvage``, and what is said of the rest."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.io import open_scan
from lithoscope.io.bruker import salvage
from lithoscope.io.bruker.container import SfsContainer

FIRST_ROW, HEAD = 0x1A0, 22
COUNTS = np.random.default_rng(5).poisson(1, (6, 4, 30)) + (np.arange(30) == 7)


def all_counts(scan: Scan) -> np.ndarray:
    return np.concatenate([counts for _, counts in scan.blocks(4)])


def rows_of(write_bcf, packing: str, counts: np.ndarray = COUNTS) -> list[bytes]:
    """Return each row as it is stored."""
    pack = write_bcf.packings[packing]
    whole = [[pack(x, spectrum) for x, spectrum in enumerate(row)] for row in counts]
    return [write_bcf.stream_of_rows((1, 1), [row])[FIRST_ROW:] for row in whole]


def write(path: Path, write_bcf, rows: list[bytes], *, xml: str = "", **facts) -> Path:
    start = write_bcf.stream_of_rows(COUNTS.shape[:2], [])
    files = {
        "HeaderData": (xml or write_bcf.header_xml(30)).encode("cp1252"),
        "SpectrumData0": start + b"".join(rows),
    }
    path.write_bytes(write_bcf.container_bytes(files, **facts))
    return path


def changed(row: bytes, at: int, layout: str, value: int) -> bytes:
    raw = bytearray(row)
    struct.pack_into(layout, raw, at, value)
    return bytes(raw)


def start_of_pixel(row: bytes, number: int) -> int:
    at = 4
    for _ in range(number):
        at += HEAD + struct.unpack_from("<I", row, at + 18)[0]
    return at


def assert_salvaged(path: Path, expected: np.ndarray, *lines: str) -> None:
    """Refused without salvage; with it, the counts are as expected, and each line is said."""
    with pytest.raises(ScanError, match="--salvage") as caught:
        all_counts(open_scan(path))
    assert str(path) in str(caught.value)
    scan = open_scan(path, salvage=True)
    np.testing.assert_array_equal(all_counts(scan), expected)
    np.testing.assert_array_equal(all_counts(scan), expected)
    for line in lines:
        assert any(line in warning for warning in scan.warnings), scan.warnings


@pytest.mark.parametrize("packing", ["pulses16", "pulses12", "runs"])
def test_nothing_is_lost_of_a_sound_map(tmp_path, write_bcf, packing):
    path = write(tmp_path / "a.bcf", write_bcf, rows_of(write_bcf, packing))
    scan = open_scan(path, salvage=True)
    np.testing.assert_array_equal(all_counts(scan), COUNTS)
    assert scan.warnings == open_scan(path).warnings


@pytest.mark.parametrize("compress", [False, True])
def test_rows_after_a_damaged_size_are_found_again(tmp_path, write_bcf, compress):
    rows = rows_of(write_bcf, "pulses16")
    at = start_of_pixel(rows[2], 1)
    (size,) = struct.unpack_from("<I", rows[2], at + 18)
    rows[2] = changed(rows[2], at + 18, "<I", size + 6)
    path = write(tmp_path / "a.bcf", write_bcf, rows, compress=compress)
    expected = COUNTS.copy()
    expected[2, 1:] = 0
    assert_salvaged(path, expected, "all but the first 1 pixels of row 2 could not be read")


@pytest.mark.parametrize(
    ("at", "layout", "value", "cause"),
    [
        (0, "<I", 5, "row 3 is said to hold 5 of 4 pixels"),
        (4, "<I", 4, "stands in column 4 of 4"),
        (4 + 18, "<I", 1 << 31, "is said to take 2147483648 bytes"),
        (4 + 18, "<I", 1 << 20, "its spectra end at byte"),
        (4 + 16, "<H", 60_000, "60000 pulses"),
    ],
)
def test_a_row_whose_first_pixel_is_damaged_is_missing(
    tmp_path, write_bcf, at, layout, value, cause
):
    rows = rows_of(write_bcf, "pulses12")
    rows[3] = changed(rows[3], at, layout, value)
    path = write(tmp_path / "a.bcf", write_bcf, rows)
    expected = COUNTS.copy()
    expected[3] = 0
    assert_salvaged(path, expected, cause, "row 3 could not be read")


def test_what_lies_between_two_damages_cannot_be_numbered(tmp_path, write_bcf):
    rows = rows_of(write_bcf, "pulses16")
    for number in (1, 3):
        rows[number] = changed(rows[number], 0, "<I", 1000)
    expected = COUNTS.copy()
    expected[1:4] = 0
    path = write(tmp_path / "a.bcf", write_bcf, rows)
    assert_salvaged(path, expected, "rows 1 to 3 could not be read")


def test_fewer_pixels_than_there_are_do_not_go_unnoticed(tmp_path, write_bcf):
    for number in range(6):
        rows = rows_of(write_bcf, "pulses16")
        rows[number] = changed(rows[number], 0, "<I", 2)
        path = write(tmp_path / "a.bcf", write_bcf, rows)
        with pytest.raises(ScanError):
            all_counts(open_scan(path))
        found = all_counts(open_scan(path, salvage=True))
        same = (found == COUNTS).all(axis=2)
        assert (same | ~found.any(axis=2)).all()
        assert same[:number].all()
        assert same[number + 2 :].all()


def test_single_pixels_are_missing(tmp_path, write_bcf):
    rows = rows_of(write_bcf, "runs")
    rows[1] = changed(rows[1], start_of_pixel(rows[1], 2) + HEAD, "<B", 3)
    rows[4] = changed(rows[4], start_of_pixel(rows[4], 0) + HEAD + 1, "<B", 250)
    expected = COUNTS.copy()
    expected[1, 2] = expected[4, 0] = 0
    path = write(tmp_path / "a.bcf", write_bcf, rows)
    assert_salvaged(path, expected, "pixel 2 of row 1", "pixel 0 of row 4")


def test_too_many_damaged_pixels_are_given_up(tmp_path, write_bcf, monkeypatch):
    monkeypatch.setattr(salvage, "_MOST_TRIED", 5)
    rows = rows_of(write_bcf, "runs")
    for number in (0, 3):
        rows[number] = changed(rows[number], 4 + HEAD, "<B", 3)
    expected = COUNTS.copy()
    expected[0, 0] = expected[3] = 0
    expected[3, 0] = 0
    scan = open_scan(write(tmp_path / "a.bcf", write_bcf, rows), salvage=True)
    expected[3] = 0
    found = all_counts(scan)
    # One pixel of row 3 was still tried out: the damaged one.
    np.testing.assert_array_equal(found, expected)
    assert any("too many pixels" in line for line in scan.warnings)


@pytest.mark.parametrize("name", ["16x16_12bit_packed_8bit.bcf", "P45_the_default_job.bcf"])
@pytest.mark.parametrize("share", [0.3, 0.62, 0.9])
def test_truncated_files_keep_their_first_rows(tmp_path, data_folder, name, share):
    raw = (data_folder / name).read_bytes()
    whole = all_counts(open_scan(data_folder / name))
    with SfsContainer(data_folder / name) as container:
        stream = container.stream("EDSDatabase/SpectrumData0")
        first, last = (container.payload_start(int(stream._pointers[i])) for i in (0, -1))
    path = tmp_path / "a.bcf"
    path.write_bytes(raw[: first + int(share * (last - first))])
    with pytest.raises(ScanError, match=r"it ends at byte|are said to be in a file of"):
        all_counts(open_scan(path))
    scan = open_scan(path, salvage=True)
    found = all_counts(scan)
    is_same = (found == whole).all(axis=2)
    n_same = int(is_same.ravel().argmin())
    # All pixels up to one, and none after it.
    assert n_same == pytest.approx(share * whole.shape[0] * whole.shape[1], rel=0.25)
    assert not found.reshape(-1, found.shape[2])[n_same:].any()
    assert any("it ends at byte" in line and "could not be read" in line for line in scan.warnings)


def test_a_damaged_block_costs_the_rows_that_it_holds(tmp_path, write_bcf):
    counts = np.random.default_rng(0).poisson(3, (40, 8, 30))
    path = tmp_path / "a.bcf"
    write_bcf(path, counts, compress=True, packing="pulses16")
    raw = bytearray(path.read_bytes())
    with SfsContainer(path) as container:
        stream = container.stream("EDSDatabase/SpectrumData0")
        at, _ = stream._blocks[5]
        chunk = int(stream._pointers[at // container.usable])
        place = container.payload_start(chunk) + at % container.usable
    raw[place + 20] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(ScanError, match="block 5"):
        all_counts(open_scan(path))
    scan = open_scan(path, salvage=True)
    found = all_counts(scan)
    lost = np.flatnonzero((found != counts).any(axis=(1, 2)))
    # 4000 bytes of some 1500 a row.
    assert 1 <= lost.size <= 5
    assert (np.diff(lost) == 1).all()
    assert not found[lost[-1]].any()
    assert any("block 5" in line for line in scan.warnings)


def test_a_lost_header_needs_an_axis(tmp_path, write_bcf):
    path = write(tmp_path / "a.bcf", write_bcf, rows_of(write_bcf, "runs"), xml="<a><b></a>")
    for axis, with_salvage in ((None, True), (EnergyAxis(-0.955, 0.01, 30), False)):
        with pytest.raises(ScanError, match="not well-formed"):
            open_scan(path, energy_axis=axis, salvage=with_salvage)
    scan = open_scan(path, energy_axis=EnergyAxis(-0.955, 0.01, 30), salvage=True)
    np.testing.assert_array_equal(all_counts(scan), COUNTS)
    assert "the header is lost" in scan.warnings[0]
    assert not scan.electron_beam
    assert scan.instrument is None


def test_entities_are_refused_whatever_is_salvaged(tmp_path, write_bcf):
    xml = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    path = write(tmp_path / "a.bcf", write_bcf, rows_of(write_bcf, "runs"), xml=xml)
    with pytest.raises(ScanError, match="defines entities"):
        open_scan(path)


def test_a_lost_detector_leaves_the_others(tmp_path, write_bcf):
    first, second = np.random.default_rng(1).poisson(1, (2, 3, 4, 30))
    path = write_bcf(tmp_path / "a.bcf", first, second)
    raw = path.read_bytes()
    stream = write_bcf.stream_of_rows((3, 4), [])
    assert raw.count(stream[:8]) == 2
    at = raw.rindex(stream[:8])
    path.write_bytes(raw[:at] + struct.pack("<ii", -3, 4) + raw[at + 8 :])
    with pytest.raises(ScanError, match="-3 rows"):
        open_scan(path)
    scan = open_scan(path, salvage=True)
    np.testing.assert_array_equal(all_counts(scan), first)
    assert any("detector 1 is lost" in line for line in scan.warnings)
    assert scan.detectors == 1


def test_a_row_of_one_of_two_detectors_is_named(tmp_path, write_bcf):
    rows = rows_of(write_bcf, "pulses16")
    damaged = [*rows[:2], changed(rows[2], 0, "<I", 1000), *rows[3:]]
    start = write_bcf.stream_of_rows(COUNTS.shape[:2], [])
    files = {
        "HeaderData": write_bcf.header_xml(30, detectors=2).encode("cp1252"),
        "SpectrumData0": start + b"".join(rows),
        "SpectrumData1": start + b"".join(damaged),
    }
    (tmp_path / "a.bcf").write_bytes(write_bcf.container_bytes(files))
    expected = 2 * COUNTS
    expected[2] //= 2
    assert_salvaged(tmp_path / "a.bcf", expected, "detector 1: row 2 could not be read")


def test_nothing_to_salvage(tmp_path, write_bcf):
    path = tmp_path / "a.bcf"
    path.write_bytes(b"AAMVHFSS")
    with pytest.raises(ScanError, match="ends at byte") as caught:
        open_scan(path, salvage=True)
    assert "--salvage" not in str(caught.value)


def test_very_many_losses_are_summed_up():
    losses = [salvage.Loss(i, i, "", f"cause {i % 20}") for i in range(400)]
    lines = salvage.losses_in_lines(losses, "detector 0: ")
    assert len(lines) == 11
    assert "and 10 more places" in lines[0]
    assert "10 other reasons" in lines[-1]


def test_random_damage_never_crashes_and_loses_little(tmp_path, data_folder):
    name = "16x16_12bit_packed_8bit.bcf"
    original = (data_folder / name).read_bytes()
    whole = all_counts(open_scan(data_folder / name))
    path = tmp_path / "a.bcf"
    kept = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        raw = bytearray(original)
        at = int(rng.integers(60_000, len(raw) - 30_000))
        raw[at : at + 40] = rng.bytes(40)
        path.write_bytes(raw)
        try:
            found = all_counts(open_scan(path, salvage=True))
        except ScanError:
            continue
        kept.append((found == whole).all(axis=2).mean())
    # One place of 40 bytes costs a row or two of sixteen, unless it is a container's pointer.
    assert len(kept) > 50
    assert np.median(kept) > 0.85


def test_info_and_map_salvage(tmp_path, write_bcf, lithoscope):
    rows = rows_of(write_bcf, "pulses16")
    rows[2] = changed(rows[2], 0, "<I", 1000)
    path = write(tmp_path / "a.bcf", write_bcf, rows)
    status, out, err = lithoscope("info", path)
    assert status == 2
    assert "--salvage" in err
    assert out == ""
    status, out, err = lithoscope("info", path, "--salvage", "--json")
    assert status == 0, err
    assert any("row 2 could not be read" in line for line in json.loads(out)["warnings"])
