"""Spectra from every format, back into files, and every mistake as one message."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import OutputError, SpectrumError
from lithoscope.io import open_spectra, save_spectrum

XS52 = "20170510_D1_Rh_50kv_100mA_acryl_f4_0.spx"
AXIS = EnergyAxis(-0.955, 0.01, 40)
COUNTS = np.random.default_rng(0).poisson(3, 40)


def numbers_in(path: Path) -> np.ndarray:
    """Read the counts of an EMSA file without any of our code."""
    data = path.read_text("latin-1").split("#SPECTRUM")[1].split("\n", 1)[1].split("#ENDOFDATA")[0]
    return np.array([float(word) for word in data.replace(",", " ").split()])


@pytest.mark.filterwarnings("ignore:.*negative channels")
@pytest.mark.parametrize("name", ["Ti.msa", "Acrylic.msa"])
def test_real_msa(data_folder, name):
    from rsciio.msa import file_reader

    (spectrum,) = open_spectra(data_folder / name)
    by_hand = numbers_in(data_folder / name)
    assert by_hand.size == 4096
    np.testing.assert_array_equal(spectrum.counts, np.maximum(by_hand, 0))
    (theirs,) = file_reader(str(data_folder / name))
    np.testing.assert_array_equal(theirs["data"], by_hand)
    assert spectrum.axis == EnergyAxis(-0.9553045, 0.009999, 4096)
    assert name.removesuffix(".msa") in spectrum.title


@pytest.mark.filterwarnings("ignore:.*negative channels")
def test_titanium_is_titanium(data_folder):
    (spectrum,) = open_spectra(data_folder / "Ti.msa")
    assert spectrum.live_time_s == 120.012
    above_1_keV = spectrum.counts[spectrum.axis.channel(1.0) :].argmax()
    peak = spectrum.axis.energies_keV[above_1_keV + spectrum.axis.channel(1.0)]
    assert peak == pytest.approx(4.511, abs=0.01)


def test_the_residue_of_the_zero_peak_is_set_to_zero(data_folder):
    by_hand = numbers_in(data_folder / "Ti.msa")
    assert by_hand.min() == -3
    with pytest.warns(UserWarning, match=r"4 negative channels from 0\.30 to 0\.33 keV"):
        (spectrum,) = open_spectra(data_folder / "Ti.msa")
    assert spectrum.counts.min() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_spectra(data_folder / "Acrylic.msa")


@pytest.mark.parametrize("name", ["bruker_m6_jetstream_file_example.spx", XS52])
def test_real_spx(data_folder, name):
    from rsciio.bruker import file_reader

    (spectrum,) = open_spectra(data_folder / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (theirs,) = file_reader(str(data_folder / name))
    np.testing.assert_array_equal(spectrum.counts, theirs["data"])
    axis = theirs["axes"][0]
    assert spectrum.axis == EnergyAxis(axis["offset"], axis["scale"], axis["size"])
    assert spectrum.counts.dtype.kind == "i"
    assert spectrum.instrument.tube.anode == "Rh"


def test_facts_of_an_spx(data_folder):
    (spectrum,) = open_spectra(data_folder / XS52)
    assert spectrum.live_time_s == 300.313
    assert spectrum.title == "20170510_D1_Rh_50kv_100mA_acryl_f4 0"
    assert spectrum.counts.sum() == 5_611_163
    assert [layer.formula for layer in spectrum.instrument.tube.filters] == ["Al", "Ti"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<CalibLin>1.0001E-2<", "<CalibLin>0<", "--energy-axis"),
        ("<CalibAbs>-9.5639563E-1</CalibAbs>", "", "--energy-axis"),
        ("<Channels>0,0,", "<Channels>-5,0,", "down to -5"),
        ("<Channels>", "<Other>", "no counts"),
        ("<Channels>0,", "<Channels>x,", "no count"),
        ("</TRTSpectrum>", "", "not well-formed"),
    ],
)
def test_spx_that_cannot_be(tmp_path, data_folder, old, new, message):
    text = (data_folder / XS52).read_bytes().decode("cp1252")
    assert old in text
    text = text.replace(old, new)
    if new == "<Other>":
        text = text.replace("</Channels>", "</Other>")
    (tmp_path / "a.spx").write_bytes(text.encode("cp1252"))
    with pytest.raises(SpectrumError, match=message) as caught:
        open_spectra(tmp_path / "a.spx")
    assert "a.spx" in str(caught.value)


def test_spx_with_an_impossible_instrument(tmp_path, data_folder):
    raw = (data_folder / XS52).read_bytes().replace(b"<Anode>45<", b"<Anode>11<")
    (tmp_path / "a.spx").write_bytes(raw)
    with pytest.warns(UserWarning, match="anode 'Na'"):
        (spectrum,) = open_spectra(tmp_path / "a.spx")
    assert spectrum.instrument is None


spectra = st.builds(
    lambda counts, offset, gain, live_time, title: Spectrum(
        np.array(counts, dtype=np.int64 if all(isinstance(c, int) for c in counts) else np.float64),
        EnergyAxis(offset, gain, len(counts)),
        live_time,
        title,
    ),
    counts=st.lists(st.integers(0, 1 << 40), min_size=2, max_size=30)
    | st.lists(st.floats(0, 1e12), min_size=2, max_size=30),
    offset=st.floats(-1, 1).map(lambda value: round(value, 9)),
    gain=st.floats(1e-4, 1).map(lambda value: round(value, 9)),
    live_time=st.none() | st.floats(1e-6, 1e6),
    title=st.from_regex(
        r"[A-Za-z0-9äöü]([A-Za-z0-9 ,:;#$äöü/-]{0,100}[A-Za-z0-9])?", fullmatch=True
    ),
)


@settings(max_examples=60, deadline=None)
@given(spectrum=spectra, ending=st.sampled_from([".msa", ".hspy", ".npz"]))
def test_a_saved_spectrum_comes_back(tmp_path_factory, spectrum, ending):
    path = tmp_path_factory.mktemp("saved") / f"a{ending}"
    save_spectrum(spectrum, path)
    (back,) = open_spectra(path)
    np.testing.assert_array_equal(back.counts, spectrum.counts)
    assert back.counts.dtype == spectrum.counts.dtype
    assert back.axis.n_channels == spectrum.axis.n_channels
    assert back.axis.gain_keV == pytest.approx(spectrum.axis.gain_keV, rel=1e-9)
    assert back.axis.offset_keV == pytest.approx(spectrum.axis.offset_keV, abs=1e-12)
    assert back.live_time_s == spectrum.live_time_s
    assert back.title == spectrum.title
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_others_can_read_what_we_write(tmp_path):
    from rsciio.hspy import file_reader as read_hspy
    from rsciio.msa import file_reader as read_msa

    spectrum = Spectrum(COUNTS + 0.25, AXIS, 2.5, "quartz, simulated")
    for ending, read in ((".msa", read_msa), (".hspy", read_hspy)):
        save_spectrum(spectrum, tmp_path / f"a{ending}")
        (signal,) = read(str(tmp_path / f"a{ending}"))
        np.testing.assert_array_equal(signal["data"], COUNTS + 0.25)
        axis = signal["axes"][0]
        assert (axis["offset"], axis["scale"], axis["units"]) == (-0.955, 0.01, "keV")
        assert signal["metadata"]["General"]["title"] == "quartz, simulated"
    with np.load(save_npz(spectrum, tmp_path), allow_pickle=False) as archive:
        np.testing.assert_allclose(archive["energy_keV"], AXIS.energies_keV)
        assert archive["live_time_s"] == 2.5


def save_npz(spectrum: Spectrum, folder: Path) -> Path:
    save_spectrum(spectrum, folder / "a.npz")
    return folder / "a.npz"


def test_saving_replaces_a_file_whole(tmp_path):
    path = tmp_path / "a.msa"
    path.write_text("old")
    save_spectrum(Spectrum(COUNTS, AXIS), path)
    assert open_spectra(path)[0].counts.tolist() == COUNTS.tolist()


@pytest.mark.parametrize("ending", [".msa", ".hspy", ".npz"])
def test_places_that_cannot_be_written_to(tmp_path, ending):
    with pytest.raises(OutputError, match="cannot be written"):
        save_spectrum(Spectrum(COUNTS, AXIS), tmp_path / "missing" / f"a{ending}")
    (tmp_path / f"b{ending}").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        save_spectrum(Spectrum(COUNTS, AXIS), tmp_path / f"b{ending}")
    assert [file.name for file in tmp_path.iterdir()] == [f"b{ending}"]


def test_endings_that_are_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"\.msa, \.hspy, \.npz"):
        save_spectrum(Spectrum(COUNTS, AXIS), tmp_path / "a.csv")


def test_npz_of_many(tmp_path):
    counts = np.stack([COUNTS, 2 * COUNTS])
    np.savez(
        tmp_path / "a.npz",
        counts=counts,
        energy_keV=AXIS.energies_keV,
        live_time_s=[1.0, 2.0],
        mineral=["quartz", "albite"],
    )
    first, second = open_spectra(tmp_path / "a.npz")
    np.testing.assert_array_equal(second.counts, 2 * COUNTS)
    assert (first.title, second.title) == ("quartz", "albite")
    assert (first.live_time_s, second.live_time_s) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"counts": np.ones((2, 3, 40))}, "lithoscope map"),
        ({"counts": np.ones((0, 40))}, "shape"),
        ({"live_time_s": [1.0, 2.0]}, r"live_time_s of shape \(2,\) for 1 spectra"),
        ({"live_time_s": 0.0}, "live time is 0"),
        ({"counts": -np.ones(40)}, "down to -1"),
        ({"counts": np.full(40, np.nan)}, "NaN"),
    ],
)
def test_npz_that_cannot_be(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **{"counts": COUNTS, "energy_keV": AXIS.energies_keV, **arrays})
    with pytest.raises(SpectrumError, match=message) as caught:
        open_spectra(tmp_path / "a.npz")
    assert "a.npz" in str(caught.value)


def test_hspy_of_many(tmp_path):
    save_spectrum(Spectrum(COUNTS, AXIS, 2.5, "line"), tmp_path / "a.hspy")
    with h5py.File(tmp_path / "a.hspy", "a") as file:
        group = file["Experiments/line"]
        del group["data"]
        group["data"] = np.stack([COUNTS, 2 * COUNTS])
        group.move("axis-0", "axis-1")
        group.create_group("axis-0").attrs["navigate"] = True
    first, second = open_spectra(tmp_path / "a.hspy")
    np.testing.assert_array_equal(second.counts, 2 * first.counts)
    assert first.live_time_s == second.live_time_s == 2.5
    with h5py.File(tmp_path / "a.hspy", "a") as file:
        group = file["Experiments/line"]
        del group["data"]
        group["data"] = np.ones((2, 2, 40))
        group.move("axis-1", "axis-2")
        group.create_group("axis-1").attrs["navigate"] = True
    with pytest.raises(SpectrumError, match="lithoscope map"):
        open_spectra(tmp_path / "a.hspy")


def csv_file(folder: Path, text: str) -> Path:
    (folder / "a.csv").write_text(text, encoding="utf-8")
    return folder / "a.csv"


def test_csv(tmp_path):
    path = csv_file(tmp_path, "\ufeffenergy_keV,counts\r\n0.5, 3\r\n1.0,0\r\n\r\n1.5,12\r\n")
    (spectrum,) = open_spectra(path)
    assert spectrum.counts.tolist() == [3, 0, 12]
    assert spectrum.counts.dtype == np.int64
    assert spectrum.axis == EnergyAxis(0.5, 0.5, 3)
    assert spectrum.title == "a"


@settings(max_examples=50, deadline=None)
@given(spectrum=spectra)
def test_any_table_comes_back(tmp_path_factory, spectrum):
    rows = zip(spectrum.axis.energies_keV.tolist(), spectrum.counts.tolist(), strict=True)
    text = "energy_keV,counts\n" + "".join(f"{energy!r},{count!r}\n" for energy, count in rows)
    (back,) = open_spectra(csv_file(tmp_path_factory.mktemp("csv"), text))
    np.testing.assert_array_equal(back.counts, spectrum.counts)
    assert back.axis.gain_keV == pytest.approx(spectrum.axis.gain_keV, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the columns nothing"),
        ("0.5,3\n1,2\n", r"the columns 0\.5,3.*\n.*energy_keV,counts"),
        ("energy_keV;counts\n0.5;3\n", "the columns energy_keV;counts"),
        ("energy_keV,counts\n0.5\n", "line 2: 0.5"),
        ("energy_keV,counts\n0.5,3\n1,many\n", "line 3: 1,many"),
        ("energy_keV,counts\n0.5,3\n1,nan\n", "line 3"),
        ("energy_keV,counts\n0.5,3\n1,2,3\n", "line 3"),
        ("energy_keV,counts\n0.5,3\n", "two or more"),
        ("energy_keV,counts\n0.5,3\n1,3\n2,3\n", "off a straight line"),
        ("energy_keV,counts\n500,3\n5000,3\n", "--energy-axis"),
        ("energy_keV,counts\n0.5,-3\n1,3\n", "down to -3"),
        ('energy_keV,counts\n"0.5,3\n' + "x" * 200_000, "field"),
    ],
)
def test_csv_that_cannot_be(tmp_path, text, message):
    with pytest.raises(SpectrumError, match=message) as caught:
        open_spectra(csv_file(tmp_path, text))
    assert "a.csv" in str(caught.value)


MSA = (
    "#FORMAT      : EMSA/MAS Spectral Data File\n#NPOINTS     : 4\n#NCOLUMNS    : 2\n"
    "#XUNITS      : eV\n#DATATYPE    : Y\n#XPERCHAN    : 10\n#OFFSET      : -20.\n"
    "#LIVETIME  -s: 5.5\n#SPECTRUM    :\n1, 2,\n3, 4,\n#ENDOFDATA   :\n"
)


def msa_file(folder: Path, text: str, name: str = "a.emsa") -> Path:
    (folder / name).write_bytes(text.encode("latin-1"))
    return folder / name


def test_msa(tmp_path):
    (spectrum,) = open_spectra(msa_file(tmp_path, MSA.replace("\n", "\r\n")))
    assert spectrum.counts.tolist() == [1, 2, 3, 4]
    assert spectrum.axis == EnergyAxis(-0.02, 0.01, 4)
    assert spectrum.live_time_s == 5.5
    assert spectrum.title == "a"


def test_msa_of_pairs(tmp_path):
    text = MSA.replace(": Y\n", ": XY\n").replace("1, 2,\n3, 4,", "-20,1\n-10 2\n0,\t3\n10,4")
    text = text.replace("#XPERCHAN    : 10\n#OFFSET      : -20.\n", "")
    (spectrum,) = open_spectra(msa_file(tmp_path, text))
    assert spectrum.counts.tolist() == [1, 2, 3, 4]
    assert spectrum.axis.offset_keV == pytest.approx(-0.02)
    assert spectrum.axis.gain_keV == pytest.approx(0.01)


def test_a_filled_up_last_line_is_cut(tmp_path):
    (spectrum,) = open_spectra(msa_file(tmp_path, MSA.replace("NPOINTS     : 4", "NPOINTS : 3.0")))
    assert spectrum.counts.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("EMSA/MAS", "Other", "no EMSA/MAS file"),
        ("#SPECTRUM    :\n", "", "no EMSA/MAS file"),
        ("3, 4,\n", "", "holds 2 numbers where NPOINTS says 4"),
        ("3, 4,\n", "3, 4,\n5, 6,\n7, 8\n", "holds 8 numbers"),
        ("#NPOINTS     : 4\n", "#NPOINTS     : many\n", "NPOINTS says many"),
        ("3, 4,", "3, x,", "no number"),
        (": Y\n", ": Z\n", "data type Z"),
        ("#XUNITS      : eV\n", "", "--energy-axis"),
        ("#XPERCHAN    : 10\n", "", "--energy-axis"),
        ("#XPERCHAN    : 10\n", "#XPERCHAN    : 0\n", "--energy-axis"),
        ("#OFFSET      : -20.\n", "#OFFSET      : inf\n", "--energy-axis"),
        ("3, 4,", "3, nan,", "NaN"),
    ],
)
def test_msa_that_cannot_be(tmp_path, old, new, message):
    assert old in MSA
    path = msa_file(tmp_path, MSA.replace(old, new))
    with pytest.raises(SpectrumError, match=message) as caught:
        open_spectra(path)
    assert "a.emsa" in str(caught.value)


def test_negative_counts_at_a_line_are_refused(tmp_path):
    text = MSA.replace("-20.", "500").replace("1, 2,", "-1, 2,")
    with pytest.raises(SpectrumError, match="down to -1"):
        open_spectra(msa_file(tmp_path, text))


def test_a_given_axis_replaces_that_of_the_file(tmp_path):
    given = EnergyAxis(1.0, 0.02, 4096)
    np.savez(tmp_path / "a.npz", counts=COUNTS, energy_keV=np.zeros(40))
    for path in (msa_file(tmp_path, MSA.replace("#XUNITS      : eV\n", "")), tmp_path / "a.npz"):
        (spectrum,) = open_spectra(path, energy_axis=given)
        assert (spectrum.axis.offset_keV, spectrum.axis.gain_keV) == (1.0, 0.02)


@settings(max_examples=80, deadline=None)
@given(
    cut=st.integers(0, len(MSA)),
    inserted=st.text(st.characters(max_codepoint=255), max_size=10),
)
def test_any_change_of_an_msa_gives_a_spectrum_or_one_error(tmp_path_factory, cut, inserted):
    path = msa_file(tmp_path_factory.mktemp("msa"), MSA[:cut] + inserted + MSA[cut + 3 :])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            (spectrum,) = open_spectra(path)
        except SpectrumError:
            return
    assert math.isfinite(spectrum.counts.sum())


@pytest.mark.parametrize("name", ["missing.msa", "folder", "a.bcf", "a.png"])
def test_files_of_no_spectra(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.bcf").write_bytes(b"AAMVHFSS")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(SpectrumError) as caught:
        open_spectra(tmp_path / name)
    assert re.search(r"\.msa, \.emsa, \.spx, \.hspy, \.npz, \.csv", str(caught.value))
