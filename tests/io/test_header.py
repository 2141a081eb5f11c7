"""Bruker's header, value by value as it stands in real files, and hostile XML."""

from __future__ import annotations

import base64
import math
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Geometry, Instrument, Layer, Polycapillary, Tube
from lithoscope.errors import InstrumentError, ScanError
from lithoscope.io.bruker.header import parse_header
from lithoscope.io.bruker.header_files import read_bruker_header
from lithoscope.io.bruker.header_parts import HeaderLayer, read_detector
from lithoscope.io.bruker.instrument import instrument_from_header
from lithoscope.io.bruker.xml_tree import number_of, numbers_of, parse_xml

M6 = "bruker_m6_jetstream_file_example.spx"
XS52 = "20170510_D1_Rh_50kv_100mA_acryl_f4_0.spx"
LENS = Polycapillary(rise=1.0, fall_keV=12.0, steepness=4.0)
DEFAULT = Instrument(
    "default",
    tube=Tube(solid_angle_sr=0.017),
    optic=LENS,
    geometry=Geometry(scattering_angle_deg=130.0),
)


def header_of(xml: str | bytes):
    raw = xml.encode("cp1252") if isinstance(xml, str) else xml
    return parse_header(raw, where="here", error=ScanError)


def test_m6_jetstream(data_folder):
    header = read_bruker_header(data_folder / M6)
    assert header.title == "p 059"
    assert header.step_um is None
    assert header.has_xrf
    assert header.machine == "Bruker XS-51"
    (spectrum,) = header.spectra
    assert spectrum.counts.size == 4096
    assert spectrum.counts.sum() == 1_090_697
    calibration = spectrum.calibration
    assert calibration.offset_keV == -0.95550444
    assert calibration.gain_keV == 0.009999
    assert calibration.n_channels == 4096
    assert calibration.sigma_abs == 9.892997828e-4
    assert calibration.sigma_lin == 4.466391048e-4
    hardware = spectrum.hardware
    assert (hardware.real_time_s, hardware.live_time_s) == (30.0, 28.046)
    assert (hardware.zero_peak_channel, hardware.zero_peak_frequency_hz) == (96, 10_000)
    assert (hardware.amplification, hardware.shaping_time) == (40_000, 130_000)
    detector = spectrum.detector
    assert detector.type == "XFlash 430"
    assert (detector.thickness_mm, detector.dead_layer_um) == (0.45, 0.029)
    assert detector.window == (HeaderLayer(4, 12.5),)
    assert [layer.atomic_number for layer in detector.layers] == [13, 7, 5, 6, 8]
    assert detector.layers[1].thickness_um == 0.085


def test_m6_jetstream_source(data_folder):
    xrf = read_bruker_header(data_folder / M6).spectra[0].xrf
    assert (xrf.chassis, xrf.tube, xrf.anode) == ("XS-51", "ixtube-Rh-30", 45)
    assert (xrf.voltage_kV, xrf.current_uA) == (50, 199)
    assert (xrf.tube_incidence_deg, xrf.tube_take_off_deg) == (78, 12)
    assert xrf.tube_window == (HeaderLayer(4, 100.0, 1.0),)
    assert xrf.optic == "Lens"
    assert len(xrf.optic_parameters) == 10
    assert xrf.optic_parameters[:2] == (9.651050594e-3, 7.533430458)
    assert (xrf.filter_name, xrf.filters) == ("Empty", ())
    assert xrf.spot_size_um == 50
    assert (xrf.excitation_angle_deg, xrf.detection_angle_deg) == (90, 60)
    assert (xrf.excitation_path_mm, xrf.detection_path_mm) == (13, 16)
    assert (xrf.solid_angle_sr, xrf.pressure_mbar, xrf.atmosphere) == (0.0065, 1000, "Helium")


def test_xs52(data_folder):
    header = read_bruker_header(data_folder / XS52)
    (spectrum,) = header.spectra
    assert header.machine == "Bruker XS-52"
    assert spectrum.counts.sum() == 5_611_163
    assert spectrum.calibration.offset_keV == -0.95639563
    assert spectrum.calibration.gain_keV == 0.010001
    assert spectrum.hardware.live_time_s == 300.313
    assert spectrum.detector.window == (HeaderLayer(4, 13.0),)
    xrf = spectrum.xrf
    assert (xrf.voltage_kV, xrf.current_uA) == (50, 99)
    assert xrf.filter_name == "AlTi_100/25"
    assert xrf.filters == (HeaderLayer(13, 100.0), HeaderLayer(22, 25.0))
    assert (xrf.excitation_angle_deg, xrf.detection_angle_deg) == (50, 50)
    assert (xrf.pressure_mbar, xrf.atmosphere) == (20.1, "Air")


