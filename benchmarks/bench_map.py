"""A whole map, from file to report, beside RosettaSciIO's reading of the same file.

    python benchmarks/bench_map.py [--folder FOLDER] [--pymca FOLDER]

The file is that of ``bench_bcf.py`` (458 x 499 pixels, 4096 channels, two detectors, 2 000 counts a
pixel of five simulated minerals, pixels as runs of channels); a second one repeats it to four times
the pixels. The first run writes both, which takes minutes, and they stay in the folder (by default,
that of ``bench_bcf.py``).

``lithoscope map`` is timed as a user meets it: a process of its own, from its start to its end,
imports, the hash of the file, report and pictures included. Of RosettaSciIO the reading alone
counts, without its imports. Both run in turns, three times each; the shortest time of each counts,
and all are stored, as is the load of the machine before each. A map on Dask workers is compared
with the same scans in one process: two links to the file, times with the start of the workers.

PyMca's fast linear fit gets rows of the same file from memory, summed over detectors, and ours
the same rows, rebinning and line sums included; both in one thread. With ``--pymca``, PyMca5 is
imported from that folder (``pip install --target FOLDER PyMca5`` builds it in some minutes).
Results go to ``benchmarks/results/map.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import bench_bcf
import numpy as np

RESULTS = Path(__file__).parent / "results" / "map.json"
N_TIMES = 3
DASK_SCANS, DASK_WORKERS = 2, 2
PYMCA_ROWS = 16
# What the five minerals hold, and the lines of the tube that are scattered.
PYMCA_PEAKS = {"Al": ["K"], "Si": ["K"], "S": ["K"], "K": ["K"], "Ca": ["K"], "Fe": ["K"]}
CLI = "import sys; from lithoscope.cli.main import run; sys.argv[0] = 'lithoscope'; run()"


def main() -> None:
    parser = argparse.ArgumentParser()
    default = Path(tempfile.gettempdir()) / "lithoscope-bench-bcf"
    parser.add_argument("--folder", type=Path, default=default)
    parser.add_argument("--pymca", type=Path)
    parser.add_argument("--pymca-fit", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--our-fit", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.pymca_fit:
        print(json.dumps(pymca_fit(chosen.pymca_fit)))
        return
    if chosen.our_fit:
        print(json.dumps(our_fit(chosen.our_fit)))
        return
    results = run(chosen.folder, chosen.pymca)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def run(folder: Path, pymca: Path | None) -> dict[str, object]:
    small, large = files(folder)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        bench_bcf.measure_aside("caching", small)
        found = beside_rosettasciio(small, out)
        print(json.dumps(found), flush=True)
        return {
            "map": [bench_bcf.HEIGHT, bench_bcf.WIDTH, bench_bcf.N_CHANNELS],
            "detectors": bench_bcf.DETECTORS,
            "counts_a_pixel": bench_bcf.COUNTS,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "one scan": found,
            "four times the pixels": memory(large, out, found),
            "Dask": dask(small, out),
            "linear fit": fits(small, out, pymca),
        }


def files(folder: Path) -> tuple[Path, Path]:
    """Return the file and the one of four times the pixels, written if they are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    small, large = folder / "auto.bcf", folder / "auto-x4.bcf"
    if not small.exists():
        bench_bcf.measure_aside("writing", small)
    if not large.exists():
        repeat(small, large)
    return small, large


def repeat(small: Path, large: Path) -> None:
    """Write a map four times as large, of the same pixels."""
    from lithoscope.io import load_instrument, open_scan, write_bcf

    detectors = open_scan(small, detectors="separate")
    height, width = detectors[0].shape

    def rows() -> Iterator[np.ndarray]:
        for y in (*range(height), *range(height)):
            row = np.stack([scan.rows(y, y + 1)[0] for scan in detectors], axis=1)
            yield np.concatenate([row, row])[None]

    instrument = load_instrument("m4-tornado-40kev")
    write_bcf(
        large,
        rows=rows(),
        shape=(2 * height, 2 * width),
        axis=instrument.axis,
        instrument=instrument,
        pixel_size_mm=(0.02, 0.02),
        title="Benchmark",
        detectors=len(detectors),
        encoding="auto",
        chunk_bytes=65536,
    )


