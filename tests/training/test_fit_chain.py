"""Chains fitted to the training stream, and models that carry them."""

import json

import numpy as np
import pytest

from lithoscope.errors import CheckpointError
from lithoscope.inference.predict import Predictor
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import load_checkpoint
from lithoscope.workflows.make_model import make_model
from lithoscope.workflows.recipe import load_recipe
from lithoscope.workflows.simulate import simulate

NAMES = ["quartz", "hematite", "galena"]


def made(folder, preprocessing, spectra=6_000, names=NAMES, **changes):
    recipe = load_recipe("quick").model_dump() | {
        "preprocessing": preprocessing,
        "spectra": spectra,
        "test_spectra": 300,
        "threshold_spectra": 20,
        "machines": 1,
        "per_machine": 512,
        **changes,
    }
    library = load_library()
    return make_model(
        type(load_recipe("quick")).model_validate(recipe),
        folder,
        minerals=[library.get(name) for name in names],
    )


@pytest.mark.parametrize(
    ("preprocessing", "batch_size"),
    [
        ([{"step": "normalise", "by": "log"}, "standardise"], 128),
        ([{"step": "pca", "components": 8, "whiten": True}], 128),
        # An autoencoder learns in steps, and has to before the classifier can.
        ([{"step": "vae", "latent": 8, "output": "code"}], 16),
    ],
)
def test_a_model_carries_its_chain(tmp_path, preprocessing, batch_size):
    model = made(tmp_path / "model", preprocessing, batch_size=batch_size)
    accuracy = {row["counts"]: row["network"] for row in model.card["accuracy"]["poisson"]}
    assert accuracy[3000.0] > 0.9
    loaded = load_checkpoint(tmp_path / "model")
    assert loaded.preprocessing.description() == model.preprocessing.description()
    assert loaded.preprocessing.is_fitted
    spectrum = simulate("hematite", counts=3000)
    answers = [
        Predictor(one, spectrum.axis)(spectrum.counts[None]).probabilities
        for one in (model, loaded)
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)
    assert loaded.labels.labels[answers[1][0].argmax()] == "hematite"


def test_an_autoencoder_s_training_is_logged_and_seeded(tmp_path):
    models = [
        made(
            tmp_path / name,
            [{"step": "vae", "latent": 4}, "network"],
            spectra=256,
            names=["quartz"],
        )
        for name in ("a", "b")
    ]
    weights = [model.preprocessing.arrays()["0/code.weight"] for model in models]
    np.testing.assert_array_equal(*weights)
    assert (tmp_path / "a-log-preprocessing").is_dir()


def test_finer_bins_are_a_recipe_s_choice(tmp_path):
    model = made(tmp_path / "model", ["network"], spectra=256, names=["quartz"], bins_per_fwhm=1.5)
    assert len(model.axis) < 300
    assert load_checkpoint(tmp_path / "model").axis.bins_per_fwhm == 1.5


def test_a_model_of_an_older_format_is_refused(tmp_path):
    made(tmp_path / "model", ["network"], spectra=256, names=["quartz"])
    path = tmp_path / "model" / "model.json"
    description = json.loads(path.read_text())
    assert description["preprocessing"] == [{"step": "network"}]
    path.write_text(json.dumps(description | {"format": 1}))
    with pytest.raises(CheckpointError, match=r"format 1(.|\n)*train it again"):
        load_checkpoint(tmp_path / "model")


def test_a_model_whose_chain_is_damaged_is_refused(tmp_path):
    made(tmp_path / "model", [{"step": "pca", "components": 8}], spectra=256, names=["quartz"])
    path = tmp_path / "model" / "model.json"
    description = json.loads(path.read_text())
    description["preprocessing"][0]["components"] = 9
    path.write_text(json.dumps(description))
    with pytest.raises(ValueError, match="'pca' learnt shape"):
        load_checkpoint(tmp_path / "model")
    del description["preprocessing"]
    path.write_text(json.dumps(description))
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(tmp_path / "model")


def test_a_recipe_with_a_bad_chain_is_refused(tmp_path):
    path = tmp_path / "recipe.yaml"
    text = (load_recipe("quick").model_dump_json()).replace('"step":"network"', '"step":"netwrok"')
    path.write_text(text)
    with pytest.raises(CheckpointError, match="netwrok"):
        load_recipe(str(path))