def test_map_header(data_folder):
    header = read_bruker_header(data_folder / "16x16_12bit_packed_8bit.bcf")
    assert header.title == "Map data"
    # Written with decimal commas.
    assert header.step_um == (0.966497572879043, 0.966497572879044)
    assert not header.has_xrf
    assert header.spectra[0].calibration.n_channels == 2048


def test_instrument_of_the_m6(data_folder):
    header = read_bruker_header(data_folder / M6)
    instrument, notes = instrument_from_header(header, name="m6", default=DEFAULT)
    assert notes == []
    assert instrument.name == "m6"
    assert instrument.optic == LENS
    assert (instrument.tube.anode, instrument.tube.voltage_kV) == ("Rh", 50)
    assert instrument.tube.current_mA == pytest.approx(0.199)
    assert instrument.tube.window == (Layer("Be", 100.0, 1.848),)
    # A beam from above leaves one angle only.
    assert instrument.geometry.scattering_angle_deg == 150
    assert instrument.tube.solid_angle_sr == 0.017
    assert (instrument.atmosphere.gas, instrument.atmosphere.pressure_mbar) == ("helium", 1000)
    assert instrument.detector.thickness_um == pytest.approx(450)
    assert instrument.axis == EnergyAxis(-0.95550444, 0.009999, 4096)


@pytest.mark.parametrize("name", [M6, XS52])
def test_resolution_is_that_of_a_drift_detector(data_folder, name):
    header = read_bruker_header(data_folder / name)
    detector = instrument_from_header(header, name="x", default=DEFAULT)[0].detector
    # FWHM^2 = noise^2 + 8 ln 2 F epsilon E, at Mn Ka.
    variance = 8 * math.log(2) * detector.fano * 3.65e-3 * 5.895
    assert 0.14 < math.sqrt(detector.noise_keV**2 + variance) < 0.15


def test_instrument_of_the_xs52(data_folder):
    header = read_bruker_header(data_folder / XS52)
    instrument, notes = instrument_from_header(header, name="x", default=DEFAULT)
    assert notes == ["the header says Air at 20.1 mbar; taken for vacuum"]
    assert instrument.atmosphere.gas == "vacuum"
    assert instrument.geometry.scattering_angle_deg == 130
    assert [layer.formula for layer in instrument.tube.filters] == ["Al", "Ti"]
    assert [layer.thickness_um for layer in instrument.tube.filters] == [100, 25]
    assert [layer.density_g_cm3 for layer in instrument.tube.filters] == pytest.approx(
        [2.70, 4.54], abs=0.01
    )


def changed_xs52(data_folder, *changes: tuple[str, str]):
    text = (data_folder / XS52).read_bytes().decode("cp1252")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return header_of(text)


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("<Atmosphere>Air<", "<Atmosphere>Krypton<", "'Krypton' is not known"),
        ("<Current>99</Current>", "", "no tube current"),
        ("<Optic>Lens<", "<Optic>Mirror<", "optic 'Mirror'"),
        ("<Optic>Lens</Optic>", "", "no optic"),
        ("<SolidAngleDetection>6.5E-3</SolidAngleDetection>", "", "no solid angle"),
        ("<DetectorThickness>0.45</DetectorThickness>", "", "no thickness"),
        ('<Layer0 Atom="4" Thickness="1.3E1"/>', "", "no detector window"),
        ("<SigmaAbs>1.024635277E-3<", "<SigmaAbs>1.024635277<", "resolution of"),
        ("<SigmaLin>", "<Sigma>", "no resolution"),
        ("<CalibLin>1.0001E-2<", "<CalibLin>0<", "no energy calibration"),
        ('Atom="4" Thickness="1.3E1"', 'Atom="14" Thickness="380" RelativeArea="0.23"', "Si grid"),
        ('Atom="4" Thickness="1.3E1"', 'Atom="7" Thickness="0.05"', "density of a polymer"),
    ],
)
def test_what_is_lacking_is_noted(data_folder, old, new, note):
    new = new.replace("<Sigma>", "<Sigma>0</Sigma><SigmaLin>-")
    header = changed_xs52(data_folder, (old, new))
    _, notes = instrument_from_header(header, name="x", default=DEFAULT)
    assert any(note in line for line in notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<Anode>45<", "<Anode>900<", "atomic number 900"),
        ("<Anode>45<", "<Anode>11<", "anode 'Na'"),
        ("<Voltage>50</Voltage>", "", "no tube voltage"),
        ("<Voltage>50<", "<Voltage>5000<", "voltage_kV"),
        ("<AtomicNumber>13,22<", "<AtomicNumber>13,0<", "atomic number 0"),
        ("<ExcitationAngle>5E1<", "<ExcitationAngle>-5<", "incidence_deg"),
        ('"TRTXrfHeader"', '"TRTOther"', "no X-ray source"),
    ],
)
def test_impossible_instruments_are_refused(data_folder, old, new, message):
    header = changed_xs52(data_folder, (old, new))
    with pytest.raises(InstrumentError, match=message):
        instrument_from_header(header, name="x", default=DEFAULT)


