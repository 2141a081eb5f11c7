"""Fit one network, one baseline, or the ceiling, and say how often it is right."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.networks import spectra
from benchmarks.networks.spectra import LEVELS, Size
from torch import Tensor

from lithoscope.evaluation.ceiling import ceiling_by_counts
from lithoscope.models.baselines.base import Baseline, LabelledCounts
from lithoscope.models.baselines.features import features_of_network
from lithoscope.models.baselines.learners import (
    LearnerBaseline,
    boosted_trees,
    linear_svm_on_scores,
    random_forest,
)
from lithoscope.models.baselines.templates import (
    LEAST_SQUARES,
    POISSON_LIKELIHOOD,
    SPECTRAL_ANGLE,
)
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.models.registry import NETWORKS, build_network
from lithoscope.training.fit import fit_network, seed_weights
from lithoscope.training.loop import FitSettings

_CHUNK = 512
# Solved one spectrum after the other, some hundred a second: fewer are tested.
_TESTED_BY_NNLS = 2_000
_CEILING_SPECTRA, _CEILING_BATCH = 1_000, 4_096
RECURRENT = "cnn-bilstm"
BOOSTED_FEATURES = f"boosting on {RECURRENT} features"

BASELINES: dict[str, Baseline] = {
    "SAM": SPECTRAL_ANGLE,
    "Poisson likelihood of templates": POISSON_LIKELIHOOD,
    "NNLS": LEAST_SQUARES,
    "linear SVM on PCA scores": LearnerBaseline(linear_svm_on_scores),
    "random forest": LearnerBaseline(random_forest),
    "gradient boosting": LearnerBaseline(boosted_trees),
}

Row = dict[str, Any]


def network_row(name: str, condition: str, size: Size, seed: int) -> tuple[Row, SpectralNetwork]:
    """Train a network and test it; the time is that of training alone."""
    drawn = spectra.to_fit(condition, seed, size.spectra)
    seed_weights(seed)
    network = build_network(
        name, n_bins=spectra.edges_keV().size - 1, n_classes=len(spectra.labels())
    )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        fit_network(network, drawn, FitSettings(spectra=size.spectra), log_folder=Path(folder))
    fitted = time.perf_counter() - started

    def named(counts: Tensor) -> np.ndarray:
        with torch.inference_mode():
            return torch.cat(
                [network(*network_inputs(chunk)).argmax(dim=1) for chunk in counts.split(_CHUNK)]
            ).numpy()

    row = {"fitted_s": fitted, "fitted_to": size.spectra, **_tested(named, condition, size)}
    return row, network


def baseline_row(
    baseline: Baseline, condition: str, size: Size, seed: int, *, tested: int | None = None
) -> Row:
    """Fit a baseline and test it."""
    given: LabelledCounts = spectra.to_fit_baselines(condition, seed)
    started = time.perf_counter()
    fitted = baseline.fit(given)
    spent = time.perf_counter() - started

    def named(counts: Tensor) -> np.ndarray:
        return fitted.scores(counts.numpy()).argmax(axis=1)

    row = {"fitted_s": spent, "fitted_to": len(given.classes)}
    return {**row, **_tested(named, condition, size, tested)}


def measured_baseline(name: str, condition: str, size: Size, seed: int) -> Row:
    """Fit and test a baseline by its name."""
    tested = _TESTED_BY_NNLS if name == "NNLS" else None
    return baseline_row(BASELINES[name], condition, size, seed, tested=tested)


def boosted_features_row(network: SpectralNetwork, condition: str, size: Size, seed: int) -> Row:
    """Boost trees on a trained recurrent network's features."""
    view = features_of_network(network)
    return baseline_row(LearnerBaseline(boosted_trees, view), condition, size, seed)


def ceiling_row(condition: str, templates: int) -> Row:
    """Bracket the ceiling: without and with each draw's own spectrum among the templates."""
    found = ceiling_by_counts(
        spectra.held_out(condition, spectra.HELD_OUT, _CEILING_SPECTRA),
        spectra.held_out(condition, spectra.TEMPLATES, _CEILING_BATCH),
        levels=LEVELS,
        templates_per_class=templates,
    )
    return {
        "templates": templates,
        "tested": _CEILING_SPECTRA,
        "estimates": {f"{one.counts:g}": one.estimates for one in found},
        "mean_posterior": {f"{one.counts:g}": one.mean_posterior for one in found},
        "upper": {f"{one.counts:g}": one.upper for one in found},
        "converged": {f"{one.counts:g}": one.converged for one in found},
    }


def _tested(
    named: Callable[[Tensor], np.ndarray], condition: str, size: Size, tested: int | None = None
) -> Row:
    accuracy, number, spent = {}, tested or size.tested, 0.0
    for level, test in spectra.tests(condition, size).items():
        counts, classes = test.counts[:number], test.classes[:number].numpy()
        started = time.perf_counter()
        said = named(counts)
        spent += time.perf_counter() - started
        accuracy[f"{level:g}"] = float((said == classes).mean())
    return {"accuracy": accuracy, "tested": min(number, size.tested), "tested_s": spent}


def network_names() -> list[str]:
    """All networks of the registry."""
    return list(NETWORKS)
