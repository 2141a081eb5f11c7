"""Train the networks that smooth maps, ship the plain one, and compare them with Potts.

    python -m benchmarks.map_smoother --kept FOLDER

Predicted phantoms are kept in the folder that ``benchmarks.map_phantoms`` uses, and trained
networks too: remove those to train anew. Phantoms take some fifteen minutes on one core, each
network ten.
The plain network goes to ``src/lithoscope/segmentation/data/unet.safetensors``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from benchmarks.map_phantoms import accuracy, scans
from benchmarks.map_phantoms.minimal import minimal_phantom
from benchmarks.map_phantoms.pool import SEED, stored_pool
from benchmarks.map_phantoms.scans import PredictedScan
from benchmarks.map_smoother.training_scans import (
    CHOOSING,
    TRAINING,
    training_examples,
    training_scan,
)

from lithoscope.core.labels import VOID
from lithoscope.models.checkpoint import Checkpoint, digest_of_checkpoint, find_checkpoint
from lithoscope.models.spatial import SpatialNetwork, SpatialShape, load_spatial, save_spatial
from lithoscope.segmentation.potts import potts_smoothed
from lithoscope.segmentation.spatial import network_smoothed
from lithoscope.training.spatial import SpatialFit, fit_spatial

_ROOT = Path(__file__).parents[2]
SHIPPED = _ROOT / "src/lithoscope/segmentation/data/unet.safetensors"
NETWORKS = {"unet": SpatialShape(), "unet with atrous pyramid": SpatialShape(atrous=True)}
_STRENGTHS = (1.0, 1.5, 2.0)
_MINIMAL = 40
_FIT = SpatialFit()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.map_smoother",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--kept", type=Path, help="where predictions of earlier runs are")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    checkpoint = find_checkpoint(chosen.model)
    name = f"lithoscope-maps-{digest_of_checkpoint(checkpoint)[:12]}"
    folder = chosen.kept or Path(tempfile.gettempdir()) / name
    folder.mkdir(parents=True, exist_ok=True)
    networks = trained_networks(checkpoint, folder)
    shutil.copy(folder / _file("unet"), SHIPPED)
    sets = {
        "to choose by": [
            training_scan(number, checkpoint, folder)
            for number in range(TRAINING, TRAINING + CHOOSING)
        ],
        "held out": scans.scans_of_rocks(scans.ROCKS, scans.SEED, checkpoint, folder),
        "minimal": minimal_scans(checkpoint, folder),
    }
    for kind, found in sets.items():
        print(f"\n{kind}, {len(found)} phantoms\n")
        print("\n".join(table(found, networks, len(checkpoint.labels))), flush=True)


def _file(name: str) -> str:
    return f"spatial-{name.replace(',', '').replace(' ', '-')}.safetensors"


def trained_networks(checkpoint: Checkpoint, folder: Path) -> dict[str, SpatialNetwork]:
    """Train the networks that no earlier run left."""
    missing = [name for name in NETWORKS if not (folder / _file(name)).exists()]
    examples = training_examples(checkpoint, folder) if missing else []
    for name in missing:
        losses: list[float] = []

        def told(step: int, loss: float, losses: list[float] = losses, name: str = name) -> None:
            losses.append(loss)
            if not (step + 1) % 100:
                print(f"{name}: step {step + 1}, loss {np.mean(losses[-100:]):.4f}", flush=True)

        save_spatial(fit_spatial(NETWORKS[name], examples, _FIT, told), folder / _file(name))
    return {name: load_spatial(folder / _file(name)) for name in NETWORKS}


def minimal_scans(checkpoint: Checkpoint, folder: Path) -> list[PredictedScan]:
    """Minimal phantoms of machines that nothing was trained on."""
    pool = stored_pool(checkpoint, SEED, folder)
    found = []
    for seed in range(_MINIMAL):
        one = minimal_phantom(pool, checkpoint.labels, seed)
        classes = one.posteriors.classes[..., 0].astype(np.int16)
        pure = np.ones(one.truth.shape, dtype=np.float32)
        found.append(
            PredictedScan(
                "minimal", one.truth, pure, one.truth, one.posteriors, classes, one.unknown
            )
        )
    return found


def table(
    found: Sequence[PredictedScan], networks: Mapping[str, SpatialNetwork], n_classes: int
) -> list[str]:
    """Return the lines of a table of methods, in percent; half the sum of errors of the shares."""
    maps = [_maps(scan, networks, n_classes) for scan in found]
    lines = [
        "| map | all | away | boundaries | mean IoU | lost | less than half | shares off by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method in maps[0]:
        rows = [
            accuracy.scores_of_map(scan, named[method])
            for scan, named in zip(found, maps, strict=True)
        ]
        cells = [
            f"{100 * np.mean([row[key] for row in rows]):.2f}"
            for key in ("all", "pure", "boundary", "iou")
        ]
        grains = sum(row["grains"] for row in rows)
        cells += [f"{sum(row[key] for row in rows)} of {grains}" for key in ("lost", "halved")]
        off = [
            _shares_off(scan, named[method], n_classes)
            for scan, named in zip(found, maps, strict=True)
        ]
        lines.append(f"| {method} | {' | '.join(cells)} | {100 * np.mean(off):.2f} |")
    return lines


def _maps(
    scan: PredictedScan, networks: Mapping[str, SpatialNetwork], n_classes: int
) -> dict[str, np.ndarray]:
    priors = accuracy.priors_of_scan(scan, n_classes)
    void = scan.classes == VOID
    named: dict[str, np.ndarray] = {"raw": scan.classes}
    for strength in _STRENGTHS:
        named[f"potts, strength {strength:g}"] = potts_smoothed(
            scan.posteriors, priors, void=void, silent=scan.unknown, strength=strength
        )
    for name, network in networks.items():
        named[name] = network_smoothed(
            scan.posteriors, priors, network, void=void, silent=scan.unknown
        )
    return named


def _shares_off(scan: PredictedScan, named: np.ndarray, n_classes: int) -> float:
    known = (scan.truth != VOID) & (scan.classes != VOID) & ~scan.unknown
    true, said = (
        np.bincount(layer[known], minlength=n_classes) / known.sum()
        for layer in (scan.truth, named)
    )
    return float(np.abs(true - said).sum() / 2)


if __name__ == "__main__":
    main()