def test_a_collimator_has_no_lens(data_folder):
    header = changed_xs52(data_folder, ("<Optic>Lens<", "<Optic>Collimator<"))
    assert instrument_from_header(header, name="x", default=DEFAULT)[0].optic is None


SPECTRUM = '<TRTSpectrum><ClassInstance Type="TRTSpectrum">{}</ClassInstance></TRTSpectrum>'


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("", "not well-formed"),
        ("<TRTSpectrum", "not well-formed"),
        ("<TRTSpectrum/>", "holds no spectrum"),
        ('<a><ClassInstance Type="TRTSpectrumDatabase"/></a>', "holds no spectrum"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "defines entities"),
        ('<a><!ENTITY b SYSTEM "file:///etc/passwd"></a>', "defines entities"),
        ("<a>&b;</a>", "not well-formed"),
        ('<?xml version="1.0" encoding="utf-7"?><a/>', "encoded as utf-7"),
        ("<a>" + "<b/>" * 2_000_001 + "</a>", "more than 2000000 elements"),
        (SPECTRUM.format("<Channels>1,2,x</Channels>"), "no count"),
        (SPECTRUM.format(f"<Channels>{'9' * 30}</Channels>"), "no count"),
        (SPECTRUM.format(f"<Channels>{'0,' * 70_000}0</Channels>"), "70001 channels"),
    ],
)
def test_hostile_xml_is_refused(xml, message):
    with pytest.raises(ScanError, match=message) as caught:
        header_of(xml)
    assert "here" in str(caught.value)


def test_bruker_xml_is_made_well_formed():
    raw = b'<?xml version="1.0" encoding="WINDOWS-1252"?><a n="\xb5m"><1b>5,3</1b>\x00\x02</a>\x00'
    root = parse_xml(raw, where="here", error=ScanError)
    assert root.get("n") == "µm"
    assert number_of(root, "_1b") == 5.3
    assert numbers_of(root, "_1b") == (5.0, 3.0)
    assert number_of(root, "missing") is None
    assert parse_xml("<a>ü</a>".encode("cp1252"), where="here", error=ScanError).text == "ü"


@pytest.mark.parametrize("packed", ["", "%%%", base64.b64encode(b"no zlib").decode()])
def test_unreadable_detector_layers_are_left_out(packed):
    root = parse_xml(f"<a><DetLayers>{packed}</DetLayers></a>".encode(), where="x", error=ScanError)
    assert read_detector(root).layers == ()


def test_a_bomb_of_detector_layers_is_left_out():
    packed = base64.b64encode(zlib.compress(b"<a>" + b" " * (64 << 20) + b"</a>")).decode()
    root = parse_xml(f"<a><DetLayers>{packed}</DetLayers></a>".encode(), where="x", error=ScanError)
    assert read_detector(root).layers == ()


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=300) | st.text("<>/=\"'& abT1!-[]", max_size=200).map(str.encode))
def test_any_bytes_give_a_header_or_one_error(raw):
    with pytest.raises(ScanError):
        header_of(raw)
