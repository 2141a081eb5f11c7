"""Compare networks, classical baselines and the ceiling on the same simulated spectra.

    python -m benchmarks.networks -o docs

Results are appended to ``benchmarks/results/networks.jsonl`` as they come, and what is there is
not measured again: a run that was broken off goes on, and more seeds add to the old ones. At the
end the page is written. A network takes two to ten minutes on one idle core, all of them for two
seeds and both conditions some hours.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.networks import measure, spectra
from benchmarks.networks.page import page
from benchmarks.networks.spectra import CONDITIONS, Size
from benchmarks.preprocessing.results import Results

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "benchmarks" / "results" / "networks.jsonl"
_PARTS = ("baselines", "networks", "ceiling")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.networks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--parts", default=",".join(_PARTS), help="of " + ", ".join(_PARTS))
    parser.add_argument("--conditions", default=",".join(CONDITIONS))
    parser.add_argument("--only", default="", help="networks and baselines whose name holds this")
    parser.add_argument("--seeds", default="0,1", help="numbers, by commas")
    parser.add_argument("--spectra", type=int, default=150_000, help="to train on")
    parser.add_argument("--tested", type=int, default=10_000, help="spectra a level")
    parser.add_argument("--templates", type=int, default=512, help="of a class, for the ceiling")
    parser.add_argument("--results", type=Path, default=_RESULTS)
    parser.add_argument("-o", "--output", type=Path, default=_ROOT / "docs", help="docs folder")
    chosen = parser.parse_args(arguments)
    size = Size(chosen.spectra, chosen.tested)
    results, parts = Results(chosen.results), chosen.parts.split(",")
    conditions = chosen.conditions.split(",")
    for seed in (int(seed) for seed in chosen.seeds.split(",")):
        for condition in conditions:
            if "baselines" in parts:
                run_baselines(results, condition, size, seed, chosen.only)
            if "networks" in parts:
                run_networks(results, condition, size, seed, chosen.only)
    if "ceiling" in parts:
        run_ceilings(results, conditions, size, chosen.templates)
    path = chosen.output / "networks.md"
    path.write_text(page(results, size, len(spectra.labels())), encoding="utf-8")
    print(path)


def run_baselines(results: Results, condition: str, size: Size, seed: int, only: str) -> None:
    """Measure every baseline that has no result yet."""
    part = f"baselines, {condition}"
    for name in measure.BASELINES:
        if only in name and not results.has(part, name, seed, size.key()):
            row = measure.measured_baseline(name, condition, size, seed)
            results.add(part=part, case=name, seed=seed, size=size.key(), **row)
            print(part, name, seed, row["accuracy"], flush=True)


def run_networks(results: Results, condition: str, size: Size, seed: int, only: str) -> None:
    """Measure networks that have no result yet, and boosting on the recurrent one's features."""
    part, boosted = f"networks, {condition}", f"baselines, {condition}"
    for name in measure.network_names():
        if only not in name or results.has(part, name, seed, size.key()):
            continue
        row, network = measure.network_row(name, condition, size, seed)
        # First what needs the network, whose own row says that both are there.
        if name == measure.RECURRENT:
            case = measure.BOOSTED_FEATURES
            found = measure.boosted_features_row(network, condition, size, seed)
            results.add(part=boosted, case=case, seed=seed, size=size.key(), **found)
            print(part, case, seed, found["accuracy"], flush=True)
        results.add(part=part, case=name, seed=seed, size=size.key(), **row)
        print(part, name, seed, row["accuracy"], f"{row['fitted_s']:.0f} s", flush=True)


def run_ceilings(results: Results, conditions: Sequence[str], size: Size, templates: int) -> None:
    """Bracket the ceiling of every condition that has none yet."""
    for condition in conditions:
        part, case = f"ceiling, {condition}", f"{templates} templates"
        if not results.has(part, case, 0, size.key()):
            row = measure.ceiling_row(condition, templates)
            results.add(part=part, case=case, seed=0, size=size.key(), **row)
            print(part, row["estimates"], row["upper"], flush=True)


if __name__ == "__main__":
    main()
