"""Phantoms to train on: rocks and machines that no reported result is of."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from benchmarks.map_phantoms import scans
from benchmarks.map_phantoms.minimal import MinimalPhantom, minimal_phantom
from benchmarks.map_phantoms.pool import TUNING_SEEDS, stored_pool
from benchmarks.map_phantoms.scans import PredictedScan
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.inference.posteriors import Posteriors
from lithoscope.inference.priors import estimate_priors
from lithoscope.minerals.rocks import load_rocks
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.segmentation.potts import classes_to_try
from lithoscope.segmentation.spatial import class_maps
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, texture_of_rock
from lithoscope.training.spatial import NOT_COUNTED, SpatialExample

# Phantoms to train on, and further ones to choose between networks by.
TRAINING, CHOOSING = 75, 6
MINIMAL = 30
_SIDE, _FIRST_SEED, _FIRST_MINIMAL = 64, 70_000, 40_000
# Grains are as large as on a map of 128 pixels of 20 µm; pixels are finer or coarser.
_EXTENT_UM = (2560.0, 2560.0)
_STEPS_UM, _COUNTS = (10.0, 40.0), (500.0, 10_000.0)
# Classes of a map that are kept: those that are there, then the likeliest.
_CLASSES = 20
_FEWEST_PIXELS = 100


def training_phantom(number: int) -> Phantom:
    """Return a phantom of a rock that is none of the tests', on a machine of its own."""
    rng = np.random.default_rng([number, 4711])
    rocks = [rock for rock in load_rocks() if rock.name not in scans.ROCKS]
    rock = rocks[number % len(rocks)]
    counts = float(np.exp(rng.uniform(*np.log(_COUNTS))))
    step_um = float(np.exp(rng.uniform(*np.log(_STEPS_UM))))
    scan = ScanRecipe((_SIDE, _SIDE), step_um=step_um, counts=counts, detectors=2)
    texture = dataclasses.replace(texture_of_rock(rock, _EXTENT_UM), fill="void")
    seed = _FIRST_SEED + number
    return Phantom(PhantomRecipe(rock, texture, scan, seed), scans.drawn_instrument(seed))


def training_scan(number: int, checkpoint: Checkpoint, folder: Path) -> PredictedScan:
    """Return a predicted phantom, from a file where an earlier run left it."""
    path = folder / f"train-{number:03d}.npz"
    if not path.exists():
        print(f"training phantom {number}", flush=True)
        scans.predicted_scan(training_phantom(number), checkpoint).save(path)
    return PredictedScan.load(path)


def training_examples(checkpoint: Checkpoint, folder: Path) -> list[SpatialExample]:
    """Return all maps to train on."""
    n_classes = len(checkpoint.labels)
    found = []
    for number in range(TRAINING):
        scan = training_scan(number, checkpoint, folder)
        void = scan.classes == VOID
        found.append(_example(scan.posteriors, scan.truth, void, scan.unknown, n_classes))
    for seed in TUNING_SEEDS:
        pool = stored_pool(checkpoint, seed, folder)
        for number in range(MINIMAL):
            one: MinimalPhantom = minimal_phantom(pool, checkpoint.labels, _FIRST_MINIMAL + number)
            void = np.zeros(one.truth.shape, dtype=bool)
            found.append(_example(one.posteriors, one.truth, void, one.unknown, n_classes))
    return [example for example in found if example is not None]


def _example(
    posteriors: Posteriors,
    truth: NDArray[np.int64],
    void: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    n_classes: int,
) -> SpatialExample | None:
    """What the network is shown of a map; none where nearly all is void or unknown."""
    speaks = ~void & ~unknown
    if speaks.sum() < _FEWEST_PIXELS:
        return None
    priors = estimate_priors(posteriors, n_classes=n_classes, use=speaks)
    classes = classes_to_try(posteriors, priors, ~void)
    maps, guess = class_maps(posteriors, priors, classes, speaks, (0, len(truth)))
    present = np.isin(classes, truth)
    weight = np.where(present, np.inf, np.exp(guess).sum(axis=(1, 2)))
    kept = np.sort(np.argsort(-weight, kind="stable")[: max(_CLASSES, int(present.sum()))])
    places = np.full(n_classes + 1, NOT_COUNTED)
    places[classes[kept]] = np.arange(kept.size)
    return SpatialExample(
        maps[kept].astype(np.float16),
        guess[kept].astype(np.float16),
        np.where(void, NOT_COUNTED, places[truth]),
    )
