"""How many spectra a second the shipped network classifies, beside rivals in the same run.

    python benchmarks/bench_inference.py

Rivals: the plain call of the network in single precision, in chunks of 2 048 as a map gives them
and of 128, and scikit-learn's random forest (100 trees, fitted to ten spectra a class; where it is
installed). Spectra are simulated minerals of 1 000 counts on the model's axis; the networks' inputs
are made from counts within the time. Ways take turns. On a busy machine a round of 2 048 spectra
is never undisturbed, a chunk of 128, some milliseconds, sometimes is: both are given. Results go to
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
ROUNDS, COUNTS, TREES = 24, 1000, 100
MAP_CHUNK = 2048
PLAIN = f"plain float32, chunks of {MAP_CHUNK}"

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


def applied(network: torch.nn.Module) -> Way:
    def classify(counts: torch.Tensor) -> None:
        with torch.inference_mode():
            network(*network_inputs(counts))

    return classify


def ways(threads: int) -> tuple[dict[str, tuple[int, Way]], torch.Tensor]:
    """What is timed, by name, with the spectra that it is given at a time; and the spectra."""
    checkpoint = find_checkpoint("default")
    counts, minerals = simulated(checkpoint.axis.edges_keV)
    network = checkpoint.network
    exact = prepared_for_inference(network, dtype=torch.float32)
    found: dict[str, tuple[int, Way]] = {
        PLAIN: (MAP_CHUNK, applied(network)),
        f"plain float32, chunks of {CHUNK}": (CHUNK, applied(network)),
        "prepared float32": (CHUNK, applied(exact)),
    }
    if cpu_has_bf16():
        quick = prepared_for_inference(network, dtype=torch.bfloat16)
        found["prepared bfloat16"] = (CHUNK, applied(quick))
    if importlib.util.find_spec("sklearn"):
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(TREES, n_jobs=threads, random_state=0).fit(counts, minerals)
        found[f"random forest, {TREES} trees"] = (
            MAP_CHUNK,
            lambda given: forest.predict(given.numpy()),
        )
    return found, torch.from_numpy(counts[:MAP_CHUNK])


def measured(threads: int) -> dict[str, Any]:
    torch.set_num_threads(threads)
    found, counts = ways(threads)
    rounds: dict[str, list[float]] = {name: [] for name in found}
    chunks: dict[str, list[float]] = {name: [] for name in found}
    for number in range(ROUNDS + 1):
        for name, (size, classify) in found.items():
            taken = []
            for chunk in counts.split(size):
                start = time.perf_counter()
                classify(chunk)
                taken.append((time.perf_counter() - start) / len(chunk))
            if number:
                rounds[name].append(float(np.mean(taken)))
                chunks[name].append(min(taken))
    return {
        name: {
            "spectra_per_s, fastest round": round(1 / min(rounds[name])),
            "times_plain, fastest round": round(min(rounds[PLAIN]) / min(rounds[name]), 2),
            "times_plain, median round": round(
                float(np.median(rounds[PLAIN]) / np.median(rounds[name])), 2
            ),
            "spectra_per_s, fastest chunk": round(1 / min(chunks[name])),
        }
        for name in found
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
