"""How many expected spectra a second, beside fisx on the same minerals in the same run.

    python -m benchmarks.bench_simulate

Natural compositions of the whole library on the M4 Tornado's 4096 channels, with secondary and
tertiary fluorescence, scatter and the detector's response, in one call; then the six minerals of
`benchmarks.physics.fisx_reference`, each once by fisx (lines alone, without scatter or detector)
and each many times by ours (with both). fisx is timed where it is installed
(``pip install -e ".[reference]"``). Results go to ``benchmarks/results/simulate.json``.
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
from benchmarks.physics.fisx_reference import (
    MINERALS,
    fisx_library,
    fisx_lines,
    reference_source,
)

from lithoscope.core.formula import composition_from_formula
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix

RESULTS = Path(__file__).parent / "results" / "simulate.json"
COMPOSITIONS_EACH = 50
REPEATS = 3


def fastest(task: Callable[[], Any]) -> float:
    """Seconds of the fastest of a few runs, after one to warm up."""
    task()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def of_the_library() -> dict[str, float]:
    """Natural compositions of every mineral in one call, in either precision."""
    rng = np.random.default_rng(0)
    compositions = [
        composition
        for mineral in load_library()
        for composition in sample_compositions(mineral, COMPOSITIONS_EACH, rng)
    ]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    fractions = mass_fraction_matrix(compositions, symbols)
    results: dict[str, float] = {"spectra": len(compositions), "elements": len(symbols)}
    for dtype in (np.float32, np.float64):
        start = time.perf_counter()
        compiled = compile_instrument(
            instrument=load_instrument("m4-tornado"), symbols=symbols, dtype=dtype
        )
        name = np.dtype(dtype).name
        results[f"compile_s, {name}"] = time.perf_counter() - start
        results[f"tables_MB, {name}"] = compiled.nbytes / 1e6
        per_s = len(compositions) / fastest(lambda compiled=compiled: compiled.spectra(fractions))
        results[f"spectra_per_s, {name}"] = per_s
    return results


def beside_fisx() -> dict[str, float]:
    """Seconds a mineral of fisx and of ours."""
    library, source = fisx_library(), reference_source()
    compositions = [composition_from_formula(formula) for formula in MINERALS.values()]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    fractions = np.repeat(mass_fraction_matrix(compositions, symbols), 500, axis=0)
    compiled = compile_instrument(
        instrument=load_instrument("m4-tornado"), symbols=symbols, source=source, dtype=np.float32
    )
    start = time.perf_counter()
    for formula in MINERALS.values():
        fisx_lines(formula=formula, source=source, library=library)
    theirs = (time.perf_counter() - start) / len(MINERALS)
    ours = fastest(lambda: compiled.spectra(fractions)) / len(fractions)
    return {"fisx_s": theirs, "ours_s": ours, "ratio": theirs / ours}


def main() -> None:
    """Measure, print and store."""
    results: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "numpy": np.__version__,
        "library": of_the_library(),
    }
    if importlib.util.find_spec("fisx"):
        results["six minerals"] = beside_fisx()
    print(json.dumps(results, indent=2))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
