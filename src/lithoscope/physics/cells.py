"""The exciting radiation in cells, over which fluorescence is summed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xraylib
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number
from lithoscope.physics.source import Source

FloatArray = NDArray[np.float64]

# Width of a cell: the larger of this share of its energy, and this many keV. Line intensities then
# lie within 0.1 % of those over every node of the source (tests/physics/test_cells.py).
_RELATIVE_WIDTH = 0.08
_LEAST_WIDTH_KEV = 0.2

_SHELLS = (
    xraylib.K_SHELL,
    *(xraylib.L1_SHELL, xraylib.L2_SHELL, xraylib.L3_SHELL),
    *(xraylib.M1_SHELL, xraylib.M2_SHELL, xraylib.M3_SHELL, xraylib.M4_SHELL, xraylib.M5_SHELL),
)


@dataclass(frozen=True, eq=False)
class ExcitationCells:
    """Neighbouring nodes of a source taken together; no absorption edge lies inside a cell.

    Parameters
    ----------
    order
        Nodes of the source by ascending energy, shape (node,).
    starts
        Where in `order` each cell begins, shape (cell,).
    photons_per_s
        Photons of each cell, shape (cell,).
    weights
        Share of its cell's photons in each node, by ascending energy, shape (node,).
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    photons_per_s: FloatArray
    weights: FloatArray

    def mean(self, table: FloatArray) -> FloatArray:
        """Mean over each cell's photons of what a table, shape (..., node), holds."""
        return np.add.reduceat(table[..., self.order] * self.weights, self.starts, axis=-1)


def cells_from_source(*, source: Source, symbols: Sequence[str]) -> ExcitationCells:
    """Divide a source into cells for a sample of the given elements.

    A sum over cells of mean production and mean attenuation stands for the integral over the
    source: both vary little within a cell, as cells end where an element's absorption edge lies.

    Parameters
    ----------
    source
        The exciting radiation.
    symbols
        The sample's elements.
    """
    order = np.argsort(source.energies_keV, kind="stable")
    energies, photons = source.energies_keV[order], source.photons_per_s[order]
    bounds = _bounds(float(energies[-1]), symbols)
    cell_of_node = np.searchsorted(bounds, energies, side="right")
    starts = np.flatnonzero(np.diff(cell_of_node, prepend=-1))
    totals = np.add.reduceat(photons, starts)
    sizes = np.diff(np.append(starts, energies.size))
    shared = np.repeat(totals, sizes)
    even = np.repeat(1 / sizes, sizes)
    weights = np.where(shared > 0, photons / np.where(shared > 0, shared, 1.0), even)
    return ExcitationCells(order, starts, totals, weights)


def _bounds(highest_keV: float, symbols: Sequence[str]) -> FloatArray:
    """Energies at which cells end."""
    even = [0.0]
    while even[-1] < highest_keV:
        even.append(even[-1] + max(_LEAST_WIDTH_KEV, _RELATIVE_WIDTH * even[-1]))
    edges = [edge for symbol in symbols for edge in _absorption_edges(symbol)]
    return np.unique(np.array(even + edges))


@functools.cache
def _absorption_edges(symbol: str) -> tuple[float, ...]:
    """Energies of an element's K, L and M edges in keV; shells it lacks are left out."""
    edges = []
    for shell in _SHELLS:
        try:
            edges.append(float(xraylib.EdgeEnergy(atomic_number(symbol), shell)))
        except ValueError:
            continue
    return tuple(edge for edge in edges if edge > 0)