def measured(arguments: list[str], *, environment: dict[str, str] | None = None) -> dict:
    """Run a process to its end: its time, that of its processors, and its peak memory."""
    load = os.getloadavg()[0]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} ended with {process.returncode}")
    return {
        "wall_s": round(elapsed, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_MB": round(usage.ru_maxrss / 1024, 1),
        "load_before": round(load, 2),
        "said": said,
    }


def mapped(scans: list[Path], out: Path, *options: str) -> dict:
    """Map scans into a new folder."""
    target = out / "map"
    shutil.rmtree(target, ignore_errors=True)
    found = measured(["-c", CLI, "map", *map(str, scans), "-o", str(target), *options, "--json"])
    document = json.loads(found.pop("said"))
    rows = document["minerals"] if isinstance(document, dict) else document[0]["minerals"]
    if sum(row["pixels"] for row in rows) == 0:
        raise SystemExit("Nothing was mapped.")
    run = next(iter(target.rglob("run.json")))
    return {**found, "classify_s": json.loads(run.read_text())["timings"]["classify_s"]}


def beside_rosettasciio(path: Path, out: Path) -> dict[str, object]:
    mapped([path], out)  # compiles what is not compiled yet
    ours, theirs = [], []
    for _ in range(N_TIMES):
        ours.append(mapped([path], out))
        bench = str(Path(bench_bcf.__file__))
        found = measured([bench, "--measure", "RosettaSciIO", str(path)])
        theirs.append({"read_s": json.loads(found.pop("said"))["time_s"], **found})
    fastest = min(one["wall_s"] for one in ours)
    reading = min(one["read_s"] for one in theirs)
    pixels = bench_bcf.HEIGHT * bench_bcf.WIDTH
    return {
        "map_s": fastest,
        "rosettasciio_read_s": round(reading, 2),
        "ratio": round(fastest / reading, 2),
        "ratio_of_cpu": round(
            min(one["cpu_s"] for one in ours) / min(one["cpu_s"] for one in theirs), 2
        ),
        "pixels_per_s": round(pixels / fastest),
        "pixels_per_s_while_classifying": round(pixels / min(one["classify_s"] for one in ours)),
        "peak_MB": max(one["peak_MB"] for one in ours),
        "all": {"lithoscope map": ours, "RosettaSciIO": theirs},
    }


def memory(path: Path, out: Path, small: dict) -> dict[str, object]:
    found = mapped([path], out)
    return {**found, "times_the_peak": round(found["peak_MB"] / small["peak_MB"], 3)}


def dask(path: Path, out: Path) -> dict[str, object]:
    links = [out / f"scan{number}.bcf" for number in range(DASK_SCANS)]
    for link in links:
        link.symlink_to(path)
    turns = []
    for _ in range(2):
        turns.append(
            {
                "one process": mapped(links, out),
                "workers": mapped(links, out, "--workers", str(DASK_WORKERS)),
            }
        )
    times = {
        name: min(turn[name]["wall_s"] for turn in turns) for name in ("one process", "workers")
    }
    overhead = times["workers"] / times["one process"] - 1
    return {
        "scans": DASK_SCANS,
        "workers": DASK_WORKERS,
        "overhead_with_start": round(overhead, 3),
        "all": turns,
    }


def fits(path: Path, out: Path, pymca: Path | None) -> dict[str, object]:
    """Spectra a second of PyMca's linear fit and of our classification, from memory."""
    if pymca is None:
        return {"PyMca": "not measured: --pymca was not given"}
    from lithoscope.io import open_scan

    scan = open_scan(path)
    np.save(out / "spectra.npy", scan.rows(0, PYMCA_ROWS).reshape(-1, scan.axis.n_channels))
    (out / "axis.json").write_text(json.dumps([scan.axis.offset_keV, scan.axis.gain_keV]))
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    found = {}
    for name, option, paths in (
        ("PyMca FastXRFLinearFit", "--pymca-fit", str(pymca)),
        ("lithoscope", "--our-fit", os.environ.get("PYTHONPATH", "")),
    ):
        ran = measured(
            [__file__, option, str(out)], environment={**one_thread, "PYTHONPATH": paths}
        )
        found[name] = json.loads(ran["said"].splitlines()[-1])
    ours = found["lithoscope"]["spectra_per_cpu_s"]
    theirs = found["PyMca FastXRFLinearFit"]["spectra_per_cpu_s"]
    return {**found, "ratio": round(ours / theirs, 2)}


def per_second(number: int, started: tuple[float, float]) -> dict[str, float]:
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    return {
        "spectra": number,
        "spectra_per_s": round(number / wall),
        "spectra_per_cpu_s": round(number / cpu),
    }


def pymca_fit(folder: Path) -> dict[str, object]:
    """Fit line areas; nothing is identified by that."""
    from PyMca5.PyMcaPhysics.xrf import ClassMcaTheory, FastXRFLinearFit

    offset, gain = json.loads((folder / "axis.json").read_text())
    spectra = np.load(folder / "spectra.npy").astype(np.float32)
    theory = ClassMcaTheory.McaTheory()
    config = theory.getConfiguration()
    config["peaks"] = PYMCA_PEAKS
    config["detector"].update({"zero": offset, "gain": gain, "noise": 0.08, "fano": 0.11})
    first, last = (round((energy - offset) / gain) for energy in (0.8, 30.0))
    config["fit"].update({"xmin": first, "xmax": last, "use_limit": 1, "linearfitflag": 1})
    config["fit"].update({"energy": [20.2], "energyweight": [1.0], "energyflag": [1]})
    config["fit"].update({"energyscatter": [1], "scatterflag": 1})
    config["fit"].update({"stripflag": 1, "stripalgorithm": 1})
    theory.setConfiguration(config)
    fitter = FastXRFLinearFit.FastXRFLinearFit(mcafit=theory)
    started = time.perf_counter(), time.process_time()
    result = fitter.fitMultipleSpectra(y=spectra[None], weight=0, configuration=config)
    rates = per_second(len(spectra), started)
    parameters = np.asarray(result["parameters"])
    if not np.isfinite(parameters).all() or not (parameters > 0).any():
        raise SystemExit("PyMca fitted nothing.")
    return {**rates, "parameters": int(parameters.shape[0])}


def our_fit(folder: Path) -> dict[str, object]:
    """Rebin, sum lines, classify and score."""
    import torch

    from lithoscope.core.energy import EnergyAxis
    from lithoscope.core.scan import Scan
    from lithoscope.workflows.map_blocks import BlockMapper
    from lithoscope.workflows.map_plan import plan_map

    torch.set_num_threads(1)
    offset, gain = json.loads((folder / "axis.json").read_text())
    spectra = np.load(folder / "spectra.npy")
    counts = spectra.reshape(PYMCA_ROWS, -1, spectra.shape[1])
    scan = Scan.from_counts(counts, EnergyAxis(offset, gain, spectra.shape[1]))
    plan = plan_map(scan, model="default")
    mapper = BlockMapper(plan)
    mapper(*plan.rows(0))
    started = time.perf_counter(), time.process_time()
    for block in range(plan.n_blocks):
        mapper(*plan.rows(block))
    return per_second(len(spectra), started)


if __name__ == "__main__":
    main()
