"""``lithoscope finetune``: a table of before and after, a model that classifies, one message."""

import json

import pytest

from lithoscope.io import save_spectrum
from lithoscope.models.checkpoint import save_checkpoint
from lithoscope.workflows.simulate import simulate


@pytest.fixture(scope="module")
def labelled(tiny_model, tmp_path_factory):
    """Eight files of two minerals and their labels, beside a model that knows both."""
    folder = tmp_path_factory.mktemp("labelled")
    save_checkpoint(tiny_model, folder / "tiny")
    lines = ["file,mineral"]
    for number, name in enumerate(["calcite", "galena"] * 4):
        save_spectrum(simulate(name, counts=3000, seed=number), folder / f"{number}.msa")
        lines.append(f"{number}.msa,{name}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(autouse=True)
def _few_held_out(monkeypatch):
    """Fewer machines and spectra for the guard, which otherwise take most of the time."""
    monkeypatch.setattr("lithoscope.workflows.rehearsal._HELD_OUT_MACHINES", 4)
    monkeypatch.setattr("lithoscope.workflows.rehearsal._HELD_OUT_SPECTRA", 1000)


def arguments_of(folder, output, *more, labels="labels.csv"):
    files = sorted(folder.glob("*.msa"))
    chosen = ("--labels", folder / labels, "--model", folder / "tiny")
    return ("finetune", *files, *chosen, "-o", output, *more)


def test_before_and_after_stand_in_a_table_and_the_model_classifies(
    labelled, lithoscope, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = lithoscope(*arguments_of(labelled, tmp_path / "new", "--spectra", 1280))
    assert status == 0, err
    lines = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    assert any("before" in line and "after" in line for line in out.splitlines())
    # Four files of each: a third, rounded, is kept of each mineral, and all of it named.
    measured = next(line for name, line in lines.items() if "measured, kept apart" in name)
    assert "2 measured" in measured
    assert measured.count("100.0%") == 2
    card = json.loads((tmp_path / "new" / "model.json").read_text())["card"]
    for share in card["finetuned"]["simulated"].values():
        assert f"{share:.1%}" in out
    assert "6 spectra to train on" in out.replace("\n", " ")
    status, out, err = lithoscope(
        "classify", labelled / "1.msa", "--model", tmp_path / "new", "--json"
    )
    assert status == 0, err
    assert json.loads(out)[0]["mineral"] == "galena"


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("file,mineral\n0.msa,calcit\n", (), "calcite"),
        ("file,mineral\n0.msa,calcite\n1.msa,galena\n", (), "labels nothing in"),
        (None, ("--spectra", 5), "128 spectra or more"),
        (None, ("--most-loss", -1), "points"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_nothing_is_saved(
    labelled, lithoscope, tmp_path, text, more, told
):
    labels = "labels.csv"
    if text is not None:
        labels = "wrong.csv"
        (labelled / labels).write_text(text)
    status, _, err = lithoscope(*arguments_of(labelled, tmp_path / "new", *more, labels=labels))
    assert status == 2
    assert told in " ".join(err.split())
    assert "Traceback" not in err
    assert not (tmp_path / "new").exists()
