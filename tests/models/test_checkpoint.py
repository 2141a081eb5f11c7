"""A checkpoint comes back as it was saved, or says what is wrong with it."""

import json

import numpy as np
import pytest
import torch

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import CheckpointError
from lithoscope.models.checkpoint import (
    Checkpoint,
    UnknownThreshold,
    find_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from lithoscope.models.confidence import UNCALIBRATED, ConformalThresholds, Temperature
from lithoscope.models.networks.cnn import Cnn
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition


@pytest.fixture
def checkpoint():
    torch.manual_seed(0)
    axis = ModelAxis(high_keV=20.0)
    labels = LabelSet((Group(("spodumene", "pyrophyllite")), Group(("quartz",))))
    return Checkpoint(
        name="tiny",
        network_name="cnn",
        network=Cnn(2, len(axis), 2).eval(),
        axis=axis,
        labels=labels,
        condition=Condition("bragg", {"poisson": 2.0, "bragg": 3.0}, (50.0, 1e4)),
        instruments=("m4-tornado",),
        voltages_kV=(25.0, 50.0),
        threshold=UnknownThreshold((100.0, 1000.0), ((-1.0, 0.0), (-2.0, -1.0)), 0.01),
        card={"classes": 2},
        temperature=Temperature((100.0, 1000.0), (1.5, 1.1)),
        conformal=ConformalThresholds((100.0, 1000.0), (0.9, 0.95), ((0.2, 0.1), (0.3, 0.0)), 99),
    )


def test_round_trip(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "model")
    loaded = find_checkpoint(str(tmp_path / "model"))
    for name in (
        "name",
        "axis",
        "labels",
        "condition",
        "instruments",
        "voltages_kV",
        "threshold",
        "card",
        "temperature",
        "conformal",
    ):
        assert getattr(loaded, name) == getattr(checkpoint, name), name
    counts = torch.poisson(torch.rand(3, len(checkpoint.axis)) * 5)
    inputs = (torch.stack([counts, counts], 1), torch.zeros(3, 1))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(*inputs), checkpoint.network(*inputs))
    assert not (tmp_path / "model.partial").exists()


def test_a_model_from_before_calibration_is_read_with_a_temperature_of_one(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    description = json.loads(path.read_text())
    del description["temperature"], description["conformal"]
    path.write_text(json.dumps(description))
    loaded = load_checkpoint(tmp_path / "model")
    assert loaded.temperature == UNCALIBRATED
    assert set(loaded.temperature.values) == {1.0}
    assert loaded.conformal is None


def test_other_weights_do_not_inherit_a_calibration(checkpoint):
    other = checkpoint.with_network(checkpoint.network, name="other")
    assert (other.name, other.temperature, other.conformal) == ("other", UNCALIBRATED, None)
    assert other.threshold == checkpoint.threshold


def test_saving_over_an_older_model_replaces_it(checkpoint, tmp_path):
    for _ in range(2):
        save_checkpoint(checkpoint, tmp_path / "model")
    assert load_checkpoint(tmp_path / "model").name == "tiny"


def test_saving_into_a_folder_of_other_things_is_refused(checkpoint, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="other files"):
        save_checkpoint(checkpoint, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def damage_weights(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def change(key, value):
    def apply(folder):
        path = folder / "model.json"
        description = json.loads(path.read_text())
        description[key] = value
        path.write_text(json.dumps(description))

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.json").unlink(), "no model in"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "missing"),
        (damage_weights, "SHA-256"),
        (lambda folder: (folder / "model.json").write_text("{"), "cannot be read"),
        (change("format", 99), "format 99"),
        (change("network", "resnet"), "resnet"),
        (change("labels", [["quartz"]]), "damaged"),
        (change("axis", {"low": 1}), "damaged"),
        (change("labels", [["quartz"], ["quartz"]]), "two groups"),
        (change("temperature", {"counts": [1.0], "values": [-1.0]}), "positive"),
        (change("temperature", {"degrees": 20}), "damaged"),
        (change("temperature", [1.0]), "damaged"),
        (change("conformal", {"counts": [1.0]}), "damaged"),
    ],
)
def test_damage_is_noticed(checkpoint, tmp_path, damage, message):
    folder = tmp_path / "model"
    save_checkpoint(checkpoint, folder)
    damage(folder)
    with pytest.raises(CheckpointError if "group" not in message else ValueError, match=message):
        load_checkpoint(folder)


def test_an_unknown_model_names_those_that_ship():
    with pytest.raises(CheckpointError, match="default"):
        find_checkpoint("defalt")


@pytest.mark.parametrize(
    ("counts", "scores"),
    [
        ((), ()),
        ((10.0,), ((1.0,), (2.0,))),
        ((10.0, 5.0), ((1.0,), (2.0,))),
        ((5.0, 10.0), ((1.0,), (2.0, 3.0))),
    ],
)
def test_impossible_thresholds(counts, scores):
    with pytest.raises(CheckpointError):
        UnknownThreshold(counts, scores, 0.01)


def test_weights_hold_no_pickle(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "model")
    content = (tmp_path / "model" / "weights.safetensors").read_bytes()
    length = int(np.frombuffer(content[:8], "<u8")[0])
    assert set(json.loads(content[8 : 8 + length])) - {"__metadata__"} == set(
        checkpoint.network.state_dict()
    )
