"""Distorted spectra a second from one worker of the stream on each core, together.

    python benchmarks/bench_stream_workers.py

Each worker is a process with a shard of its own, as in training on a GPU; timed is its second
generation of 24 576 spectra at `realistic` on 466 bins, three new machines among them, while the
other is at work too. Results go to ``benchmarks/results/stream_workers.json``; what one process
does beside a rival stands in ``bench_stream.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "stream_workers.json"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def rate_of_worker(number: int, workers: int) -> float:
    from lithoscope.core.labels import LabelSet
    from lithoscope.io import load_instrument
    from lithoscope.minerals import load_library
    from lithoscope.preprocess.model_axis import ModelAxis
    from lithoscope.synthesis.conditions import CONDITIONS
    from lithoscope.synthesis.stream import SpectrumStream

    minerals = list(load_library())
    stream = SpectrumStream(
        minerals,
        LabelSet.of_minerals([mineral.name for mineral in minerals]),
        [load_instrument("m4-tornado")],
        CONDITIONS["realistic"],
        ModelAxis().edges_keV,
        batch_size=256,
        seed=1,
        shard=(number, workers),
    )
    batches = len(stream.maker) // stream.batch_size
    stream.batch(batches - 1)
    start = time.perf_counter()
    for index in range(batches, 2 * batches):
        stream.batch(index)
    return batches * stream.batch_size / (time.perf_counter() - start)


def main() -> None:
    if sys.argv[1:]:
        print(rate_of_worker(int(sys.argv[1]), int(sys.argv[2])))
        return
    workers, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    running = [
        subprocess.Popen(
            [sys.executable, __file__, str(number), str(workers)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ONE_THREAD},
        )
        for number in range(workers)
    ]
    rates = [float(process.communicate()[0]) for process in running]
    document = {"workers": rates, "spectra_per_s": sum(rates), "load_before": load}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
