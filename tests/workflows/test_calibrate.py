"""A model is calibrated when made, and can be calibrated anew without other weights."""

import dataclasses
import hashlib

import numpy as np
import pytest
import torch

from lithoscope.errors import CheckpointError, MineralError
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import load_checkpoint, save_checkpoint
from lithoscope.workflows.calibrate import recalibrate, with_calibration
from lithoscope.workflows.model_notes import card_of_model
from lithoscope.workflows.model_spectra import ModelSpectra
from lithoscope.workflows.recipe import Recipe


def test_a_new_model_is_calibrated_and_its_card_says_how_well(tiny_model):
    assert len(tiny_model.temperature.values) == 8
    assert tiny_model.conformal.spectra >= 1000
    for rows in tiny_model.card["calibration"].values():
        assert [row["counts"] for row in rows] == list(tiny_model.temperature.counts)
        for row in rows:
            assert sum(spectra for _, _, spectra in row["reliability_after"]) == row["spectra"]
            assert 0.8 < row["coverage"] <= 1
            assert 1 <= row["set_size"] <= 5
    text = card_of_model(tiny_model)
    assert "ECE" in text
    assert "exchangeable" in text
    bare = tiny_model.with_network(tiny_model.network, name="bare")
    assert "ECE" not in card_of_model(bare)


def test_logits_three_times_too_large_get_three_times_the_temperature(tiny_model):
    # The head is linear: its weights times three are logits times three, and nothing else.
    library = load_library()
    spectra = ModelSpectra(
        Recipe.model_validate(tiny_model.card["recipe"]),
        [library.get(name) for name in tiny_model.labels.members],
        tiny_model.labels,
        tiny_model.axis,
    )
    levels = (100.0, 1000.0)
    loud = dataclasses.replace(tiny_model, network=_louder(tiny_model.network))
    quiet = with_calibration(tiny_model, spectra, count=600, levels=levels)
    scaled = with_calibration(loud, spectra, count=600, levels=levels)
    np.testing.assert_allclose(
        scaled.temperature.values, 3 * np.array(quiet.temperature.values), rtol=0.02
    )
    for before, after in zip(
        quiet.card["calibration"]["realistic"], scaled.card["calibration"]["realistic"], strict=True
    ):
        assert after["ece_after"] == pytest.approx(before["ece_after"], abs=0.01)
        assert after["nll_before"] > before["nll_before"]


def _louder(network):
    import copy

    louder = copy.deepcopy(network)
    last = [part for part in louder.head.modules() if isinstance(part, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(3)
        last.bias.mul_(3)
    return louder


def test_calibrating_anew_keeps_the_weights(tiny_model, tmp_path):
    old = tiny_model.with_network(tiny_model.network, name="tiny")
    save_checkpoint(old, tmp_path / "old")
    new = recalibrate(str(tmp_path / "old"), tmp_path / "new", count=300)
    digests = [
        hashlib.sha256((tmp_path / name / "weights.safetensors").read_bytes()).hexdigest()
        for name in ("old", "new")
    ]
    assert digests[0] == digests[1]
    loaded = load_checkpoint(tmp_path / "new")
    assert loaded.temperature == new.temperature != old.temperature
    assert loaded.conformal == new.conformal
    assert loaded.threshold == old.threshold
    assert loaded.card["accuracy"] == old.card["accuracy"]
    assert "ECE" in (tmp_path / "new" / "CARD.md").read_text()


def test_what_cannot_be_calibrated_anew(tiny_model, tmp_path):
    save_checkpoint(dataclasses.replace(tiny_model, card={}), tmp_path / "bare")
    with pytest.raises(CheckpointError, match="no recipe"):
        recalibrate(str(tmp_path / "bare"), tmp_path / "new")
    from lithoscope.core.labels import LabelSet

    names = ["quartz", "calcite", "hematite", "galena", "unobtainium"]
    strange = dataclasses.replace(tiny_model, labels=LabelSet.of_minerals(names))
    save_checkpoint(strange, tmp_path / "strange")
    with pytest.raises(MineralError, match="unobtainium"):
        recalibrate(str(tmp_path / "strange"), tmp_path / "new")
    assert not (tmp_path / "new").exists()
