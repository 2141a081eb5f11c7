"""Scans as .rpl and .raw and as .zarr, and spectra as .mca: what is read, and every mistake."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from rsciio.ripple import file_reader as read_ripple
from rsciio.ripple import file_writer as write_ripple

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import LithoscopeError, ScanError, SpectrumError
from lithoscope.io import open_scan, open_spectra

COUNTS = np.random.default_rng(0).poisson(3, (5, 4, 30)).astype(np.uint16)
AXIS = EnergyAxis(-0.955, 0.01, 30)
RIPPLE = {
    "width": 4,
    "height": 5,
    "depth": 30,
    "offset": 0,
    "data-Length": 2,
    "data-type": "unsigned",
    "byte-order": "little-endian",
    "record-by": "vector",
    "depth-scale": 0.01,
    "depth-origin": -0.955,
    "depth-units": "keV",
    "title": "thin section 3",
}


def all_counts(scan) -> np.ndarray:
    return np.concatenate([counts for _, counts in scan.blocks(2)])


def rpl(folder: Path, counts=COUNTS, *, raw: bytes | None = None, **changes) -> Path:
    values = RIPPLE | {key.replace("_", "-"): value for key, value in changes.items()}
    lines = ["key\tvalue", *(f"{key}\t{value}" for key, value in values.items() if value != "")]
    (folder / "a.rpl").write_text("\n".join(lines), encoding="latin-1")
    (folder / "a.raw").write_bytes(counts.tobytes() if raw is None else raw)
    return folder / "a.rpl"


def test_ripple_of_rosettasciio(tmp_path):
    names, scales = ("height", "width", "Energy"), (20.0, 30.0, 0.01)
    units = ("µm", "µm", "keV")
    axes = [
        {"name": name, "size": size, "scale": scale, "offset": 0.0, "units": unit}
        for name, size, scale, unit in zip(names, COUNTS.shape, scales, units, strict=True)
    ]
    axes[2]["offset"] = -0.955
    for index, axis in enumerate(axes):
        axis |= {"navigate": index < 2, "index_in_array": index}
    metadata = {"General": {"title": "Probe"}, "Signal": {"signal_type": ""}}
    write_ripple(str(tmp_path / "a.rpl"), {"data": COUNTS, "axes": axes, "metadata": metadata})
    scan = open_scan(tmp_path / "a.rpl")
    (theirs,) = read_ripple(str(tmp_path / "a.rpl"))
    np.testing.assert_array_equal(all_counts(scan), theirs["data"])
    np.testing.assert_array_equal(all_counts(scan), COUNTS)
    assert scan.axis == AXIS
    assert scan.pixel_size_mm == pytest.approx((0.02, 0.03))
    assert scan.title == "Probe"
    # RosettaSciIO writes its machine's byte order as "dont-care".
    assert "little-endian is assumed" in scan.metadata["notes"][0]


@pytest.mark.parametrize("record_by", ["vector", "image"])
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "u1", ">i4", "<i8", "<f4", ">f8"])
@pytest.mark.parametrize("offset", [0, 7])
def test_ripple_of_any_kind(tmp_path, record_by, dtype, offset):
    stored = COUNTS.astype(dtype)
    ordered = stored if record_by == "vector" else np.moveaxis(stored, 2, 0)
    path = rpl(
        tmp_path,
        raw=bytes(offset) + ordered.tobytes(),
        offset=offset,
        record_by=record_by,
        data_type={"u": "unsigned", "i": "signed", "f": "float"}[stored.dtype.kind],
        data_Length=stored.itemsize,
        byte_order="big-endian" if dtype[0] == ">" else "little-endian",
        live_time=2.5,
    )
    scan = open_scan(path)
    np.testing.assert_array_equal(all_counts(scan), COUNTS)
    np.testing.assert_array_equal(scan.read_rows(3, 4), COUNTS[3:4])
    assert scan.axis == AXIS
    assert scan.pixel_size_mm is None
    assert scan.title == "thin section 3"
    assert scan.metadata == {"live_time_s": 2.5}


def test_either_file_of_a_ripple_may_be_named(tmp_path):
    rpl(tmp_path)
    assert open_scan(tmp_path / "a.raw").axis == AXIS
    (tmp_path / "a.raw").rename(tmp_path / "a.RAW")
    assert open_scan(tmp_path / "a.rpl").axis == AXIS
    (tmp_path / "a.rpl").unlink()
    with pytest.raises(ScanError, match=r"no a\.rpl beside it"):
        open_scan(tmp_path / "a.RAW")


def test_ripple_without_raw(tmp_path):
    rpl(tmp_path)
    (tmp_path / "a.raw").unlink()
    with pytest.raises(ScanError, match=r"no a\.raw beside it"):
        open_scan(tmp_path / "a.rpl")


def test_ripple_with_comments_and_blanks(tmp_path):
    path = rpl(tmp_path)
    text = path.read_text().replace("\t", "    ").replace("width    4", "Width    4 ; pixels")
    path.write_text(f"; by hand\n\n{text}\n")
    np.testing.assert_array_equal(all_counts(open_scan(path)), COUNTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"depth_units": ""},
        {"depth_origin": ""},
        {"depth_scale": "", "ev_per_chan": 10},
        {"depth_scale": 0},
        {"depth_units": "channels"},
    ],
)
def test_ripple_without_axis_names_the_option(tmp_path, changes):
    path = rpl(tmp_path, **changes)
    with pytest.raises(ScanError, match="--energy-axis offset,gain"):
        open_scan(path)
    assert open_scan(path, energy_axis=EnergyAxis(0.5, 0.02, 9)).axis == EnergyAxis(0.5, 0.02, 30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": ""}, "the width ''"),
        ({"width": 0}, "the width '0'"),
        ({"height": "four"}, "the height 'four'"),
        ({"depth": -1}, "the depth '-1'"),
        ({"depth": "1" * 30}, "the depth '1111"),
        ({"offset": "x"}, "the offset 'x'"),
        ({"data_Length": 3}, "the data-length '3'"),
        ({"data_type": "float"}, "the data-length '2'"),
        ({"data_type": "complex"}, "the data-type 'complex'"),
        ({"byte_order": "middle"}, "the byte-order 'middle'"),
        ({"record_by": "dont-care"}, "the record-by 'dont-care'"),
        ({"height": 6}, "holds 1200 bytes, but a.rpl describes 1440"),
        ({"height": 10**12, "width": 10**12}, "holds 1200 bytes"),
        ({"offset": 1}, "holds 1200 bytes, but a.rpl describes 1201"),
    ],
)
def test_ripple_that_is_not_sound(tmp_path, changes, message):
    with pytest.raises(ScanError, match=message):
        open_scan(rpl(tmp_path, **changes))


def test_bytes_that_a_ripple_does_not_describe_are_noted(tmp_path):
    scan = open_scan(rpl(tmp_path, height=4))
    assert "240 bytes" in scan.metadata["notes"][0]
    np.testing.assert_array_equal(all_counts(scan), COUNTS[:4])


@pytest.mark.parametrize("bad", [np.nan, -1.0])
def test_ripple_with_counts_that_cannot_be(tmp_path, bad):
    counts = COUNTS.astype("<f4")
    counts[3, 0, 0] = bad
    scan = open_scan(rpl(tmp_path, counts, data_type="float", data_Length=4))
    scan.read_rows(0, 3)
    with pytest.raises(ScanError, match=r"a\.raw holds counts"):
        scan.read_rows(3, 4)


@settings(max_examples=100, deadline=None)
@given(text=st.text("widthegpo-\t 0123;\n", max_size=120), cut=st.integers(0, 200))
def test_any_ripple_gives_counts_or_one_error(tmp_path_factory, text, cut):
    path = rpl(tmp_path_factory.mktemp("rpl"))
    path.write_text(path.read_text()[:cut] + text + path.read_text()[cut:])
    with np.errstate(all="ignore"):
        try:
            all_counts(open_scan(path))
        except ScanError:
            return


FACTS = {"offset_keV": -0.955, "gain_keV": 0.01, "pixel_size_mm": [0.02, 0.03], "title": "Probe"}


def zarr_group(store, attributes=FACTS, *, counts=COUNTS, zarr_format=3, **array) -> None:
    group = zarr.create_group(store, zarr_format=zarr_format, attributes=attributes)
    data = group.create_array(
        "counts", shape=counts.shape, dtype=counts.dtype, chunks=(2, 4, 30), **array
    )
    data[:] = counts


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("zipped", [False, True])
def test_zarr(tmp_path, zarr_format, zipped):
    path = tmp_path / "a.zarr"
    if zipped:
        store = zarr.storage.ZipStore(path, mode="w")
        zarr_group(store, {**FACTS, "live_time_s": 0.4}, zarr_format=zarr_format)
        store.close()
    else:
        zarr_group(str(path), {**FACTS, "live_time_s": 0.4}, zarr_format=zarr_format)
    scan = open_scan(path)
    np.testing.assert_array_equal(all_counts(scan), COUNTS)
    np.testing.assert_array_equal(scan.read_rows(3, 4), COUNTS[3:4])
    assert scan.axis == AXIS
    assert scan.pixel_size_mm == (0.02, 0.03)
    assert scan.title == "Probe"
    assert scan.metadata == {"live_time_s": 0.4}


def test_zarr_with_no_more_than_it_needs(tmp_path):
    zarr_group(str(tmp_path / "a.zarr"), {"offset_keV": 0, "gain_keV": 0.02})
    scan = open_scan(tmp_path / "a.zarr")
    assert scan.axis == EnergyAxis(0, 0.02, 30)
    assert scan.pixel_size_mm is None
    assert scan.title == "a"
    assert scan.metadata == {}


@pytest.mark.parametrize(
    "attributes",
    [{}, {"offset_keV": 0.0}, {"offset_keV": "0", "gain_keV": 0.01}, {**FACTS, "gain_keV": 0}],
)
def test_zarr_without_axis_names_the_option(tmp_path, attributes):
    zarr_group(str(tmp_path / "a.zarr"), attributes)
    with pytest.raises(ScanError, match="--energy-axis offset,gain"):
        open_scan(tmp_path / "a.zarr")
    given_axis = EnergyAxis(0.5, 0.02, 9)
    assert open_scan(tmp_path / "a.zarr", energy_axis=given_axis).axis.n_channels == 30


@pytest.mark.parametrize("size", [0.1, [0.1], [0.1, 0], [0.1, "x"], [True, 1], [0.1, 0.1, 0.1]])
def test_zarr_with_a_wrong_pixel_size(tmp_path, size):
    zarr_group(str(tmp_path / "a.zarr"), {**FACTS, "pixel_size_mm": size})
    with pytest.raises(ScanError, match="pixel_size_mm"):
        open_scan(tmp_path / "a.zarr")


def test_zarr_of_another_layout(tmp_path):
    zarr.create_group(str(tmp_path / "a.zarr"), attributes=FACTS)
    with pytest.raises(ScanError, match="no array 'counts'"):
        open_scan(tmp_path / "a.zarr")
    group = zarr.create_group(str(tmp_path / "b.zarr"), attributes=FACTS)
    group.create_array("counts", shape=(4, 30), dtype="u2")
    with pytest.raises(ScanError, match=r"'counts' of \(4, 30\)"):
        open_scan(tmp_path / "b.zarr")
    group = zarr.create_group(str(tmp_path / "c.zarr"), attributes=FACTS)
    group.create_array("counts", shape=(4, 3, 30), dtype="bool")
    with pytest.raises(ScanError, match="bool"):
        open_scan(tmp_path / "c.zarr")


def test_no_zarr_at_all(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "b.zarr").write_bytes(b"no zip file")
    for name in ("a.zarr", "b.zarr"):
        with pytest.raises(ScanError, match="cannot be read"):
            open_scan(tmp_path / name)


def test_zarr_with_a_damaged_chunk(tmp_path):
    zarr_group(str(tmp_path / "a.zarr"))
    (chunk,) = (tmp_path / "a.zarr" / "counts" / "c" / "1").rglob("0/0")
    chunk.write_bytes(chunk.read_bytes()[:20])
    scan = open_scan(tmp_path / "a.zarr")
    np.testing.assert_array_equal(scan.read_rows(0, 2), COUNTS[:2])
    with pytest.raises(ScanError, match="rows 2 to 3 cannot be read"):
        scan.read_rows(2, 4)


@pytest.mark.parametrize(
    ("shape", "chunks", "message"),
    [
        ([10**6, 10**6, 30], [1, 4, 30], "declares"),
        ([5, 4, 30], [10**5, 10**5, 30], "in pieces of 600000000000 bytes"),
    ],
)
def test_zarr_that_would_fill_the_memory(tmp_path, shape, chunks, message):
    zarr_group(str(tmp_path / "a.zarr"))
    place = tmp_path / "a.zarr" / "counts" / "zarr.json"
    declared = json.loads(place.read_text())
    declared["shape"] = shape
    declared["chunk_grid"]["configuration"]["chunk_shape"] = chunks
    place.write_text(json.dumps(declared))
    with pytest.raises(ScanError, match=message):
        open_scan(tmp_path / "a.zarr")


def test_pickles_in_zarr_are_not_run(tmp_path):
    import numcodecs

    zarr_group(
        str(tmp_path / "a.zarr"), zarr_format=2, filters=[numcodecs.Pickle()], compressors=None
    )
    with pytest.raises(ScanError, match="pickle"):
        open_scan(tmp_path / "a.zarr")


AMPTEK = """<<PMCA SPECTRUM>>
TAG - live_data
DESCRIPTION - standard 4
GAIN - 0
LIVE_TIME - 109.680000
REAL_TIME - 120.000000
<<CALIBRATION>>
LABEL - Channel
0 -0.1
600 11.9
1000 19.9
<<ROI>>
10 20
<<DATA>>
0
3
17
70000
<<END>>
<<DP5 CONFIGURATION>>
GAIN=2.3;    Total Gain
<<DP5 CONFIGURATION END>>
"""

SPEC = """#F scan.mca
#D Mon Nov 02 2026

