"""A checkpoint comes back as it was saved, or says what is wrong with it."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.models import checkpoint as checkpoint_module
from lithoscope.models.checkpoint import (
    Checkpoint,
    UnknownThreshold,
    find_checkpoint,
    load_checkpoint,
    save_checkpoint,
    shipped_models,
)
from lithoscope.models.confidence import UNCALIBRATED, ConformalThresholds, Temperature
from lithoscope.models.networks.cnn import Cnn
from lithoscope.models.unknown_parts import StoredDetector
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
        detector=detector(),
    )


def detector(**changes):
    values = {
        "arrays": {
            "part/weight": np.array([[0.5, -2.0]], np.float16),
            "part/bias": np.array([0.1], np.float32),
        },
        "counts": (100.0, 1000.0),
        "false_alarms": (0.1, 0.01),
        "scores": ((0.0, 1.0), (2.0, 2.0)),
        "spectra": 500,
    }
    return StoredDetector(**{**values, **changes})


def test_shipped_models_are_small():
    root = Path(checkpoint_module.__file__).parent / "shipped"
    for name in shipped_models():
        assert sum(file.stat().st_size for file in (root / name).iterdir()) < 8e6


def test_matrices_are_stored_in_half_precision_where_they_fit(checkpoint, tmp_path):
    with torch.no_grad():
        checkpoint.network.head.weight[0, 0] = 1e5  # Beyond float16.
    save_checkpoint(checkpoint, tmp_path / "model")
    stored = load_file(tmp_path / "model" / "weights.safetensors")
    loaded = load_checkpoint(tmp_path / "model").network.state_dict()
    for key, value in checkpoint.network.state_dict().items():
        is_matrix = value.ndim > 1 and key != "head.weight"
        assert stored[key].dtype == (torch.float16 if is_matrix else value.dtype)
        assert loaded[key].dtype == value.dtype
        # Half a unit in the last place of 11 bits; below 6e-5 numbers are 6e-8 apart.
        torch.testing.assert_close(loaded[key], value, rtol=2.0**-11, atol=3e-8)
        if not is_matrix:
            assert torch.equal(loaded[key], value)


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
    stored, again = checkpoint.detector, loaded.detector
    for name in ("counts", "false_alarms", "scores", "spectra"):
        assert getattr(again, name) == getattr(stored, name), name
    assert again.arrays.keys() == stored.arrays.keys()
    for name, values in stored.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], values.astype(np.float32))
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


def test_a_model_saved_without_a_detector_loses_the_file_of_an_older_one(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "model")
    assert (tmp_path / "model" / "unknown.safetensors").exists()
    save_checkpoint(dataclasses.replace(checkpoint, detector=None), tmp_path / "model")
    assert not (tmp_path / "model" / "unknown.safetensors").exists()
    assert load_checkpoint(tmp_path / "model").detector is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": (1000.0, 100.0)}, "increasing"),
        ({"scores": ((0.0, 1.0),)}, "one for each level"),
        ({"false_alarms": (0.01, 0.1)}, "falling"),
        ({"false_alarms": (0.1, 0.0)}, "falling"),
        ({"false_alarms": (0.1, 0.05, 0.01)}, "for each share"),
        ({"scores": ((1.0, 0.0), (2.0, 2.0))}, "none below"),
        ({"scores": ((0.0, np.inf), (2.0, 2.0))}, "finite"),
        ({"spectra": 0}, "1 or more"),
        ({"arrays": {"part/weight": np.array([np.nan])}}, "not finite"),
    ],
)
def test_impossible_detectors(changes, message):
    with pytest.raises(CheckpointError, match=message):
        detector(**changes)


def test_only_stored_shares_of_false_alarms_can_be_asked_for():
    detector().check_false_alarms(0.05)
    for share in (0.2, 0.001, float("nan")):
        with pytest.raises(InvalidValueError, match="0\\.01 to 0\\.1"):
            detector().check_false_alarms(share)


def test_other_weights_do_not_inherit_a_calibration(checkpoint):
    other = checkpoint.with_network(checkpoint.network, name="other")
    assert other.detector is None
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


def damage_weights(folder, name="weights.safetensors"):
    path = folder / name
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
        (lambda folder: damage_weights(folder, "unknown.safetensors"), "SHA-256"),
        (lambda folder: (folder / "unknown.safetensors").unlink(), "missing"),
        (change("detector", {"counts": [1.0]}), "SHA-256"),
        (change("detector", [1.0]), "damaged"),
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
