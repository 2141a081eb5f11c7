"""Instruments by name, from YAML and from headers; every mistake is named."""

from __future__ import annotations

import dataclasses
import typing
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.instrument import Instrument, Layer
from lithoscope.errors import InstrumentError, SpectrumError
from lithoscope.io import load_instrument, shipped_instruments
from lithoscope.io.instrument_schema import instrument_from_mapping, merged

NAMES = ("m4-tornado", "m4-tornado-40kev", "m4-tornado-plus", "pixl-breadboard")


def plain(value):
    """Return a dataclass as YAML would hold it."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_names_that_ship():
    assert shipped_instruments() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_shipped_instruments_are_whole(name):
    instrument = load_instrument(name)
    assert instrument.name == name
    assert instrument.tube.anode == "Rh"
    assert instrument.optic is not None
    assert instrument.axis.n_channels == 4096


def test_shipped_instruments_are_as_the_design_says():
    tornado, pixl = load_instrument("m4-tornado"), load_instrument("pixl-breadboard")
    assert tornado.tube.voltage_kV == 50
    assert tornado.atmosphere.gas == "vacuum"
    assert tornado.axis.gain_keV * 4096 == 50
    assert [layer.formula for layer in tornado.detector.window] == ["Be"]
    assert load_instrument("m4-tornado-40kev").axis.offset_keV == -0.955
    assert pixl.tube.voltage_kV == 28
    assert pixl.geometry.scattering_angle_deg == 160
    assert pixl.axis.gain_keV == 0.01


def test_the_plus_sees_carbon():
    import xraylib

    def transmission(name: str, energy_keV: float) -> float:
        layers = load_instrument(name).detector.window
        depth = sum(
            layer.mass_thickness_g_cm2 * xraylib.CS_Total_CP(layer.formula, energy_keV)
            for layer in layers
        )
        return 2.718281828**-depth

    carbon_ka = 0.277
    assert transmission("m4-tornado-plus", carbon_ka) > 0.3
    assert transmission("m4-tornado", carbon_ka) < 1e-6


def test_a_file_names_only_what_differs(tmp_path):
    path = written(
        tmp_path,
        "based_on: m4-tornado\ntube:\n  voltage_kV: 40\n  filters:\n"
        "    - {formula: Al, thickness_um: 12.5, density_g_cm3: 2.70}\n",
    )
    ours, theirs = load_instrument(path), load_instrument("m4-tornado")
    assert ours.name == "ours"
    assert ours.tube == dataclasses.replace(
        theirs.tube, voltage_kV=40, filters=(Layer("Al", 12.5, 2.70),)
    )
    assert (ours.optic, ours.geometry, ours.detector) == (
        theirs.optic,
        theirs.geometry,
        theirs.detector,
    )


def test_the_lens_can_be_taken_away(tmp_path):
    assert load_instrument(written(tmp_path, "based_on: m4-tornado\noptic: null\n")).optic is None


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_instrument_survives_yaml(tmp_path, name):
    instrument = load_instrument(name)
    path = written(tmp_path, yaml.safe_dump(plain(instrument)))
    assert load_instrument(path) == instrument


def test_the_schema_has_every_field_of_the_core():
    """What the dataclasses have can be written; a type that YAML cannot hold would show here."""

    def check(kind: type) -> None:
        for hint in typing.get_type_hints(kind).values():
            for inner in (hint, *typing.get_args(hint)):
                if dataclasses.is_dataclass(inner):
                    check(inner)
                elif inner not in (type(None), Ellipsis) and not typing.get_args(inner):
                    assert inner in (str, float, int, bool)

    check(Instrument)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tube: {voltage: 5}", r"'tube\.voltage'.*\n.*anode, voltage_kV.*\n.*write 'voltage_kV'"),
        ("voltage: 5", "no field 'voltage'"),
        ("tube: {voltage_kV: fifty}", r"tube\.voltage_kV is fifty.*\n.*valid number"),
        ("tube: {voltage_kV: true}", r"tube\.voltage_kV is True"),
        ("tube: {voltage_kV: 500}", "voltage_kV of the tube is 500.*\n.*4 to 100 kV"),
        ("tube: {voltage_kV: .nan}", "voltage_kV of the tube is nan"),
        ("tube: {anode: Xx}", "anode 'Xx'"),
        ("tube: {window: Be}", r"tube\.window is Be"),
        ("tube: [1]", r"tube is \[1\].*\n.*fields among anode"),
        ("tube: null", "tube is None"),
        ("optic: {rise: -2}", "rise of the polycapillary is -2"),
        ("optic: null\naxis: {offset_keV: null}", r"axis\.offset_keV is None"),
        ("optic: 5", "optic is 5"),
        ("geometry: {incidence_deg: 0}", "incidence_deg"),
        ("geometry: {scattering_angle_deg: 5}", "scattering_angle_deg is 5"),
        ("atmosphere: {gas: argon}", "atmosphere 'argon'"),
        ("detector: {fano: -1}", "fano"),
        ("detector: {window: [{formula: Be}]}", r"'detector\.window\.0\.thickness_um' is missing"),
        ("detector: {window: [{formula: B?, thickness_um: 1, density_g_cm3: 1}]}", r"B\?"),
        ("axis: {n_channels: 1.5}", r"axis\.n_channels is 1\.5"),
        ("axis: {gain_keV: 10}", "spans"),
        ("axis: {gain_keV: 0}", "gain is 0"),
        ("name: 5", "name is 5"),
        ("name: ''", "no name"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    path = written(tmp_path, f"based_on: m4-tornado\n{text}\n")
    with pytest.raises(InstrumentError, match=message) as caught:
        load_instrument(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x", "'tube' is missing.*\n.*\n.*based_on"),
        ("based_on: m4", "based_on is m4"),
        ("based_on: [1]", "based_on is"),
        ("based_on: ../m4-tornado", "based_on is"),
        ("- 1", "no fields"),
        ("", "no fields"),
        ("a: [", "not plain YAML"),
        ("a: &x 1\nb: *x", "aliases"),
        ("a: 1\na: 2", "'a' stands twice"),
        ("a: !!python/object/apply:os.system [ls]", "not plain YAML"),
        ("? [1, 2]\n: 3", "no field|not plain YAML"),
        ("[" * 5000, "not plain YAML"),
        ("a: " + "x" * (1 << 16), "holds more than"),
    ],
)
def test_files_that_are_no_instrument(tmp_path, text, message):
    with pytest.raises(InstrumentError, match=message):
        load_instrument(written(tmp_path, text))


def test_files_that_are_no_text(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InstrumentError, match="cannot be read"):
        load_instrument(path)


def test_unknown_names_come_with_near_ones():
    with pytest.raises(InstrumentError, match="did you mean m4-tornado") as caught:
        load_instrument("m4tornado")
    assert all(name in str(caught.value) for name in NAMES)
    with pytest.raises(InstrumentError, match="no instrument 'zzz'"):
        load_instrument("zzz")


@pytest.mark.parametrize("name", ["missing.yaml", "missing.spx", "missing.bcf"])
def test_missing_files(tmp_path, name):
    with pytest.raises(InstrumentError, match="There is no file"):
        load_instrument(tmp_path / name)


def test_from_a_header(data_folder):
    with pytest.warns(UserWarning, match=r"Air at 20\.1 mbar"):
        instrument = load_instrument(data_folder / "20170510_D1_Rh_50kv_100mA_acryl_f4_0.spx")
    assert instrument.name == "Bruker XS-52"
    assert instrument.optic == load_instrument("m4-tornado").optic
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m6 = load_instrument(str(data_folder / "bruker_m6_jetstream_file_example.spx"))
    assert m6.geometry.take_off_deg == 60


def test_a_header_without_x_rays(data_folder):
    with pytest.raises(InstrumentError, match="no X-ray source"):
        load_instrument(data_folder / "over16bit.bcf")


def test_a_broken_header(tmp_path):
    (tmp_path / "a.spx").write_bytes(b"<a>")
    with pytest.raises(SpectrumError, match="not well-formed"):
        load_instrument(tmp_path / "a.spx")


def test_merging_replaces_values_and_lists_but_not_parts():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 5}
    assert merged(base, {"a": {"c": [3]}, "d": {"e": 1}}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"e": 1},
    }
    assert base["a"]["c"] == [1, 2]


yaml_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    part=st.sampled_from(["name", "tube", "optic", "geometry", "atmosphere", "detector", "axis"]),
    field=st.sampled_from(["", "window", "voltage_kV", "gas", "fano", "gain_keV", "n_channels"]),
    value=yaml_values,
)
def test_any_value_gives_an_instrument_or_one_error(part, field, value):
    document = plain(load_instrument("m4-tornado"))
    if field and isinstance(document[part], dict):
        document[part][field] = value
    else:
        document[part] = value
    message = ""
    try:
        assert isinstance(instrument_from_mapping(document, "here"), Instrument)
    except InstrumentError as error:
        message = str(error)
    assert not message or "here" in message
