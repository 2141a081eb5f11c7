"""Baselines of 10 000 spectra of 4096 channels, ours beside pybaselines in the same run.

    python -m benchmarks.bench_snip

Simulated spectra of four minerals with Poisson noise; windows of 2 FWHM (ours, following the
resolution: 15 to 67 channels) and of 40 channels throughout (both). pybaselines takes one spectrum
a call: it is timed on 500 of them. One thread each, since two of torch wait for each other on a
busy machine. Results go to ``benchmarks/results/snip.json``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pybaselines import Baseline

from lithoscope.preprocess.snip import Snip, snip_baseline
from lithoscope.workflows.simulate import simulate

RESULTS = Path(__file__).parent / "results" / "snip.json"
SPECTRA, TIMED_THEIRS, HALF_WIDTH = 10_000, 500, 40
MINERALS = ("albite", "chalcopyrite", "baryte", "calcite")


def fastest(task: Callable[[], object], repeats: int = 3) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    torch.set_num_threads(1)
    expected = [simulate(name) for name in MINERALS]
    edges = expected[0].axis.edges_keV
    shapes = np.array([spectrum.counts / spectrum.counts.sum() for spectrum in expected])
    rng = np.random.default_rng(0)
    counts = np.concatenate(
        [rng.poisson(20_000 * shape, (SPECTRA // len(shapes), shape.size)) for shape in shapes]
    ).astype(np.float32)
    tensor = torch.from_numpy(counts)
    level = np.full(edges.size - 1, HALF_WIDTH)
    fitter = Baseline(np.arange(edges.size - 1))

    def theirs() -> None:
        for row in counts[:: SPECTRA // TIMED_THEIRS].astype(float):
            transformed = np.log(np.log(np.sqrt(row + 1) + 1) + 1)
            found, _ = fitter.snip(transformed, max_half_window=HALF_WIDTH, decreasing=True)
            np.square(np.exp(np.exp(found) - 1) - 1)

    results = {
        "threads": torch.get_num_threads(),
        "load_before": os.getloadavg()[0],
        "spectra": SPECTRA,
        "ours_following_resolution_s": fastest(
            lambda: snip_baseline(tensor, Snip().half_widths(edges))
        ),
        "ours_level_s": fastest(lambda: snip_baseline(tensor, level)),
        "pybaselines_level_s": fastest(theirs) * SPECTRA / TIMED_THEIRS,
    }
    results["ratio"] = results["pybaselines_level_s"] / results["ours_level_s"]
    print(json.dumps(results, indent=2))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
