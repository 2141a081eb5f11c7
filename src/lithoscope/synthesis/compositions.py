"""Natural compositions in random order, balanced over classes, without end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.minerals.sampling import sample_mass_fractions

# Elements that distortions need besides those of the minerals: resin, and what dirt is made of.
_ALWAYS = ("H", "C", "O", "Na", "Al", "Si", "Cl", "K", "Ca", "Cr", "Fe", "Ni", "Cu", "Zn", "Pb")


def symbols_of_minerals(minerals: Sequence[Mineral]) -> tuple[str, ...]:
    """All elements that samples of the minerals can hold, and that distortions need, sorted."""
    rng = np.random.default_rng(0)
    own = {name for mineral in minerals for name in sample_mass_fractions(mineral, 1, rng)[0]}
    return tuple(sorted(own | set(_ALWAYS)))


@dataclass(frozen=True, eq=False)
class Grains:
    """Grains of minerals.

    Parameters
    ----------
    minerals, classes
        Place in the list of minerals, and class, of each, shape (grain,).
    fractions
        Mass fractions, shape (grain, element), float32.
    """

    minerals: NDArray[np.int64]
    classes: NDArray[np.int64]
    fractions: NDArray[np.float32]

    def of(self, part: slice) -> Grains:
        """Return some of the grains."""
        return Grains(self.minerals[part], self.classes[part], self.fractions[part])


def sample_grains(
    minerals: Sequence[Mineral],
    labels: LabelSet,
    symbols: Sequence[str],
    count: int,
    rng: np.random.Generator,
    *,
    pure_share: float = 0.0,
) -> Grains:
    """Draw grains: each class equally often, each of its minerals alike, each composition anew.

    Parameters
    ----------
    minerals
        The members of all classes.
    labels
        The classes.
    symbols
        Elements, as `symbols_of_minerals` gives them.
    count
        Number of grains.
    rng
        Source of randomness.
    pure_share
        Share of grains without traces, as for `sample_mass_fractions`.
    """
    column = {symbol: index for index, symbol in enumerate(symbols)}
    of_mineral = np.array([labels.index_of(mineral.name) for mineral in minerals])
    turns = rng.permuted(np.arange(count) % len(labels))
    members = [np.flatnonzero(of_mineral == label) for label in range(len(labels))]
    sizes = np.array([own.size for own in members])
    starts = np.cumsum(sizes) - sizes
    chosen = starts[turns] + (rng.random(count) * sizes[turns]).astype(np.int64)
    which = np.concatenate(members)[chosen]
    fractions = np.zeros((count, len(symbols)), dtype=np.float32)
    for index, mineral in enumerate(minerals):
        rows = np.flatnonzero(which == index)
        if rows.size:
            names, drawn = sample_mass_fractions(mineral, rows.size, rng, pure_share=pure_share)
            columns = np.array([column[name] for name in names])
            fractions[rows[:, None], columns] = drawn
    return Grains(which, of_mineral[which], fractions)
