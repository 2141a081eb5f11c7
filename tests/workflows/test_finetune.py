"""Finetuning a tiny model: what it learns from labels, what it keeps, and when it is refused."""

import dataclasses
import json

import numpy as np
import pytest

from lithoscope.errors import CheckpointError, LabelError
from lithoscope.inference.calibration import prediction_sets
from lithoscope.inference.predict import Predictor
from lithoscope.io import save_spectrum
from lithoscope.models.checkpoint import load_checkpoint
from lithoscope.workflows.finetune import finetune
from lithoscope.workflows.map_minerals import map_minerals
from lithoscope.workflows.model_spectra import spectra_of_model
from lithoscope.workflows.refit import refitted
from lithoscope.workflows.simulate import simulate

SHARED_AXIS = simulate("quartz").axis


@pytest.fixture(scope="module", autouse=True)
def _few_held_out():
    """Fewer machines and spectra for the guard, which otherwise take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lithoscope.workflows.rehearsal._HELD_OUT_MACHINES", 4)
        patch.setattr("lithoscope.workflows.rehearsal._HELD_OUT_SPECTRA", 1000)
        yield


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """Nine grains of two pixels, of two minerals that the model knows."""
    folder = tmp_path_factory.mktemp("scan")
    axis = simulate("quartz").axis
    grains = np.array([[0, 0, 1, 1, 0, 0], [1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 0, 0]])
    names = np.array(["galena", "hematite"])
    rng = np.random.default_rng(0)
    expected = [simulate(str(name), counts=2000, seed=1).counts for name in names]
    counts = np.stack([[rng.poisson(np.maximum(expected[g], 0)) for g in row] for row in grains])
    np.savez(folder / "scan.npz", counts=counts, energy_keV=axis.energies_keV)
    return folder, grains, names


def table(folder, grains, names, name="labels.csv"):
    lines = ["y,x,mineral,region"]
    for (y, x), grain in np.ndenumerate(grains):
        lines.append(f"{y},{x},{names[grain]},{y}-{x // 2}")
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def done(scan, tiny_model, tmp_path_factory):
    folder, grains, names = scan
    target = tmp_path_factory.mktemp("models") / "ours"
    made = finetune(
        [folder / "scan.npz"], table(folder, grains, names), target, model=tiny_model, spectra=2560
    )
    return target, made


def test_the_old_is_kept_and_the_measured_named(done):
    _, made = done
    assert made.simulated.after >= made.simulated.before - 0.01
    assert made.measured.after >= 0.9
    before, after = made.intervals
    # Nine grains, five and four: two and one of them tested, two pixels each.
    assert (after.regions, after.number) == (3, 6)
    assert before.number == after.number


def test_the_model_is_whole_and_maps(done, scan):
    target, made = done
    loaded = load_checkpoint(target)
    assert loaded.name == "ours"
    assert loaded.card["finetuned"]["from"] == "tiny"
    assert loaded.threshold == made.checkpoint.threshold
    text = (target / "CARD.md").read_text()
    assert "lithoscope finetune" in text
    assert "not trained on" in text
    assert "SAM right" not in text
    from lithoscope.io import open_scan

    result = map_minerals(open_scan(scan[0] / "scan.npz"), model=loaded)
    names = json.loads(result.dataset.attrs["long_names"])
    named = np.array(names)[result.dataset["mineral"].values]
    assert (named == scan[2][scan[1]]).mean() > 0.9


def test_what_belonged_to_the_old_weights_is_fitted_anew(done, tiny_model):
    target, made = done
    model = load_checkpoint(target)
    assert model.detector is not None
    assert model.temperature != tiny_model.temperature
    text = (target / "CARD.md").read_text()
    assert f"Calibrated by {model.conformal.spectra} spectra" in text
    assert "fitted anew, to simulated spectra alone" in text
    assert "best possible" not in text, "the ceiling's table holds what the old network named"
    assert any("fitted anew, to simulated spectra alone" in line for line in made.notes)
    # On simulated spectra of machines that none of it has seen.
    stream = spectra_of_model(model).for_tests(model.condition, seed=77)
    batches = [stream.at(1000.0).batch(number) for number in range(3)]
    counts = np.concatenate([batch.counts.numpy() for batch in batches])
    truth = np.concatenate([batch.classes.numpy() for batch in batches])
    said = Predictor(model, SHARED_AXIS).of_binned(counts)
    sets = prediction_sets(
        conformal=model.conformal,
        probabilities=said.probabilities,
        counts=said.counts,
        coverage=0.95,
    )
    assert sets[np.arange(len(sets)), truth].mean() > 0.88
    assert said.unknown.mean() < 0.06


def test_a_model_without_recipe_says_what_it_lacks(tiny_model):
    bare = dataclasses.replace(
        tiny_model.with_network(tiny_model.network, name="bare"), card={"trained_on": "?"}
    )
    kept, told = refitted(bare, lambda stage, done, total, note: None)
    assert kept.detector is None
    assert kept.conformal is None
    assert "--coverage and --false-alarms are refused" in told[0]


def test_the_labels_are_what_is_learnt(scan, tiny_model, tmp_path):
    """Even wrong ones: the guard sees simulated spectra alone, and these it still names."""
    folder, grains, names = scan
    swapped = table(folder, grains, names[::-1], "swapped.csv")
    settings = {"model": tiny_model, "spectra": 12_800, "most_loss": 100}
    made = finetune([folder / "scan.npz"], swapped, tmp_path / "swapped", **settings)
    assert made.measured.before < 0.1
    assert made.measured.after > 0.9


def test_what_ruins_the_model_is_refused_and_nothing_is_saved(
    scan, tiny_model, tmp_path, monkeypatch
):
    folder, grains, names = scan
    monkeypatch.setattr("lithoscope.workflows.finetune._LEARNING_RATE", 1.0)
    with pytest.raises(CheckpointError, match="points are lost, and nothing was saved"):
        finetune(
            [folder / "scan.npz"],
            table(folder, grains, names),
            tmp_path / "bad",
            model=tiny_model,
            spectra=1280,
        )
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("y,x,mineral\n0,0,galena\n0,1,galena\n", "two regions"),
        ("y,x,mineral\n0,9,galena\n", "x 9"),
        ("y,x,mineral\n0,0,galen\n", "'galen' .near: galena"),
        ("file,y,x,mineral\nother.npz,0,0,galena\n", "other.npz"),
    ],
)
def test_labels_that_do_not_fit(scan, tiny_model, tmp_path, text, told):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(LabelError, match=told):
        finetune([scan[0] / "scan.npz"], path, tmp_path / "new", model=tiny_model)
    assert not (tmp_path / "new").exists()


def test_spectra_in_files_of_their_own(tiny_model, tmp_path):
    lines = ["file,mineral"]
    for number, name in enumerate(["calcite", "calcite", "quartz"]):
        save_spectrum(simulate(name, counts=3000, seed=number), tmp_path / f"{number}.msa")
        lines.append(f"{number}.msa,{name}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    made = finetune(
        [tmp_path / f"{number}.msa" for number in range(3)],
        tmp_path / "labels.csv",
        tmp_path / "new",
        model=tiny_model,
        spectra=256,
    )
    assert made.intervals[1].number == 1
    assert any("not tested: quartz" in line for line in made.notes)


def test_a_model_that_was_not_simulated_cannot_be_guarded(scan, tiny_model, tmp_path):
    folder, grains, names = scan
    condition = dataclasses.replace(tiny_model.condition, severities={})
    model = dataclasses.replace(tiny_model, condition=condition)
    with pytest.raises(CheckpointError, match="guarded"):
        finetune([folder / "scan.npz"], table(folder, grains, names), tmp_path / "n", model=model)
