"""What the model says of spectra of each class, by machine and composition, to build maps from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from benchmarks.map_phantoms.scans import CONDITION, COUNTS, INSTRUMENT
from numpy.typing import NDArray

from lithoscope.inference.posteriors import Posteriors, joined, posteriors_from_probabilities
from lithoscope.inference.predict import Predictor
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.distortions.base import Draws
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

MACHINES, COMPOSITIONS, REPEATS = 20, 4, 8
SEED, TUNING_SEEDS = 9_100_003, (9_200_003, 9_300_003)
_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Pool:
    """Predicted spectra.

    Parameters
    ----------
    classes, machines
        True class and machine of each composition, shape (composition,).
    posteriors
        Of each composition measured several times, shape (composition, repeat).
    unknown
        Shape (composition, repeat).
    """

    classes: NDArray[np.int64]
    machines: NDArray[np.int64]
    posteriors: Posteriors
    unknown: NDArray[np.bool_]

    def save(self, path: Path) -> None:
        """Write it as one file."""
        said = self.posteriors
        np.savez_compressed(
            path,
            classes=self.classes,
            machines=self.machines,
            best=said.classes,
            logs=said.log_probabilities,
            rest=said.log_rest,
            allowed=np.array(said.allowed),
            unknown=self.unknown,
        )

    @classmethod
    def load(cls, path: Path) -> Pool:
        """Read what `save` wrote."""
        with np.load(path) as file:
            said = Posteriors(
                file["best"], file["logs"], file["rest"], tuple(file["allowed"].tolist())
            )
            return cls(file["classes"], file["machines"], said, file["unknown"])


def pool_of_spectra(checkpoint: Checkpoint, seed: int) -> Pool:
    """Measure compositions of all classes on machines drawn anew, each several times.

    Grain surface, machine and composition stay the same in the repeats of a composition; what
    differs from pixel to pixel (mixing, Bragg peaks, counting) is drawn for each.
    """
    minerals = [load_library().get(name) for name in checkpoint.labels.members]
    per_machine = COMPOSITIONS * len(checkpoint.labels)
    stream = SpectrumStream(
        minerals,
        checkpoint.labels,
        [load_instrument(INSTRUMENT)],
        CONDITIONS[CONDITION].at(COUNTS),
        checkpoint.axis.edges_keV,
        batch_size=_AT_ONCE,
        seed=seed,
        size=GenerationSize(MACHINES, per_machine, MACHINES),
    )
    generation = stream.maker.make(0)
    generator = torch.Generator()
    generator.manual_seed(seed)
    predictor = Predictor(checkpoint, load_instrument(INSTRUMENT).axis)
    blocks, unknown = [], []
    for first in range(0, len(generation), _AT_ONCE // REPEATS):
        rows = torch.arange(first, min(first + _AT_ONCE // REPEATS, len(generation)))
        batch = ExpectedBatch(generation, rows.repeat_interleave(REPEATS))
        counts = stream.measure(batch, Draws(len(batch), generator)).counts
        said = predictor.of_binned(counts.numpy())
        allowed = range(len(checkpoint.labels))
        blocks.append(posteriors_from_probabilities(said.probabilities, allowed=allowed))
        unknown.append(said.unknown)
    machines = np.arange(len(generation)) // generation.per_machine
    return Pool(
        generation.classes.numpy().astype(np.int64),
        machines,
        joined(blocks).reshaped(len(generation), REPEATS),
        np.concatenate(unknown).reshape(len(generation), REPEATS),
    )


def stored_pool(checkpoint: Checkpoint, seed: int, folder: Path) -> Pool:
    """Return a pool, from a file where an earlier run left it."""
    path = folder / f"pool-{seed}.npz"
    if not path.exists():
        print(f"pool of spectra, seed {seed}", flush=True)
        pool_of_spectra(checkpoint, seed).save(path)
    return Pool.load(path)
