"""Fit what a case asks for: a network, or one of the classical ways."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.inference.prepare import prepared_for_inference
from lithoscope.inference.throughput import spectra_per_second
from lithoscope.inference.unknown.base import Seen
from lithoscope.models.baselines.base import Baseline
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
from lithoscope.models.cost import multiply_adds, parameter_count
from lithoscope.models.inputs import network_inputs
from lithoscope.models.registry import build_network
from lithoscope.workflows.study import spectra
from lithoscope.workflows.study.arm import Case
from lithoscope.workflows.study.kept_stream import KeptBatches, KeptStream, kept_stream
from lithoscope.workflows.study.size import StudySize

_CHUNK = 512
# Of `fit_chain`, for steps that are not trained.
_CHAIN_SEED = 500_009
_BASELINES: dict[str, Baseline] = {
    "SAM": SPECTRAL_ANGLE,
    "NNLS": LEAST_SQUARES,
    "Poisson likelihood": POISSON_LIKELIHOOD,
    "linear SVM on PCA": LearnerBaseline(linear_svm_on_scores),
    "random forest": LearnerBaseline(random_forest),
    "boosting": LearnerBaseline(boosted_trees),
}


@dataclass(frozen=True, eq=False)
class Learnt:
    """Something that names spectra.

    Parameters
    ----------
    scores
        From counts, shape (spectrum, bin), to scores of classes, shape (spectrum, class).
    are_logits
        Whether the softmax of scores is a probability.
    spectra
        Spectra it was fitted to.
    cost
        What fitting and naming costs.
    seen
        What a network makes of counts, for detectors of the unknown; classical ways have none.
    """

    scores: Callable[[Tensor], NDArray[np.floating]]
    are_logits: bool
    spectra: int
    cost: dict[str, Any] = field(default_factory=dict)
    seen: Callable[[Tensor], Seen] | None = None


def fitted(case: Case, size: StudySize, seed: int) -> Learnt:
    """Fit the learner of a case.

    Parameters
    ----------
    case, size, seed
        What, how much, and with which draws.
    """
    if case.is_network:
        return _network(case, size, seed)
    given = spectra.to_fit_baseline(case, size, seed)
    started = time.process_time()
    found = _BASELINES[case.learner].fit(given)
    return Learnt(
        scores=lambda counts: np.asarray(found.scores(counts.numpy())),
        are_logits=False,
        spectra=len(given.classes),
        cost={"fitting_cpu_s": time.process_time() - started, "peak_memory_MB": _peak_MB()},
    )


def simulate(case: Case, size: StudySize, seed: int) -> None:
    """Simulate what a network is fitted to, unless another was fitted to the same.

    Parameters
    ----------
    case, size, seed
        As of `fitted`, which takes what this leaves.
    """
    batches = _spectra_of(case, size) // spectra.BATCH
    _kept(case, size, seed).simulate(spectra.to_fit(case, size, seed), batches)


def _kept(case: Case, size: StudySize, seed: int) -> KeptStream:
    return kept_stream((case.simulated(), size, seed))


def _spectra_of(case: Case, size: StudySize) -> int:
    return max(spectra.BATCH, round(size.spectra * case.spectra_share))


def _network(case: Case, size: StudySize, seed: int) -> Learnt:
    # Imported here: Lightning takes seconds, and classical ways do without.
    from lithoscope.preprocess.chain import Chain
    from lithoscope.training.fit import fit_network, seed_weights
    from lithoscope.training.fit_chain import fit_chain
    from lithoscope.training.loop import FitSettings

    settings = FitSettings(spectra=_spectra_of(case, size))
    edges, kept = spectra.edges_keV(case.axis), _kept(case, size, seed)
    source = KeptBatches(spectra.to_fit(case, size, seed), kept)
    chain = Chain.from_description(case.preprocessing)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        seed_weights(seed)
        if not chain.is_fitted:
            others = spectra.to_fit(case, size, _CHAIN_SEED + seed)
            log = Path(folder) / "chain"
            chain = fit_chain(chain, others, edges, settings, log_folder=log)
        bound = chain.on(edges)
        inputs, length = bound.leaves.channels, bound.leaves.length
        seed_weights(seed)
        network = build_network(
            case.learner, n_inputs=inputs, n_bins=length, n_classes=len(source.labels)
        )
        log = Path(folder) / "network"
        fit_network(network, source, settings, log_folder=log, chain=bound)
    spent = time.process_time() - started

    def scores(counts: Tensor) -> NDArray[np.floating]:
        with torch.inference_mode():
            parts = [network(*network_inputs(one, bound)) for one in counts.split(_CHUNK)]
        return np.asarray(torch.cat(parts).float().numpy())

    def seen(counts: Tensor) -> Seen:
        # Not in inference mode: small networks are fitted to the features.
        with torch.no_grad():
            parts = [network.features(*network_inputs(one, bound)) for one in counts.split(_CHUNK)]
            features = torch.cat(parts)
            return Seen(counts, features.float(), network.head(features).float())

    cost = {
        "parameters": parameter_count(network),
        "multiply_adds": multiply_adds(network, n_inputs=inputs, n_bins=length),
        "simulating_cpu_s": kept.processor_s(settings.steps),
        "fitting_cpu_s": spent,
        "spectra_per_s": spectra_per_second(
            prepared_for_inference(network), n_inputs=inputs, n_bins=length, seconds=0.5
        ),
        "peak_memory_MB": _peak_MB(),
        "device": "GPU" if torch.cuda.is_available() else "CPU",
    }
    return Learnt(scores, True, settings.spectra, cost, seen)


def _peak_MB() -> float:
    """Largest memory of the process so far: of this run, if runs are processes of their own."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
