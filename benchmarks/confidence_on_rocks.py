"""Confidence, sets and answers in maps of rocks whose truth is known, before and after priors.

    python -m benchmarks.confidence_on_rocks default --kept FOLDER --grains 3

The phantoms are those of `benchmarks.map_phantoms`, 128 x 128 pixels of 2 000 counts on machines
drawn anew, and what the model says of them is kept in the same folder. Calibration by spectra of
equally frequent classes says nothing of a scan that holds ten. Truth is the class of a pixel's
largest share; every fifth pixel is a mixture. With `--grains` so many of the rocks are mapped as
`map` does, and the summed spectra of their largest grains are compared with the truth.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from benchmarks.map_phantoms.accuracy import PURE, priors_of_scan
from benchmarks.map_phantoms.scans import (
    COUNTS,
    ROCKS,
    SEED,
    PredictedScan,
    phantom_of_rock,
    scans_of_rocks,
)
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.evaluation.calibration import calibration_from_probabilities
from lithoscope.inference.answer import (
    LEVELS,
    AnswerTree,
    answer_from_key,
    keys_from_probabilities,
    tree_of_labels,
)
from lithoscope.inference.calibration import prediction_sets
from lithoscope.inference.pixel_answers import probabilities_in_scan
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint
from lithoscope.segmentation.grain_tables import codes_of_map
from lithoscope.segmentation.regions import regions_from_codes
from lithoscope.workflows.map_minerals import map_minerals
from lithoscope.workflows.mineral_map import MineralMap

_SHOWN = LEVELS[:5]
_COVERAGE = 0.95
# More grains than `map` sums.
_LOOKED_AT = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.confidence_on_rocks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="name of a shipped model, or a folder")
    parser.add_argument("--kept", type=Path, required=True, help="predictions of earlier runs")
    parser.add_argument("--grains", type=int, default=0, help="rocks to map for their grains")
    chosen = parser.parse_args()
    model = find_checkpoint(chosen.model)
    chosen.kept.mkdir(parents=True, exist_ok=True)
    scans = scans_of_rocks(ROCKS, SEED, model, chosen.kept)
    tree = tree_of_labels(model.labels, load_library())
    print_calibration(scans, model)
    print_answers(scans, model, tree)
    if chosen.grains:
        print_grains(scans[: chosen.grains], model)


def seen(scan: PredictedScan) -> NDArray[np.bool_]:
    """Pixels that hold mineral, and were classified as something known."""
    return np.asarray((scan.truth != VOID) & (scan.classes != VOID) & ~scan.unknown)


def both(scan: PredictedScan, model: Checkpoint) -> dict[str, NDArray[np.floating]]:
    """Probabilities of the pixels that are `seen`, under even priors and those of the scan."""
    part = seen(scan)
    even = scan.posteriors.dense(len(model.labels))[part]
    priors = priors_of_scan(scan, len(model.labels)).shares
    counts = np.full(len(even), COUNTS)
    scanned = probabilities_in_scan(probabilities=even, counts=counts, priors=priors)
    return {"even": even, "of the scan": scanned}


def print_calibration(scans: list[PredictedScan], model: Checkpoint) -> None:
    print("| rock | priors | right | mean confidence | ECE | 95 % sets hold |")
    print("|---|---|---:|---:|---:|---:|")
    for scan in scans:
        truth = scan.truth[seen(scan)]
        for name, said in both(scan, model).items():
            found = calibration_from_probabilities(probabilities=said, classes=truth)
            held = ""
            if name == "even" and model.conformal is not None:
                sets = prediction_sets(
                    conformal=model.conformal,
                    probabilities=said,
                    counts=np.full(len(said), COUNTS),
                    coverage=_COVERAGE,
                )
                held = f"{sets[np.arange(len(sets)), truth].mean():.1%}"
            print(
                f"| {scan.rock} | {name} | {found.accuracy:.1%} | {said.max(axis=1).mean():.1%} "
                f"| {found.ece:.3f} | {held} |",
                flush=True,
            )


def print_answers(scans: list[PredictedScan], model: Checkpoint, tree: AnswerTree) -> None:
    columns = " | ".join(f"{name}, right" for name in _SHOWN[:-1])
    print(f"\n| rock | priors | pixels | {columns} | unresolved |")
    print("|---|---|---|" + "---:|" * len(_SHOWN))
    for scan in scans:
        truth, pure = scan.truth[seen(scan)], scan.pure[seen(scan)] >= PURE
        for name, said in both(scan, model).items():
            keys = keys_from_probabilities(said, tree, allowed=scan.posteriors.allowed)
            right = np.array(
                [
                    one in answer_from_key(key, tree, allowed=scan.posteriors.allowed)[1]
                    for key, one in zip(keys, truth, strict=True)
                ]
            )
            for what, part in (("all", np.ones(len(truth), dtype=bool)), ("pure", pure)):
                cells = []
                for level in range(len(_SHOWN)):
                    own = part & (keys[:, 0] == level)
                    share = f"{own.sum() / part.sum():.1%}"
                    hit = f", {right[own].mean():.0%}" if own.any() and level < 4 else ""
                    cells.append(share + hit)
                print(f"| {scan.rock} | {name} | {what} | " + " | ".join(cells) + " |", flush=True)


def print_grains(scans: list[PredictedScan], model: Checkpoint) -> None:
    """Compare the sums of the largest grains, and their pixels, with the truth."""
    print(
        "\n| rock | grains | named by the map, right | level of pixels | right | of sum | right |"
    )
    print("|---|---:|---:|---|---:|---|---:|")
    for number, scan in enumerate(scans):
        phantom = phantom_of_rock(scan.rock, SEED + number)
        found = map_minerals(phantom.scan(), model=model)
        members_of = {row["answer"]: row["members"].split(";") for row in found.answers}
        truths = _truth_of_grains(scan, found, model)
        hits = {"map": 0, "pixels": 0, "sum": 0}
        levels: dict[str, Counter[str]] = {"pixels": Counter(), "sum": Counter()}
        for row in found.grain_answers:
            truth = truths[row["y"], row["x"], row["pixels"]]
            member = model.labels.groups[truth].members[0]
            hits["map"] += row["mineral"] == model.labels.labels[truth]
            hits["pixels"] += member in members_of.get(row["answer_of_pixels"], ())
            hits["sum"] += member in row["members"].split(";")
            levels["pixels"][row["level_of_pixels"]] += 1
            levels["sum"][row["level"]] += 1
        n = len(found.grain_answers)
        shown = {
            what: ", ".join(f"{count} {level}" for level, count in tally.most_common())
            for what, tally in levels.items()
        }
        print(
            f"| {scan.rock} | {n} | {hits['map'] / n:.0%} | {shown['pixels']} "
            f"| {hits['pixels'] / n:.0%} | {shown['sum']} | {hits['sum'] / n:.0%} |",
            flush=True,
        )


def _truth_of_grains(
    scan: PredictedScan, found: MineralMap, model: Checkpoint
) -> dict[tuple[float, float, int], int]:
    """Commonest true class of each grain of the smoothed map, by its place and size."""
    data = found.dataset
    codes, _ = codes_of_map(data["mineral_smoothed"].values, data["unknown"].values, model.labels)
    regions = regions_from_codes(np.where(data["mineral"].values == VOID, -1, codes))
    truths = {}
    for grain in np.argsort(-regions.pixels, kind="stable")[:_LOOKED_AT].tolist():
        y, x = np.nonzero(regions.numbers == grain)
        tally = np.bincount(scan.truth[y, x] + 1, minlength=2)
        place = (
            round(float(data[name].values[one].mean()), 4)
            for name, one in zip("yx", (y, x), strict=True)
        )
        truths[(*place, len(y))] = int(tally[1:].argmax())
    return truths


if __name__ == "__main__":
    main()
