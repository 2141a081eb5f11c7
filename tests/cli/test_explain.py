"""``lithoscope classify --explain``: a picture beside the answer, of one spectrum."""

import json

import pytest

from lithoscope.io import save_spectrum
from lithoscope.models.checkpoint import save_checkpoint
from lithoscope.workflows.simulate import simulate


@pytest.fixture
def named(tiny_model, tmp_path):
    save_checkpoint(tiny_model, tmp_path / "tiny")
    for name in ("hematite", "calcite"):
        save_spectrum(simulate(name, counts=4000, seed=1), tmp_path / f"{name}.msa")
    return tmp_path


def test_the_picture_names_the_class_and_its_lines(named, lithoscope):
    status, out, err = lithoscope(
        "classify", named / "hematite.msa", "--model", named / "tiny", "--explain", named / "w.svg"
    )
    assert status == 0, err
    assert "hematite 9" in out or "hematite 100" in out
    assert "explained in" in out
    assert "w.svg" in out.replace("\n", "")
    drawn = (named / "w.svg").read_text(encoding="utf-8")
    assert "What spoke for hematite" in drawn
    assert "Fe Kα" in drawn
    assert "spoke against it" in drawn


def test_only_among_the_minerals_that_are_asked_for(named, lithoscope):
    status, out, err = lithoscope(
        "classify",
        named / "hematite.msa",
        "--model",
        named / "tiny",
        "--minerals",
        "calcite,galena",
        "--explain",
        named / "w.svg",
        "--json",
    )
    assert status == 0, err
    (answer,) = json.loads(out)
    drawn = (named / "w.svg").read_text(encoding="utf-8")
    assert f"What spoke for {answer['mineral']}" in drawn
    assert answer["mineral"] in ("calcite", "galena")


@pytest.mark.parametrize(
    ("files", "picture", "told"),
    [
        (("hematite.msa", "calcite.msa"), "w.png", "2 spectra with --explain"),
        (("hematite.msa",), "w.doc", ".png"),
        (("hematite.msa",), "none/w.png", "none"),
    ],
)
def test_what_cannot_be_drawn_is_one_message(named, lithoscope, files, picture, told):
    status, out, err = lithoscope(
        "classify",
        *(named / file for file in files),
        "--model",
        named / "tiny",
        "--explain",
        named / picture,
    )
    assert (status, out) == (2, "")
    assert told in " ".join(err.split())
    assert "Traceback" not in err
    assert not (named / picture).exists()
