"""Training: a run that was cut off goes on as if it had not been."""

import numpy as np
import pytest
import torch

from lithoscope.core.labels import LabelSet
from lithoscope.errors import CheckpointError
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.networks.cnn import Cnn
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.training import fit
from lithoscope.training.fit import fit_network, seed_weights
from lithoscope.training.loop import FitSettings

NAMES = ("quartz", "hematite", "halite")
BATCH, STEPS = 16, 24


class CutOffError(Exception):
    """Stands for a power cut."""


@pytest.fixture
def stream():
    library = load_library()
    return SpectrumStream(
        [library.get(name) for name in NAMES],
        LabelSet.of_minerals(NAMES),
        [load_instrument("m4-tornado")],
        CONDITIONS["calibration"],
        ModelAxis().edges_keV,
        batch_size=BATCH,
        seed=5,
        size=GenerationSize(1, 64),
    )


def fitted(stream, folder, cut_at=None, spectra=BATCH * STEPS, asked=""):
    seed_weights(0)
    network = Cnn(2, len(ModelAxis()), len(NAMES))

    def progress(seen, accuracy):
        if cut_at is not None and seen >= cut_at * BATCH:
            raise CutOffError

    settings = FitSettings(spectra=spectra, batch_size=BATCH)
    fit_network(network, stream, settings, log_folder=folder, asked=asked, progress=progress)
    return torch.cat([weight.flatten() for weight in network.state_dict().values()])


def test_a_run_cut_off_ends_as_one_that_was_not(stream, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "_KEPT_EVERY", 5)
    whole = fitted(stream, tmp_path / "whole")
    with pytest.raises(CutOffError):
        fitted(stream, tmp_path / "cut", cut_at=13)
    kept = tmp_path / "cut" / "state.ckpt"
    assert torch.load(kept, weights_only=True)["global_step"] == 10
    # The second run's own first weights must not matter.
    torch.manual_seed(99)
    np.testing.assert_array_equal(fitted(stream, tmp_path / "cut"), whole)
    assert not kept.exists()


def test_logs_are_written_as_csv_and_for_tensorboard(stream, tmp_path):
    pytest.importorskip("tensorboardX")
    fitted(stream, tmp_path, spectra=BATCH * 50)
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert "loss" in rows[0]
    assert len(rows) == 2
    events = list((tmp_path / "tensorboard" / "from-step-0").glob("events.out.tfevents.*"))
    assert len(events) == 1
    assert b"loss" in events[0].read_bytes()


def test_a_state_of_another_run_is_refused(stream, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "_KEPT_EVERY", 5)
    with pytest.raises(CutOffError):
        fitted(stream, tmp_path, cut_at=7)
    with pytest.raises(CheckpointError, match="another run"):
        fitted(stream, tmp_path, spectra=BATCH * 2 * STEPS)
    with pytest.raises(CheckpointError, match="another run"):
        fitted(stream, tmp_path, asked="grains without traces")
    (tmp_path / "state.ckpt").write_bytes(b"no zip archive")
    with pytest.raises(CheckpointError, match="cannot be read"):
        fitted(stream, tmp_path)
