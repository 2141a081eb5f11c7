"""How many spectra a second the shipped network classifies, beside rivals in the same run.

    python benchmarks/bench_inference.py

Rivals: the plain call of the network in single precision, in chunks of 2 048 as a map gives them
and of 128, and scikit-learn's random forest (100 trees, fitted to ten spectra a class; where it is
installed). Spectra are simulated minerals of 1 000 counts on the model's axis; the networks' inputs
are made from counts within the time. Ways take turns, and the fastest round of each counts, so
that other work on the machine disturbs the ratios little. Results go to
``benchmarks/results/inference.json``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lithoscope.inference.prepare import CHUNK, prepared_for_inference
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.models.inputs import network_inputs
from lithoscope.models.precision import cpu_has_bf16
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix

RESULTS = Path(__file__).parent / "results" / "inference.json"
SPECTRA, ROUNDS, COUNTS, TREES = 4096, 12, 1000, 100
MAP_CHUNK = 2048

Way = Callable[[torch.Tensor], Any]


def simulated(edges_keV: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts of natural compositions, and the place of each mineral in the library."""
    rng = np.random.default_rng(0)
    drawn = [
        (place, composition)
        for place, mineral in enumerate(load_library())
        for composition in sample_compositions(mineral, 10, rng)
    ]
    compositions = [composition for _, composition in drawn]
    symbols = sorted({symbol for composition in compositions for symbol in composition.elements})
    expected = compile_instrument(
        instrument=load_instrument("m4-tornado"),
        symbols=symbols,
        edges_keV=edges_keV,
        dtype=np.float32,
    ).spectra(mass_fraction_matrix(compositions, symbols))
    expected *= COUNTS / expected.sum(axis=1, keepdims=True)
    return rng.poisson(expected).astype(np.float32), np.array([place for place, _ in drawn])


def in_chunks(network: torch.nn.Module, size: int) -> Way:
    def classify(counts: torch.Tensor) -> None:
        with torch.inference_mode():
            for chunk in counts.split(size):
                network(*network_inputs(chunk))

    return classify


def ways(threads: int) -> tuple[dict[str, Way], torch.Tensor]:
    checkpoint = find_checkpoint("default")
    counts, minerals = simulated(checkpoint.axis.edges_keV)
    network = checkpoint.network
    found: dict[str, Way] = {
        f"plain float32, chunks of {MAP_CHUNK}": in_chunks(network, MAP_CHUNK),
        f"plain float32, chunks of {CHUNK}": in_chunks(network, CHUNK),
        "prepared float32": in_chunks(prepared_for_inference(network, dtype=torch.float32), CHUNK),
    }
    if cpu_has_bf16():
        quick = prepared_for_inference(network, dtype=torch.bfloat16)
        found["prepared bfloat16"] = in_chunks(quick, CHUNK)
    if importlib.util.find_spec("sklearn"):
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(TREES, n_jobs=threads, random_state=0).fit(counts, minerals)
        found[f"random forest, {TREES} trees"] = lambda given: forest.predict(given.numpy())
    repeated = np.tile(counts, (-(-SPECTRA // len(counts)), 1))[:SPECTRA]
    return found, torch.from_numpy(repeated)


def measured(threads: int) -> dict[str, Any]:
    torch.set_num_threads(threads)
    found, counts = ways(threads)
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for number in range(ROUNDS + 1):
        for name, classify in found.items():
            start = time.perf_counter()
            classify(counts)
            if number:
                seconds[name].append(time.perf_counter() - start)
    plain = min(seconds[f"plain float32, chunks of {MAP_CHUNK}"])
    return {
        name: {
            "spectra_per_s": round(len(counts) / min(taken)),
            "times_plain": round(plain / min(taken), 2),
        }
        for name, taken in seconds.items()
    }


def main() -> None:
    """Measure, print and store."""
    results: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "torch": torch.__version__,
        "load_before": os.getloadavg()[0],
    }
    for threads in sorted({1, os.cpu_count() or 1}):
        results[f"{threads} thread(s)"] = measured(threads)
    results["load_after"] = os.getloadavg()[0]
    print(json.dumps(results, indent=2))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
