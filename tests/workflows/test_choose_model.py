"""The model follows the instrument where none is asked for."""

import dataclasses
from pathlib import Path

import pytest

from lithoscope.core.beam import Layer
from lithoscope.io import load_instrument, open_spectra
from lithoscope.models.checkpoint import find_checkpoint, instruments_of_shipped, shipped_models
from lithoscope.workflows import choose_model as choosing
from lithoscope.workflows.choose_model import AUTO, choose_model, model_for
from lithoscope.workflows.classify import classify_spectra
from lithoscope.workflows.simulate import simulate

DATA = Path(__file__).parents[1] / "data"


def windowed(*layers):
    """An M4 Tornado with another detector window."""
    known = load_instrument("m4-tornado")
    return dataclasses.replace(
        known, name="other", detector=dataclasses.replace(known.detector, window=layers)
    )


@pytest.mark.parametrize("model", shipped_models())
def test_each_model_is_chosen_for_what_it_was_trained_for(model):
    for name in instruments_of_shipped(model):
        assert choose_model(load_instrument(name)) == model


@pytest.mark.parametrize(
    ("layer", "model"),
    [
        # Of 0.525 keV 0.3, 57 and 56 % pass, by xraylib's attenuation.
        (Layer(formula="Be", thickness_um=8.0, density_g_cm3=1.848), "default"),
        (Layer(formula="Si3N4", thickness_um=0.15, density_g_cm3=3.17), "m4-tornado-plus"),
        (Layer(formula="C22H10N2O5", thickness_um=0.4, density_g_cm3=1.42), "m4-tornado-plus"),
    ],
)
def test_the_window_chooses_and_no_name(layer, model):
    assert choose_model(windowed(layer)) == model


def test_beryllium_in_measured_headers_and_headers_that_are_missing():
    (measured,) = open_spectra(DATA / "20170510_D1_Rh_50kv_100mA_acryl_f4_0.spx")
    assert choose_model(measured.instrument) == "default"
    assert choose_model(None) == "default"


def test_options_come_before_headers():
    plus = load_instrument("m4-tornado-plus")
    assert model_for(AUTO, option=None, header=plus).name == "m4-tornado-plus"
    assert model_for(AUTO, option="m4-tornado", header=plus).name == "default"
    assert model_for("default", option=None, header=plus).name == "default"
    loaded = find_checkpoint("default")
    assert model_for(loaded, option=None, header=plus) is loaded


def test_a_model_is_loaded_once_for_many_instruments(monkeypatch):
    loaded = []

    def counting(name):
        loaded.append(name)
        return find_checkpoint(name)

    monkeypatch.setattr(choosing, "find_checkpoint", counting)
    known = load_instrument("m4-tornado")
    spectra = [
        simulate("quartz", instrument=dataclasses.replace(known, name=name), counts=3000, seed=1)
        for name in ("first", "second", "third")
    ]
    classify_spectra(spectra)
    assert loaded == ["default"]


def test_spectra_of_a_file_may_be_of_several_instruments():
    spectra = [
        simulate("magnesite", instrument=name, counts=30_000, seed=1)
        for name in ("m4-tornado", "m4-tornado-plus")
    ]
    both = classify_spectra(spectra)
    alone = [
        classify_spectra([spectra[0]], model="default")[0],
        classify_spectra([spectra[1]], model="m4-tornado-plus")[0],
    ]
    assert [answer["top"] for answer in both] == [answer["top"] for answer in alone]
    assert both[1]["warnings"] == []
