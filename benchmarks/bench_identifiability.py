"""How long it takes to work out which of 200 minerals an instrument can tell apart.

    python benchmarks/bench_identifiability.py [minerals]

The whole of ``lithoscope minerals confusable``: the spectra are simulated, all pairs compared at
ten levels of counts, and changes of the instrument tried. The first 200 entries of the library
are taken, or all where there are fewer. Results go to ``benchmarks/results/identifiability.json``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

from lithoscope.cli.terminal import limit_blas_threads

limit_blas_threads()

from lithoscope.minerals import load_library  # noqa: E402
from lithoscope.workflows.identify import identify_minerals  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "identifiability.json"


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    minerals = list(load_library())[:wanted]
    ends: dict[str, float] = {}
    start = time.perf_counter()
    found = identify_minerals(
        minerals,
        "m4-tornado",
        counts=3000,
        progress=lambda stage, done, total, note: ends.update({stage: time.perf_counter()}),
    )
    seconds, before = {}, start
    for stage, end in ends.items():
        seconds[stage] = round(end - before, 1)
        before = end
    document = {
        "minerals": len(minerals),
        "pairs": len(minerals) * (len(minerals) - 1) // 2,
        "groups": len(found.groups),
        "seconds": seconds,
        "seconds_in_all": round(time.perf_counter() - start, 1),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "machine": platform.processor() or platform.machine(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
