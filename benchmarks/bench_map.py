"""A whole map, from file to report, beside RosettaSciIO's reading of the same file.

    python benchmarks/bench_map.py [--folder FOLDER] [--pymca FOLDER] [--parts ...] [--times 3]

The file is that of ``bench_bcf.py`` (458 x 499 pixels, 4096 channels, two detectors, 2 000 counts a
pixel of five simulated minerals, pixels as runs of channels). The first run writes it, which takes
minutes, and it stays in the folder (by default, that of ``bench_bcf.py``). For peak memory it is
mapped as it is and as a scan that repeats it to four times the pixels.

``lithoscope map`` is timed as a user meets it: a process of its own, from its start to its end,
imports, the hash of the file, report and pictures included. Of RosettaSciIO the reading alone
counts, without its imports. Both run in turns, ``--times`` each; the shortest time of each counts,
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
from pathlib import Path

import bench_bcf
import numpy as np

RESULTS = Path(__file__).parent / "results" / "map.json"
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
    parser.add_argument("--parts", default=",".join(PARTS), help="which to measure anew")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        name, *rest = chosen.child
        print(json.dumps(CHILDREN[name](*map(Path, rest))))
        return
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = chosen.folder / "auto.bcf"
    if not path.exists():
        bench_bcf.measure_aside("writing", path)
    bench_bcf.measure_aside("caching", path)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results["map"] = [bench_bcf.HEIGHT, bench_bcf.WIDTH, bench_bcf.N_CHANNELS]
    results["detectors"], results["counts_a_pixel"] = bench_bcf.DETECTORS, bench_bcf.COUNTS
    results["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    for part in chosen.parts.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            results[part] = PARTS[part](path, Path(scratch), chosen)
        # Other parts may take long: what is measured is kept.
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


def map_repeated(path: Path, out: Path, times: int, known: Path | None) -> dict[str, int]:
    """Map a file's rows and columns repeated, through a folder as `map_file` does.

    Where blocks of the file are known, they stand in for all but the last ten: what they take is
    the same, and the time it takes to map them again tells nothing of memory.
    """
    import dataclasses

    from lithoscope.io import open_scan
    from lithoscope.workflows.map_minerals import map_planned
    from lithoscope.workflows.map_partial import FolderBlocks
    from lithoscope.workflows.map_plan import plan_map

    one = open_scan(path)
    height, width = one.shape

    def read_rows(first: int, last: int) -> np.ndarray:
        rows = [one.rows(row % height, row % height + 1) for row in range(first, last)]
        return np.tile(np.concatenate(rows), (1, times, 1))

    scan = dataclasses.replace(
        one,
        shape=(height * times, width * times),
        read_rows=read_rows,
        live_time_s=None,
        sum_spectrum=None,
    )
    plan = plan_map(scan, model="default")
    for name in ("blocks", "map"):
        (out / name).mkdir()
    whole = [] if known is None else sorted(known.glob("*.npz"))[:-1]
    for block in range(plan.n_blocks - 10 if whole else 0):
        shutil.copy(whole[block % len(whole)], out / "blocks" / f"{block:06}.npz")
    result = map_planned(plan, FolderBlocks(out / "blocks"), smooth=True, provenance={})
    result.write_into(out / "map")
    return {"pixels": plan.n_pixels, "mapped_blocks": result.run["blocks"]["mapped_by_this_run"]}


def once(path: Path, out: Path) -> dict[str, int]:
    return map_repeated(path, out, 1, None)


def fourfold(path: Path, out: Path) -> dict[str, int]:
    return map_repeated(path, out, 2, out.parent / "once" / "blocks")


def memory(path: Path, out: Path, _: argparse.Namespace) -> dict[str, object]:
    """Peak memory at one and four times the pixels; rows are read from the one file."""
    found = {}
    for name in ("once", "fourfold"):
        folder = out / name
        folder.mkdir()
        ran = measured([__file__, "--child", name, str(path), str(folder)])
        said = json.loads(ran.pop("said").splitlines()[-1])
        found[name] = {**ran, **said}
    ratio = found["fourfold"]["peak_MB"] / found["once"]["peak_MB"]
    return {**found, "ratio_of_peaks": round(ratio, 3)}


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


def beside_rosettasciio(path: Path, out: Path, chosen: argparse.Namespace) -> dict[str, object]:
    bench_bcf.measure_aside("rebinned", path)  # compiles what is not compiled yet
    ours, theirs = [], []
    for _ in range(chosen.times):
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


def dask(path: Path, out: Path, chosen: argparse.Namespace) -> dict[str, object]:
    links = [out / f"scan{number}.bcf" for number in range(DASK_SCANS)]
    for link in links:
        link.symlink_to(path)
    turns = []
    for _ in range(chosen.times):
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


def fits(path: Path, out: Path, chosen: argparse.Namespace) -> dict[str, object]:
    """Spectra a second of PyMca's linear fit and of our classification, from memory."""
    if chosen.pymca is None:
        return {"PyMca": "not measured: --pymca was not given"}
    from lithoscope.io import open_scan

    scan = open_scan(path)
    np.save(out / "spectra.npy", scan.rows(0, PYMCA_ROWS).reshape(-1, scan.axis.n_channels))
    (out / "axis.json").write_text(json.dumps([scan.axis.offset_keV, scan.axis.gain_keV]))
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    found = {}
    for name, option, paths in (
        ("PyMca FastXRFLinearFit", "pymca", str(chosen.pymca)),
        ("lithoscope", "ours", os.environ.get("PYTHONPATH", "")),
    ):
        ran = measured(
            [__file__, "--child", option, str(out)], environment={**one_thread, "PYTHONPATH": paths}
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


PARTS = {
    "one scan": beside_rosettasciio,
    "linear fit": fits,
    "four times the pixels": memory,
    "Dask": dask,
}
CHILDREN = {"once": once, "fourfold": fourfold, "pymca": pymca_fit, "ours": our_fit}

if __name__ == "__main__":
    main()
