"""Minimal phantoms: grains of a rock on a small map, pixels drawn from stored predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.map_phantoms.pool import Pool
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lithoscope.core.labels import LabelSet
from lithoscope.inference.posteriors import Posteriors
from lithoscope.minerals.rocks import load_rocks, sample_rock

SIDE, GRAINS = 64, 250


@dataclass(frozen=True, eq=False)
class MinimalPhantom:
    """A map whose pixels are predictions of spectra of known class.

    Parameters
    ----------
    recipe
        Share of each class that the rock has, shape (class,).
    truth
        Class of each pixel, shape (y, x).
    posteriors
        Under even priors, shape (y, x).
    unknown
        Pixels that were flagged, shape (y, x).
    """

    recipe: NDArray[np.float64]
    truth: NDArray[np.int64]
    posteriors: Posteriors
    unknown: NDArray[np.bool_]

    @property
    def scanned(self) -> NDArray[np.float64]:
        """Share of each class in the scanned area, shape (class,)."""
        return np.bincount(self.truth.ravel(), minlength=self.recipe.size) / self.truth.size


def minimal_phantom(pool: Pool, labels: LabelSet, seed: int) -> MinimalPhantom:
    """Draw a rock, a machine, grains and their compositions, and a prediction for each pixel.

    Grains are the cells of random points, each of a class drawn by the rock's proportions, so that
    a scan has more or less of a mineral than the rock. A grain is of one composition; all pixels
    are measured on one machine.
    """
    rng = np.random.default_rng([seed, 17])
    rocks = load_rocks()
    rock = rocks[rng.integers(len(rocks))]
    shares = sample_rock(rock, 1, rng)[0]
    recipe = np.zeros(len(labels))
    for name, share in zip(rock.shares, shares, strict=True):
        if name in labels.members:
            recipe[labels.index_of(name)] += share
    recipe /= recipe.sum()
    grains = rng.choice(len(labels), size=GRAINS, p=recipe)
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), axis=-1)
    _, cell = cKDTree(rng.uniform(0, SIDE, (GRAINS, 2))).query(grid + 0.5)
    machine = rng.choice(np.unique(pool.machines))
    rows = _compositions(pool, grains, machine, rng)[cell]
    repeats = rng.integers(pool.unknown.shape[1], size=cell.shape)
    said = pool.posteriors
    return MinimalPhantom(
        recipe=recipe,
        truth=grains[cell],
        posteriors=Posteriors(
            said.classes[rows, repeats],
            said.log_probabilities[rows, repeats],
            said.log_rest[rows, repeats],
            said.allowed,
        ),
        unknown=pool.unknown[rows, repeats],
    )


def _compositions(
    pool: Pool, grains: NDArray[np.int64], machine: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return a row of the pool for each grain: its class on this machine, or on any if none is."""
    rows = np.empty(grains.size, dtype=np.int64)
    for wanted in np.unique(grains):
        every = np.flatnonzero(pool.classes == wanted)
        own = every[pool.machines[every] == machine]
        here = grains == wanted
        rows[here] = rng.choice(own if own.size else every, size=here.sum())
    return rows
