"""Spectra with net counts of lines, and the network trained on them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from lithoscope.core.labels import LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.line_model import LineModel, save_line_model
from lithoscope.models.networks.cnn_lines import CnnLines
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS, Condition
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

# What a training leaves: its log, and the model.
FOLDER = Path("build/line-intensities")
MODEL = FOLDER / "cnn-lines.safetensors"
INSTRUMENT, COUNTS = "m4-tornado", (30.0, 1e5)
SPECTRA, BATCH, SEED = 600_000, 256, 1
NOT_KNOWN = {"grain_depth": 0.0, "shadow": 0.0}
REALISTIC = CONDITIONS["realistic"].with_severities(NOT_KNOWN)


def make_stream(
    condition: Condition,
    *,
    seed: int,
    batch_size: int,
    size: GenerationSize | None = None,
    names: Sequence[str] = (),
) -> SpectrumStream:
    """Spectra of minerals, or the whole library, on the model's axis, with net counts."""
    library = load_library()
    minerals = [library.get(name) for name in names] or list(library)
    return SpectrumStream(
        minerals,
        LabelSet.of_minerals([mineral.name for mineral in minerals]),
        [load_instrument(INSTRUMENT)],
        condition,
        ModelAxis().edges_keV,
        batch_size=batch_size,
        seed=seed,
        size=size,
        lines=True,
    )


def train() -> LineModel:
    """Train from nothing, or from where an earlier run was cut off."""
    from lithoscope.training.fit import seed_weights
    from lithoscope.training.fit_lines import fit_lines
    from lithoscope.training.loop import FitSettings

    condition = Condition(REALISTIC.name, REALISTIC.severities, COUNTS)
    stream = make_stream(condition, seed=SEED, batch_size=BATCH)
    seed_weights(SEED)
    network = CnnLines(2, len(ModelAxis()), len(stream.line_groups))
    start = time.perf_counter()

    def progress(seen: int, _: float) -> None:
        if seen // BATCH % 50 == 0:
            print(f"{seen} spectra, {time.perf_counter() - start:.0f} s", flush=True)

    settings = FitSettings(spectra=SPECTRA, batch_size=BATCH)
    fit_lines(network, stream, settings, log_folder=FOLDER / "log", progress=progress)
    card = {
        "spectra": SPECTRA,
        "seed": SEED,
        "seconds": round(time.perf_counter() - start, 1),
        "torch": torch.__version__,
    }
    model = LineModel(network, stream.line_groups, ModelAxis(), condition, (INSTRUMENT,), card)
    save_line_model(model, MODEL)
    return model
