"""The quick recipe end to end: it learns, it is seeded, its card is honest."""

import json

import numpy as np
import pytest
import torch

from lithoscope.core.labels import LabelSet
from lithoscope.errors import CheckpointError
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import load_checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.workflows.make_model import make_model
from lithoscope.workflows.model_notes import card_of_model, notes_of_model
from lithoscope.workflows.model_spectra import ModelSpectra, distinct_physics
from lithoscope.workflows.recipe import adjust_recipe, load_recipe, shipped_recipes


def test_a_tiny_model_tells_five_materials_apart(tiny_model):
    poisson = {row["counts"]: row["network"] for row in tiny_model.card["accuracy"]["poisson"]}
    assert poisson[3000.0] > 0.95
    assert poisson[30.0] > 0.6
    real = {row["counts"]: row["network"] for row in tiny_model.card["accuracy"]["realistic"]}
    assert real[3000.0] > 0.6


def test_its_card_says_what_it_was_measured_on(tiny_model):
    card = tiny_model.card
    assert "own simulation" in card["tested_on"]
    for rows in card["accuracy"].values():
        assert all({"network", "sam", "spectra", "counts"} <= set(row) for row in rows)
    notes = " ".join(notes_of_model(tiny_model))
    assert "not on measured spectra" in notes
    assert "spectral angle mapping" in notes


def test_its_card_can_be_read(tiny_model):
    text = card_of_model(tiny_model)
    assert "not on measured spectra" in text
    assert "| 3,000 |" in text
    assert f"{tiny_model.card['parameters']:,} parameters" in text


def test_its_card_stands_beside_the_ceiling(tiny_model):
    rows = {row["counts"]: row for row in tiny_model.card["ceiling"]}
    assert list(rows) == [100.0, 300.0, 1000.0, 3000.0, 10000.0]
    for row in rows.values():
        # On the same spectra none does better than the best, but by chance.
        assert row["network"] <= row["upper"] + 3 * row["standard_error"]
        assert row["templates"] == tiny_model.card["recipe"]["ceiling_templates"]
    # Five materials as different as these are told apart by whoever knows them.
    assert rows[3000.0]["estimates"][-1] > 0.97
    assert "best possible" in card_of_model(tiny_model)


def test_its_card_names_what_it_confuses(tiny_model):
    for condition in ("poisson", "realistic"):
        pairs = tiny_model.card["confusions"][condition]
        shares = [one["share"] for one in pairs]
        assert shares == sorted(shares, reverse=True)
        assert all(one["truth"] != one["named"] and one["counts"] == 1000 for one in pairs)
    one = tiny_model.card["confusions"]["realistic"][0]
    assert f"{one['truth']} as {one['named']} {one['share']:.0%}" in card_of_model(tiny_model)


def test_thresholds_rise_one_false_alarm_in_a_hundred(tiny_model):
    assert tiny_model.threshold.false_alarms == 0.01
    assert np.isfinite(tiny_model.threshold.scores).all()


def test_the_same_seed_gives_the_same_weights(tmp_path):
    library = load_library()
    minerals = [library.get("quartz"), library.get("hematite")]
    recipe = load_recipe("quick").model_copy(
        update={
            "machines": 1,
            "per_machine": 256,
            "spectra": 512,
            "test_spectra": 20,
            "threshold_spectra": 20,
        }
    )
    weights = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made = make_model(adjust_recipe(recipe, seed=seed), tmp_path / name, minerals=minerals)
        weights.append(torch.cat([value.flatten() for value in made.network.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    loaded = load_checkpoint(tmp_path / "a")
    assert loaded.labels.labels == ("quartz", "hematite")
    description = json.loads((tmp_path / "a" / "model.json").read_text())
    assert description["card"]["recipe"]["seed"] == 1


def test_training_holds_the_shares_of_its_recipe():
    library = load_library()
    minerals = [library.get("quartz"), library.get("hematite")]
    shares = {"undistorted_share": 0.25, "pure_share": 1.0, "machines": 1, "per_machine": 256}
    recipe = load_recipe("quick").model_copy(update=shares)
    labels = LabelSet.of_minerals(["quartz", "hematite"])
    stream = ModelSpectra(recipe, minerals, labels, ModelAxis()).for_training()
    assert [one.condition.name for one in stream.streams] == [recipe.condition, "poisson"]
    assert [one.batch_size for one in stream.streams] == [
        recipe.batch_size * 3 // 4,
        recipe.batch_size // 4,
    ]
    assert all(one.condition.counts == recipe.counts for one in stream.streams)
    assert len(stream.batch(0).classes) == recipe.batch_size
    for one in stream.streams:
        batch = one.batch(0)
        quartz = batch.fractions[batch.classes == 0]
        held = {one.symbols[place] for place in quartz.any(dim=0).nonzero().flatten()}
        assert held == {"Si", "O"}


def test_a_recipe_may_begin_below_fluorine():
    """Through the windows of the M4 Tornado Plus F K (0.68 keV) stands out of fluorite."""
    recipe = load_recipe("m4-tornado-plus")
    assert recipe.axis().edges_keV[0] == pytest.approx(0.2)
    assert load_recipe("default").axis().edges_keV[0] == pytest.approx(0.8)
    small = recipe.model_copy(update={"machines": 1, "per_machine": 256, "undistorted_share": 0.9})
    names = ["calcite", "fluorite"]
    minerals = [load_library().get(name) for name in names]
    spectra = ModelSpectra(small, minerals, LabelSet.of_minerals(names), small.axis())
    stream = spectra.for_training().streams[1].at(1e6)
    centres = (stream.edges_keV[1:] + stream.edges_keV[:-1]) / 2
    line = (centres > 0.63) & (centres < 0.73)
    batch = stream.batch(0)
    calcite, fluorite = (batch.expected[batch.classes == k][:, line].sum(dim=1) for k in (0, 1))
    assert fluorite.min() > 3 * calcite.max()


def test_instruments_that_differ_in_their_axis_alone_are_simulated_once():
    from lithoscope.io import load_instrument

    names = ["m4-tornado", "m4-tornado-40kev", "pixl-breadboard"]
    kept = distinct_physics([load_instrument(name) for name in names])
    assert [instrument.name for instrument in kept] == ["m4-tornado", "pixl-breadboard"]


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_are_sound(name):
    recipe = load_recipe(name)
    assert (recipe.condition, set(recipe.severities) - {"filter"}) == ("realistic", set())
    assert recipe.measured_under().counts == (30, 1e6)


def test_recipes_train_alike_when_they_differ_in_tests_alone():
    recipe = load_recipe("quick")
    assert recipe.model_copy(update={"test_spectra": 10}).training() == recipe.training()
    for name, value in (("pure_share", 0.5), ("instruments", ["pixl-breadboard"]), ("seed", 99)):
        assert recipe.model_copy(update={name: value}).training() != recipe.training()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network: cnn\nspeed: 9\n", "speed"),
        ("network: cnn\n", "instruments"),
        ("network: [", "not YAML"),
        ("- 1\n", "valid dictionary"),
    ],
)
def test_bad_recipes(tmp_path, text, message):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=message):
        load_recipe(str(path))


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(CheckpointError, match="default"):
        load_recipe("defalut")
