"""How long a phantom of 500 x 500 pixels takes to be written, and how much memory.

    python -m benchmarks.bench_phantom [ROWSxCOLUMNS]

A granite of 4096 channels, two detectors and 2 000 counts a pixel, with Bragg peaks, drift and all
else that is on by default, into a .bcf with its truth beside it. Limits of the project: 10 minutes
and 2 GB. Results go to ``benchmarks/results/phantom.json``.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lithoscope.minerals.rocks import find_rock
from lithoscope.synthesis.phantoms import ScanRecipe
from lithoscope.workflows.phantom import make_phantom

RESULTS = Path(__file__).parent / "results" / "phantom.json"
LIMIT_S, LIMIT_GB = 600, 2


def main() -> None:
    """Write one, and print and store what it took."""
    size = sys.argv[1] if len(sys.argv) > 1 else "500x500"
    height, width = (int(part) for part in size.split("x"))
    scan = ScanRecipe(shape=(height, width), counts=2000.0, detectors=2)
    results: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_before": os.getloadavg()[0],
        "map": [height, width, 4096],
        "detectors": 2,
        "counts_a_pixel": scan.counts,
    }
    with tempfile.TemporaryDirectory() as folder:
        before_rows: list[float] = []
        start, cpu = time.perf_counter(), time.process_time()
        made = make_phantom(
            find_rock("granite"),
            Path(folder) / "granite.bcf",
            scan=scan,
            seed=1,
            progress=lambda done, total: before_rows.append(time.perf_counter() - start),
        )
        results["time_s"] = time.perf_counter() - start
        results["processor_s"] = time.process_time() - cpu
        results["time_until_first_row_s"] = before_rows[0]
        results["file_MB"] = made.scan.stat().st_size / 1e6
        truth = sum(file.stat().st_size for file in made.truth.rglob("*") if file.is_file())
        results["truth_MB"] = truth / 1e6
    results["grains"] = len(made.phantom.texture.names)
    results["crystals"] = len(made.phantom.crystals.names)
    results["peak_MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    results["limits"] = {"time_s": LIMIT_S, "peak_MB": LIMIT_GB * 1e3}
    print(json.dumps(results, indent=2))
    if size == "500x500":
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
