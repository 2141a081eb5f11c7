"""Compare preprocessing: denoising, classification on each chain, and rebinning.

    python -m benchmarks.preprocessing -o docs

Results are appended to ``benchmarks/results/preprocessing.jsonl`` as they come, and what is there
is not measured again: a run that was broken off goes on, and more seeds add to the old ones. At the
end the page and its pictures are written. On two idle cores a network on 466 bins takes some
minutes, one on channels ten times that; asymmetric least squares is the slowest chain.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.preprocessing import denoising, networks, source
from benchmarks.preprocessing.page import page
from benchmarks.preprocessing.results import Results

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "benchmarks" / "results" / "preprocessing.jsonl"
PARTS = ("denoising", "pictures", "chains", "axes")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.preprocessing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--seeds", default="0,1", help="numbers, by commas")
    parser.add_argument("--spectra", type=int, default=150_000, help="to train on")
    parser.add_argument("--tested", type=int, default=10_000, help="spectra a level")
    parser.add_argument("--machines", type=int, default=24)
    parser.add_argument("--per-machine", type=int, default=512)
    parser.add_argument("--minerals", type=int, default=0, help="first classes; 0 for all")
    parser.add_argument("--results", type=Path, default=_RESULTS)
    parser.add_argument("-o", "--output", type=Path, default=_ROOT / "docs", help="docs folder")
    chosen = parser.parse_args(arguments)
    size = source.Size(
        chosen.machines, chosen.per_machine, chosen.spectra, chosen.tested, chosen.minerals
    )
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    results, parts = Results(chosen.results), chosen.parts.split(",")
    if "denoising" in parts:
        denoising.run(results, size, seeds)
    if "pictures" in parts and not results.has("strangeness", "VAE", 0, size.key()):
        found = denoising.pictures(chosen.output / "images" / "preprocessing", size)
        results.add(part="strangeness", case="VAE", seed=0, size=size.key(), **found)
    if "chains" in parts:
        networks.run_chains(results, size, seeds, chosen.only)
    if "axes" in parts:
        networks.run_axes(results, size, seeds, chosen.only)
    (chosen.output / "preprocessing.md").write_text(page(results, size), encoding="utf-8")
    print(chosen.output / "preprocessing.md")


if __name__ == "__main__":
    main()
