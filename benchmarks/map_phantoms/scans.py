"""Phantoms of rocks on machines drawn anew, and what the model says of their pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import VOID, LabelSet
from lithoscope.inference.posteriors import Posteriors, joined, posteriors_from_probabilities
from lithoscope.inference.predict import Predictor
from lithoscope.io import load_instrument
from lithoscope.minerals.rocks import find_rock
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.distortions.base import MachineDistortion
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, texture_of_rock

INSTRUMENT, CONDITION, COUNTS = "m4-tornado", "realistic", 2000.0
SHAPE = (128, 128)
ROCKS = (
    "granite",
    "lct pegmatite",
    "gabbro",
    "gneiss",
    "skarn",
    "carbonatite",
    "porphyry copper ore",
    "massive sulfide ore",
    "gold quartz vein",
    "tin-tungsten vein",
)
TUNING_ROCKS = ("granodiorite", "schist", "kimberlite", "epithermal silver ore")
SEED, TUNING_SEED = 11, 501


@dataclass(frozen=True, eq=False)
class PredictedScan:
    """What the model says of a phantom, beside the truth, shape (y, x).

    Parameters
    ----------
    rock
        Its name.
    truth
        Class of the mineral with the largest share of the pixel, `VOID` for none.
    pure
        Share of that class.
    grains
        Number of the grain.
    posteriors
        Under even priors.
    classes, unknown
        As `map` has them.
    """

    rock: str
    truth: NDArray[np.int64]
    pure: NDArray[np.float32]
    grains: NDArray[np.int64]
    posteriors: Posteriors
    classes: NDArray[np.int16]
    unknown: NDArray[np.bool_]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the best class, 0 for void."""
        best = np.exp(self.posteriors.log_probabilities[..., 0].astype(np.float32))
        return np.where(self.classes == VOID, np.float32(0), best)

    def save(self, path: Path) -> None:
        """Write it as one file."""
        said = self.posteriors
        np.savez_compressed(
            path,
            rock=self.rock,
            truth=self.truth,
            pure=self.pure,
            grains=self.grains,
            best=said.classes,
            logs=said.log_probabilities,
            rest=said.log_rest,
            allowed=np.array(said.allowed),
            classes=self.classes,
            unknown=self.unknown,
        )

    @classmethod
    def load(cls, path: Path) -> PredictedScan:
        """Read what `save` wrote."""
        with np.load(path) as file:
            said = Posteriors(
                file["best"], file["logs"], file["rest"], tuple(file["allowed"].tolist())
            )
            parts = [file[name] for name in ("truth", "pure", "grains")]
            return cls(str(file["rock"]), *parts, said, file["classes"], file["unknown"])


def drawn_instrument(seed: int) -> Instrument:
    """Return the instrument with what `realistic` lets differ between machines."""
    instrument, rng = load_instrument(INSTRUMENT), np.random.default_rng([seed, 71])
    for distortion in CONDITIONS[CONDITION].distortions:
        if isinstance(distortion, MachineDistortion):
            instrument = distortion.apply(instrument, distortion.sample(instrument, rng))
    return instrument


def phantom_of_rock(name: str, seed: int) -> Phantom:
    """Return a phantom of a rock that ships, 128 x 128 pixels of 20 µm, 2 000 counts."""
    rock, scan = find_rock(name), ScanRecipe(SHAPE, counts=COUNTS, detectors=2)
    texture = dataclasses.replace(texture_of_rock(rock, scan.extent_um), fill="void")
    return Phantom(PhantomRecipe(rock, texture, scan, seed), drawn_instrument(seed))


def predicted_scan(phantom: Phantom, checkpoint: Checkpoint) -> PredictedScan:
    """Classify every pixel of a phantom."""
    predictor = Predictor(checkpoint, phantom.machine.axis)
    blocks, classes, unknown = [], [], []
    for row in range(phantom.shape[0]):
        said = predictor(phantom.row(row).sum(axis=1, dtype=np.uint32))
        blocks.append(posteriors_from_probabilities(said.probabilities, allowed=predictor.allowed))
        classes.append(said.classes)
        unknown.append(said.unknown)
    truth, pure = truth_on_classes(phantom, checkpoint.labels)
    return PredictedScan(
        rock=phantom.recipe.rock.name,
        truth=truth,
        pure=pure,
        grains=phantom.truth["grain"].values.astype(np.int64),
        posteriors=joined(blocks).reshaped(*phantom.shape),
        classes=np.stack(classes),
        unknown=np.stack(unknown),
    )


def truth_on_classes(
    phantom: Phantom, labels: LabelSet
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Class of the largest share of each pixel, and that share, shape (y, x).

    Shares of minerals of one class are summed first; minerals that no class has are void.
    """
    truth = phantom.truth
    known = [
        labels.index_of(name) if name in labels.members else -1 for name in phantom.mineral_names
    ]
    places = np.array([*known, -1])[truth["part_mineral"].values]
    height, width = phantom.shape
    shares = np.zeros((height * width, len(labels) + 1))
    rows = np.repeat(np.arange(height * width), places.shape[-1])
    np.add.at(shares, (rows, places.reshape(-1)), truth["abundance"].values.reshape(-1))
    shares[:, -1] += truth["void"].values.reshape(-1)
    best = shares.argmax(axis=1)
    pure = shares[np.arange(len(best)), best].astype(np.float32)
    classes = np.where(best == len(labels), VOID, best)
    return classes.reshape(height, width), pure.reshape(height, width)


def scans_of_rocks(
    rocks: Sequence[str], seed: int, checkpoint: Checkpoint, folder: Path
) -> list[PredictedScan]:
    """Return predicted phantoms of rocks, from files where an earlier run left them."""
    found = []
    for number, rock in enumerate(rocks):
        path = folder / f"scan-{rock.replace(' ', '-')}-{seed + number}.npz"
        if not path.exists():
            print(f"phantom of {rock}", flush=True)
            predicted_scan(phantom_of_rock(rock, seed + number), checkpoint).save(path)
        found.append(PredictedScan.load(path))
    return found
