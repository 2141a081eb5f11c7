"""How fast a large .bcf is opened and read, beside RosettaSciIO on the same file.

    python benchmarks/bench_bcf.py [folder]

The first run writes two maps of 458 x 499 pixels, 4096 channels and two detectors, which together
count 2 000 events a pixel of five simulated minerals: one with pixels as runs of channels, which
is shortest and how real maps of so many counts are stored, and one with pulses of 12 bits. Both
stay in the folder (by default, one in the temporary folder), and are read from the disk's cache.
Each measurement is a process of its own, whose peak memory is that of all it did, libraries
included. Both readers read the map in turns, three times each, and the shortest time of each
counts: the first time, the system may still look for RosettaSciIO's gigabytes of memory, and
others may use the machine. What both need to import is not part of that; what ours takes for it
is the first row's time, and "compiling" is that where nothing compiled has been kept. Results go to
``benchmarks/results/bcf.json``.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

HEIGHT, WIDTH, N_CHANNELS, DETECTORS = 458, 499, 4096, 2
COUNTS = 2000
MINERALS = ("quartz", "orthoclase", "calcite", "hematite", "pyrite")
ENCODINGS = ("auto", "pulses12")
RESULTS = Path(__file__).parent / "results" / "bcf.json"
COMPARED = ("through", "RosettaSciIO")
N_PIXELS_TRIED = 50
N_TIMES = 3


def rows() -> Iterator[np.ndarray]:
    """Yield one row after the other, shape (1, x, detector, channel), of a patchwork of grains."""
    from lithoscope.workflows.simulate import simulate

    rng = np.random.default_rng(0)
    expected = np.array([simulate(name, instrument="m4-tornado-40kev").counts for name in MINERALS])
    shares = np.cumsum(expected, axis=1) / expected.sum(axis=1, keepdims=True)
    columns = np.arange(WIDTH)
    for y in range(HEIGHT):
        mineral = (columns // 40 + 2 * (y // 30)) % len(MINERALS)
        counts = np.zeros((WIDTH, DETECTORS, N_CHANNELS), dtype=np.uint16)
        for kind in np.unique(mineral):
            pixels = np.flatnonzero(mineral == kind)
            for detector in range(DETECTORS):
                number = rng.poisson(COUNTS / DETECTORS, pixels.size)
                channel = np.searchsorted(shares[kind], rng.random(number.sum()))
                np.add.at(counts, (np.repeat(pixels, number), detector, channel), 1)
        yield counts[None]


def writing(path: Path) -> dict[str, float]:
    """Write the map that the file is named after."""
    from lithoscope.io import load_instrument, write_bcf

    instrument = load_instrument("m4-tornado-40kev")
    start = time.perf_counter()
    write_bcf(
        path,
        rows=rows(),
        shape=(HEIGHT, WIDTH),
        axis=instrument.axis,
        instrument=instrument,
        pixel_size_mm=(0.02, 0.02),
        title="Benchmark",
        detectors=DETECTORS,
        encoding=path.stem,
        chunk_bytes=65536,
    )
    return {"time_s": time.perf_counter() - start}


def caching(path: Path) -> dict[str, float]:
    start = time.perf_counter()
    with path.open("rb") as stream:
        while stream.read(1 << 20):
            pass
    return {"time_s": time.perf_counter() - start}


def opening(path: Path) -> dict[str, float]:
    from lithoscope.io import open_scan

    # What modules cost is paid once, on any file.
    start = time.perf_counter()
    open_scan(path)
    first = time.perf_counter() - start
    start = time.perf_counter()
    open_scan(path)
    return {"with_imports_s": first, "time_s": time.perf_counter() - start}


def one_pixel(path: Path) -> dict[str, float]:
    from lithoscope.io import open_scan

    scan = open_scan(path)
    first_row(path)
    start = time.perf_counter()
    scan.spectrum(HEIGHT - 1, WIDTH - 1)
    index = time.perf_counter() - start
    rng = np.random.default_rng(0)
    times = []
    for y, x in zip(
        rng.integers(HEIGHT, size=N_PIXELS_TRIED),
        rng.integers(WIDTH, size=N_PIXELS_TRIED),
        strict=True,
    ):
        start = time.perf_counter()
        scan.spectrum(int(y), int(x))
        times.append(time.perf_counter() - start)
    return {"index_s": index, "time_s": float(np.median(times)), "slowest_s": max(times)}


def first_row(path: Path) -> dict[str, float]:
    """Read a row, for which the compiled code is loaded, or compiled, and the file opened."""
    from lithoscope.io import open_scan

    start = time.perf_counter()
    open_scan(path).rows(0, 1)
    return {"time_s": time.perf_counter() - start}


def through(path: Path) -> dict[str, float]:
    from lithoscope.io import open_scan

    first = first_row(path)["time_s"]
    scan = open_scan(path)
    start = time.perf_counter()
    for _, _counts in scan.blocks():
        pass
    return {"time_s": time.perf_counter() - start, "first_row_s": first}


def through_summed(path: Path) -> dict[str, float]:
    """Count what was read, to be compared; not part of the time above."""
    from lithoscope.io import open_scan

    start = time.perf_counter()
    total = sum(int(counts.sum()) for _, counts in open_scan(path).blocks())
    return {"time_s": time.perf_counter() - start, "counts": total}


def rebinned(path: Path) -> dict[str, float]:
    """Read the map onto the bins of a model."""
    from lithoscope.io import open_scan
    from lithoscope.preprocess.model_axis import ModelAxis

    scan, edges = open_scan(path), ModelAxis().edges_keV
    next(scan.blocks(rows=1, edges_keV=edges))
    start = time.perf_counter()
    for _ in scan.blocks(edges_keV=edges):
        pass
    return {"time_s": time.perf_counter() - start}


def rebinned_by_scipy(path: Path) -> dict[str, float]:
    """The same as counts times the sparse matrix of `rebin_matrix`."""
    from lithoscope.core.rebin import rebin_matrix
    from lithoscope.io import open_scan
    from lithoscope.preprocess.model_axis import ModelAxis

    first_row(path)
    scan, edges = open_scan(path), ModelAxis().edges_keV
    matrix = rebin_matrix(from_edges_keV=scan.axis.edges_keV, to_edges_keV=edges)
    matrix = matrix.astype(np.float32)
    start = time.perf_counter()
    for _, counts in scan.blocks():
        _binned = counts.reshape(-1, N_CHANNELS).astype(np.float32) @ matrix
    return {"time_s": time.perf_counter() - start}


def rosettasciio(path: Path) -> dict[str, float]:
    from rsciio.bruker import file_reader

    warnings.simplefilter("ignore")
    start = time.perf_counter()
    signals = file_reader(str(path), select_type="spectrum_image", index="all", instrument="SEM")
    elapsed = time.perf_counter() - start
    return {"time_s": elapsed, "counts": sum(int(signal["data"].sum()) for signal in signals)}


MEASUREMENTS: dict[str, Callable[[Path], dict[str, float]]] = {
    "writing": writing,
    "caching": caching,
    "opening": opening,
    "compiling": first_row,
    "one pixel": one_pixel,
    "through": through,
    "through, summed": through_summed,
    "rebinned": rebinned,
    "rebinned by SciPy": rebinned_by_scipy,
    "RosettaSciIO": rosettasciio,
}
READING = tuple(MEASUREMENTS)[1:]


def measure_aside(name: str, path: Path) -> dict[str, float]:
    """Measure in a process of its own; this one stays small, since its peak counts in theirs."""
    command = [sys.executable, __file__, "--measure", name, str(path)]
    with tempfile.TemporaryDirectory() as empty:
        environment = {"NUMBA_CACHE_DIR": empty} if name == "compiling" else {}
        ran = subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
        )
    return json.loads(ran.stdout)


def measure_all(path: Path) -> dict[str, dict[str, float]]:
    found = {name: measure_aside(name, path) for name in READING if name not in COMPARED}
    turns = [{name: measure_aside(name, path) for name in COMPARED} for _ in range(N_TIMES)]
    for name in COMPARED:
        times = [turn[name]["time_s"] for turn in turns]
        found[name] = {**turns[int(np.argmin(times))][name], "all_times_s": times}
    return found


def measured(name: str, path: Path) -> dict[str, float]:
    found = MEASUREMENTS[name](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**found, "peak_MB": round(peak, 1)}


def run(folder: Path) -> dict[str, object]:
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, object] = {
        "map": [HEIGHT, WIDTH, N_CHANNELS],
        "detectors": DETECTORS,
        "counts_a_pixel": COUNTS,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    for encoding in ENCODINGS:
        path = folder / f"{encoding}.bcf"
        if not path.exists():
            print(f"writing {path} takes minutes")
            measure_aside("writing", path)
        results[encoding] = summary(measure_all(path), path.stat().st_size)
    return results


def summary(found: dict[str, dict[str, float]], size: int) -> dict[str, object]:
    if found["through, summed"]["counts"] != found["RosettaSciIO"]["counts"]:
        raise SystemExit(f"The counts differ: {found}")
    for name in COMPARED:
        found[name]["MB_per_s"] = size / 1e6 / found[name]["time_s"]
        found[name]["pixels_per_s"] = HEIGHT * WIDTH / found[name]["time_s"]
    ratio = found["through"]["time_s"] / found["RosettaSciIO"]["time_s"]
    return {"file_MB": size / 1e6, "ratio_of_times": ratio, **found}


def table(results: dict[str, object]) -> str:
    lines = [f"{'':28}{'time':>10}{'peak':>11}{'MB/s':>9}{'pixels/s':>11}"]
    for encoding in ENCODINGS:
        found = results[encoding]
        lines.append(
            f"{encoding}, {found['file_MB']:.0f} MB: through in "
            f"{found['ratio_of_times']:.2f} x RosettaSciIO's time"
        )
        for name in READING:
            row = found[name]
            lines.append(
                f"  {name:26}{row['time_s']:>8.3f} s{row['peak_MB']:>8.0f} MB"
                + (
                    f"{row['MB_per_s']:>9.0f}{row['pixels_per_s']:>11.0f}"
                    if "MB_per_s" in row
                    else ""
                )
            )
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measured(sys.argv[2], Path(sys.argv[3]))))
        return
    default = Path(tempfile.gettempdir()) / "lithoscope-bench-bcf"
    results = run(Path(sys.argv[1]) if sys.argv[1:] else default)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