#S 1 garnet
#@MCA %16C
#@CHANN 6 0 5 1
#@CALIB -0.1 0.02 0
#@CTIME 100 98 101
@A 0 1 2 \\
 3 4 5

#S 2 quartz
#@CHANN 3 2 7 2
#@CALIB 0 10 0
@A 1.5 2 3
"""


def mca(folder: Path, text: str) -> Path:
    (folder / "probe.mca").write_bytes(text.replace("\n", "\r\n").encode("latin-1"))
    return folder / "probe.mca"


def test_amptek(tmp_path):
    (spectrum,) = open_spectra(mca(tmp_path, AMPTEK))
    np.testing.assert_array_equal(spectrum.counts, [0, 3, 17, 70_000])
    assert spectrum.axis.offset_keV == pytest.approx(-0.1)
    assert spectrum.axis.gain_keV == pytest.approx(0.02)
    assert spectrum.axis.n_channels == 4
    assert spectrum.live_time_s == 109.68
    assert spectrum.title == "standard 4"


def test_amptek_calibration_is_the_line_closest_to_its_points(tmp_path):
    points = np.array([[100, 2.0], [400, 8.1], [700, 13.9], [900, 18.2]])
    lines = "\n".join(f"{channel:g} {energy}" for channel, energy in points)
    start, rest = AMPTEK.split("0 -0.1\n600 11.9\n1000 19.9\n")
    (spectrum,) = open_spectra(mca(tmp_path, f"{start}{lines}\n{rest}"))
    gain, offset = np.polyfit(*points.T, 1)
    assert spectrum.axis.gain_keV == pytest.approx(gain)
    assert spectrum.axis.offset_keV == pytest.approx(offset)


def test_spec(tmp_path):
    text = SPEC.replace("#@CALIB 0 10 0", "#@CALIB 0.5 0.01 0")
    garnet, quartz = open_spectra(mca(tmp_path, text))
    np.testing.assert_array_equal(garnet.counts, np.arange(6))
    assert garnet.axis == EnergyAxis(-0.1, 0.02, 6)
    assert (garnet.live_time_s, garnet.title) == (98, "1 garnet")
    np.testing.assert_array_equal(quartz.counts, [1.5, 2, 3])
    # Channels 2 and 3, 4 and 5, 6 and 7 were summed.
    energies = 0.5 + 0.01 * np.array([2.5, 4.5, 6.5])
    np.testing.assert_allclose(quartz.axis.energies_keV, energies)
    assert quartz.live_time_s is None


@pytest.mark.parametrize(
    "text",
    [
        AMPTEK.replace("0 -0.1\n600 11.9\n1000 19.9\n", ""),
        AMPTEK.replace("0 -0.1\n600 11.9\n", ""),
        AMPTEK.replace("600 11.9\n1000 19.9", "0 11.9"),
        AMPTEK.replace("11.9", "11900").replace("19.9", "19900").replace("17\n", 1000 * "17\n"),
        SPEC.replace("#@CALIB -0.1 0.02 0\n", ""),
        SPEC.replace("#@CALIB -0.1 0.02 0", "#@CALIB -0.1"),
        SPEC.replace("#@CALIB -0.1 0.02 0", "#@CALIB 0 0 0"),
    ],
)
def test_mca_without_axis_names_the_option(tmp_path, text):
    path = mca(tmp_path, text)
    with pytest.raises(SpectrumError, match="--energy-axis offset,gain"):
        open_spectra(path)
    given_axis = EnergyAxis(0.5, 0.02, 9)
    spectrum = open_spectra(path, energy_axis=given_axis)[0]
    assert (spectrum.axis.offset_keV, spectrum.axis.gain_keV) == (0.5, 0.02)


def test_a_bent_axis_of_spec_is_refused(tmp_path):
    path = mca(tmp_path, SPEC.replace("#@CALIB -0.1 0.02 0", "#@CALIB -0.1 0.02 0.001"))
    with pytest.raises(SpectrumError, match="off a straight line"):
        open_spectra(path)
    assert len(open_spectra(path, energy_axis=EnergyAxis(0, 0.02, 9))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no spectrum"),
        ("<<DATA>>\n1\n<<END>>\n", "no spectrum"),
        (AMPTEK.split("<<END>>")[0], "no whole '<<DATA>>' block"),
        (AMPTEK.replace("<<DATA>>", ""), "no whole '<<DATA>>' block"),
        (AMPTEK.replace("17", "seventeen"), "no number"),
        (AMPTEK.replace("17", "-17"), "down to -17"),
        (AMPTEK.replace("0\n3\n17\n70000\n", ""), "0 channels"),
        (SPEC.split(" 3 4 5")[0].rstrip(), "ends inside a spectrum"),
        (SPEC.replace(" 3 4 5", " 3 4"), "5 channels"),
        (SPEC.replace(" 3 4 5", " 3 4 x"), "no number"),
    ],
)
def test_mca_that_is_not_sound(tmp_path, text, message):
    with pytest.raises(SpectrumError, match=message):
        open_spectra(mca(tmp_path, text))


@settings(max_examples=200, deadline=None)
@given(
    source=st.sampled_from([AMPTEK, SPEC]),
    cut=st.integers(0, 400),
    gone=st.integers(0, 30),
    text=st.text(st.characters(max_codepoint=255), max_size=10)
    | st.sampled_from(["1e308", "-1e308", "nan", "@A", "\\", "<<DATA>>", "#@CALIB 1e300 1e300 1"]),
)
def test_any_change_of_an_mca_gives_spectra_or_one_error(tmp_path_factory, source, cut, gone, text):
    path = mca(tmp_path_factory.mktemp("mca"), source[:cut] + text + source[cut + gone :])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            spectra = open_spectra(path)
        except LithoscopeError:
            return
    assert all(math.isfinite(float(spectrum.counts.sum())) for spectrum in spectra)
