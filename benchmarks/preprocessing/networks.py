"""The same small network, with the same budget, on each chain and on each axis."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.preprocessing import source
from benchmarks.preprocessing.results import Results

from lithoscope.core.energy import EnergyAxis
from lithoscope.models.inputs import network_inputs
from lithoscope.models.registry import build_network
from lithoscope.preprocess.chain import BoundChain, Chain
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.training.fit import fit_network, seed_weights
from lithoscope.training.fit_chain import fit_chain
from lithoscope.training.loop import FitSettings

LEVELS = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
ELEMENTS = ("Ba", "Cs", "Sn", "Ce")
_CHUNK = 2048
# As many as `fit_chain` takes for steps that are not trained.
_FITTED_TO = 65_536

CHAINS: dict[str, list[Any]] = {
    "network (log of roots, root of shape)": ["network"],
    "raw counts": [{"step": "normalise", "by": "none"}],
    "total": [{"step": "normalise", "by": "total"}],
    "maximum": [{"step": "normalise", "by": "maximum"}],
    "unit length": [{"step": "normalise", "by": "unit"}],
    "root": [{"step": "normalise", "by": "root"}],
    "log": [{"step": "normalise", "by": "log"}],
    "log, standardised": [{"step": "normalise", "by": "log"}, "standardise"],
    "SNIP, network": ["snip", "network"],
    "morphology, network": ["morphology", "network"],
    "asymmetric least squares, network": ["als", "network"],
    "Savitzky-Golay, network": ["savgol", "network"],
    "wavelet, network": ["wavelet", "network"],
    "PCA 16, denoised, network": [
        {"step": "pca", "components": 16, "output": "denoised"},
        "network",
    ],
    "PCA 64, denoised, network": [
        {"step": "pca", "components": 64, "output": "denoised"},
        "network",
    ],
    "PCA 64 of log, scores": [
        {"step": "normalise", "by": "log"},
        {"step": "pca", "components": 64, "noise_aware": False, "whiten": True},
    ],
    "VAE, denoised, network": ["vae", "network"],
    "VAE, code": [{"step": "vae", "output": "code"}],
}
AXES: dict[str, np.ndarray] = {
    "FWHM/1.5": ModelAxis(bins_per_fwhm=1.5).edges_keV,
    "FWHM/2.5": ModelAxis().edges_keV,
    "FWHM/4": ModelAxis(bins_per_fwhm=4.0).edges_keV,
    "FWHM/2.5, to 28 keV": ModelAxis(high_keV=28.0).edges_keV,
    "channels of 10 eV": EnergyAxis(0.805, 0.01, 3870).edges_keV,
}


def run_chains(
    results: Results,
    size: source.Size,
    seeds: Sequence[int],
    only: str = "",
) -> None:
    """Train and test on every chain that has no result yet."""
    edges = ModelAxis().edges_keV
    for seed in seeds:
        for case, steps in CHAINS.items():
            if only in case and not results.has("chains", case, seed, size.key()):
                row = trained(Chain.from_description(steps), edges, size, seed)
                results.add(part="chains", case=case, seed=seed, size=size.key(), **row)
                print(case, seed, row["accuracy"], f"{row['seconds']:.0f} s", flush=True)


def run_axes(
    results: Results,
    size: source.Size,
    seeds: Sequence[int],
    only: str = "",
) -> None:
    """Train and test on every axis that has no result yet."""
    for seed in seeds:
        for case, edges in AXES.items():
            if only in case and not results.has("axes", case, seed, size.key()):
                row = trained(Chain.from_description(["network"]), edges, size, seed)
                results.add(part="axes", case=case, seed=seed, size=size.key(), **row)
                print(case, seed, row["accuracy"], f"{row['seconds']:.0f} s", flush=True)


def trained(
    chain: Chain,
    edges: np.ndarray,
    size: source.Size,
    seed: int,
) -> dict[str, Any]:
    """Fit the chain and a network on it, and test both on compositions they have not seen."""
    settings, key = FitSettings(spectra=size.spectra), tuple(edges)
    # A chain is fitted to other spectra than the network; only an autoencoder needs as many.
    others = size.spectra if "vae" in str(chain) else min(size.spectra, _FITTED_TO)
    for_chain = None if chain.is_fitted else source.drawn(size, key, seed, others)
    for_network = source.drawn(size, key, 1000 + seed, size.spectra)
    tests = source.tests(size, key, LEVELS)
    # Simulating is not counted: it is the same for all.
    start = time.perf_counter()
    seed_weights(seed)
    with tempfile.TemporaryDirectory() as folder:
        if for_chain is not None:
            chain = fit_chain(chain, for_chain, edges, settings, log_folder=Path(folder) / "chain")
        bound = chain.on(edges)
        seed_weights(seed)
        network = build_network(
            "cnn",
            n_bins=bound.leaves.length,
            n_classes=len(source.labels(size)),
            n_inputs=bound.leaves.channels,
        )
        fit_network(
            network, for_network, settings, log_folder=Path(folder) / "network", chain=bound
        )
    accuracy, recall = tested(network, bound, size, tests)
    return {
        "bins": int(edges.size - 1),
        "accuracy": accuracy,
        "recall": recall,
        "seconds": time.perf_counter() - start,
    }


def tested(
    network: torch.nn.Module,
    bound: BoundChain,
    size: source.Size,
    tests: Sequence[source.Kept],
) -> tuple[dict[str, float], dict[str, dict[str, float | None]]]:
    """Share named right at each level, of all and of the classes with an element."""
    accuracy, recall = {}, {element: {} for element in ELEMENTS}
    holding = {element: source.classes_with(element, size) for element in ELEMENTS}
    for level, test in zip(LEVELS, tests, strict=True):
        counts, classes = test.counts, test.classes
        with torch.inference_mode():
            named = torch.cat(
                [
                    network(*network_inputs(chunk, bound)).argmax(dim=1)
                    for chunk in counts.split(_CHUNK)
                ]
            )
        right = (named == classes).numpy()
        accuracy[f"{level:g}"] = float(right.mean())
        for element, chosen in holding.items():
            mask = np.isin(classes.numpy(), chosen)
            share = float(right[mask].mean()) if mask.any() else None
            recall[element][f"{level:g}"] = share
    return accuracy, recall
