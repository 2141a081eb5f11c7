"""Distances of a mineral's lattice planes, drawn as often as they are seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.mineral import Mineral
from lithoscope.physics.crystal import reflections_from_mineral

# Planes at whose distances an M4 Tornado (2 theta = 130 degrees) sees 2.3 to 13 keV, with a margin
# for other angles.
_SHORTEST_A, _LONGEST_A = 0.45, 4.5
# Distances kept of each mineral.
SPACINGS = 64


# Found once for each crystal; every stream of the library asks for the same.
_found: dict[tuple[object, ...], NDArray[np.float64]] = {}


def spacings_of_planes(mineral: Mineral) -> NDArray[np.float64]:
    """Distances of planes in Å, quantiles of what a detector at a fixed angle sees.

    At one angle a family reflects ``|F|^2 lambda^4`` with lambda proportional to the distance d
    (`physics.diffraction.bragg_from_grain`); planes count by the root of that, between how often
    they are met, which is alike for all, and how strong they are.

    Returns
    -------
    ndarray, shape (SPACINGS,), increasing; infinite where the mineral has no cell
    """
    lines = tuple(mineral.d_spacings.items())
    key = (mineral.name, mineral.formula, mineral.cell, lines)
    if key not in _found:
        _found[key] = _spacings(mineral)
    return _found[key]


def _spacings(mineral: Mineral) -> NDArray[np.float64]:
    if mineral.cell is None:
        return np.full(SPACINGS, np.inf)
    found = reflections_from_mineral(mineral=mineral, shortest_d_A=_SHORTEST_A)
    spacings = 1 / np.linalg.norm(found.vectors_per_A, axis=1)
    weights = np.sqrt(found.structure_factors_squared) * spacings**2
    seen = np.flatnonzero((spacings < _LONGEST_A) & (weights > 0))
    if not seen.size:
        return np.full(SPACINGS, np.inf)
    order = seen[np.argsort(spacings[seen])]
    below = np.cumsum(weights[order])
    wanted = (np.arange(SPACINGS) + 0.5) / SPACINGS * below[-1]
    return spacings[order[np.searchsorted(below, wanted)]]
