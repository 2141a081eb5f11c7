"""How many distorted spectra a second the stream makes, beside simulating each by itself.

    python -m benchmarks.bench_stream

`realistic` spectra of the whole library on an M4 Tornado, onto a model's 466 bins and onto 4096
channels, in generations of the default size: compositions, machines, expected spectra, distortions
and noise, as in training from the second generation on. The rival evaluates the same physics by
`physics.simulate.spectrum_from_composition` for each spectrum, without any distortion, with
`numpy.random.poisson` on 4096 channels. Beside spectra a second stand spectra a second of processor
time: on a machine that is busy with other work only these can be compared. Results go to
``benchmarks/results/stream.json``.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.stream import SpectrumStream

RESULTS = Path(__file__).parent / "results" / "stream.json"
BATCH, GENERATIONS = 512, 1
RIVALS = 24
INSTRUMENT = "m4-tornado"


def of_the_stream(edges_keV: NDArray[np.float64]) -> dict[str, float]:
    """Speed of a stream whose first generation has been made."""
    minerals = list(load_library())
    start = time.perf_counter()
    stream = SpectrumStream(
        minerals,
        LabelSet.of_minerals([mineral.name for mineral in minerals]),
        [load_instrument(INSTRUMENT)],
        CONDITIONS["realistic"],
        edges_keV,
        batch_size=BATCH,
        seed=1,
    )
    batches = len(stream.maker) // BATCH
    stream.batch(batches - 1)
    first = time.perf_counter() - start
    start, used = time.perf_counter(), time.process_time()
    for number in range(batches, (1 + GENERATIONS) * batches):
        stream.batch(number)
    wall, used = time.perf_counter() - start, time.process_time() - used
    spectra = GENERATIONS * batches * BATCH
    return {
        "bins": edges_keV.size - 1,
        "fine_bins": stream.maker.edges_keV.size - 1,
        "spectra": spectra,
        "first_generation_s": first,
        "spectra_per_s": spectra / wall,
        "spectra_per_processor_s": spectra / used,
        "processors_used": used / wall,
    }


def of_the_rival() -> dict[str, float]:
    """Speed of the reference simulator, one natural composition after the other."""
    library, instrument = list(load_library()), load_instrument(INSTRUMENT)
    rng = np.random.default_rng(0)
    chosen = [library[index] for index in rng.integers(len(library), size=RIVALS)]
    compositions = [sample_compositions(mineral, 1, rng)[0] for mineral in chosen]
    spectrum_from_composition(composition=compositions[0], instrument=instrument)
    start, used = time.perf_counter(), time.process_time()
    for composition in compositions:
        expected = spectrum_from_composition(composition=composition, instrument=instrument)
        rng.poisson(3000 * expected / expected.sum())
    wall, used = time.perf_counter() - start, time.process_time() - used
    return {
        "spectra": RIVALS,
        "spectra_per_s": RIVALS / wall,
        "spectra_per_processor_s": RIVALS / used,
    }


def main() -> None:
    """Measure, print and store."""
    # OpenMP threads, xraylib's too, wait for each other busily: beside other work, tenfold.
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "torch": torch.__version__,
        "numpy": np.__version__,
        "466 bins": of_the_stream(ModelAxis().edges_keV),
        "4096 channels": of_the_stream(load_instrument(INSTRUMENT).axis.edges_keV),
        "one by one": of_the_rival(),
    }
    for name in ("466 bins", "4096 channels"):
        results[name]["times_the_rival"] = (
            results[name]["spectra_per_processor_s"]
            / results["one by one"]["spectra_per_processor_s"]
        )
    results["load_after"] = os.getloadavg()[0]
    print(json.dumps(results, indent=2))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
