"""Grains as the cells of a power diagram, fitted to the areas that they shall have."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CHUNK = 1 << 16
# Seeds that are tried at a point. Where cells are elongated, the nearest by plain distance may
# not be the nearest by a cell's own.
_TRIED, _TRIED_IF_LONG = 2, 8
_SWEEPS = 40
# Of how far a seed lies from its cell's centre, the share by which it is moved in a sweep.
_TO_CENTRE = 0.9
# Change of weight per lacking area. A hexagon grows by sqrt(3) per weight, so this falls short a
# little.
_WEIGHT_STEP = 0.5


@dataclass(frozen=True, eq=False)
class PowerDiagram:
    """Cells ``{x : (x - s_i)^T M_i (x - s_i) - w_i is the least}``.

    With M the identity these are the Laguerre cells with which polycrystals are modelled (Bourne
    et al. 2020, Phil. Mag. 100, 2677); a matrix of determinant one makes a cell longer in one
    direction (Altendorf et al. 2014, Comput. Mater. Sci. 83, 290).

    Parameters
    ----------
    seeds
        Shape (cell, 2), along (y, x) in µm.
    weights
        Shape (cell,), in µm².
    metrics
        The elements yy, yx and xx of M, shape (cell, 3).
    """

    seeds: FloatArray
    weights: FloatArray
    metrics: FloatArray

    @functools.cached_property
    def _tree(self) -> cKDTree:
        """Seeds lifted so that plain distances in three dimensions order power distances."""
        height = np.sqrt(self.weights.max() - self.weights)
        return cKDTree(np.column_stack([self.seeds, height]))

    @functools.cached_property
    def _tried(self) -> int:
        long = bool((np.abs(self.metrics - [1.0, 0.0, 1.0]) > 1e-9).any())
        return min(len(self.seeds), _TRIED_IF_LONG if long else _TRIED)

    def nearest(self, points: FloatArray) -> tuple[IntArray, FloatArray]:
        """Cell of each point, and by how much the next cell's power distance is larger.

        Parameters
        ----------
        points
            Shape (point, 2) in µm.

        Returns
        -------
        cell : ndarray, shape (point,)
        gap : ndarray, shape (point,), in µm²; 0 on a boundary, 1 if there is one cell
        """
        cells = np.empty(len(points), dtype=np.int64)
        gaps = np.empty(len(points))
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            cells[part], gaps[part] = self._nearest(points[part])
        return cells, gaps

    def _nearest(self, points: FloatArray) -> tuple[IntArray, FloatArray]:
        lifted = np.column_stack([points, np.zeros(len(points))])
        _, tried = self._tree.query(lifted, k=self._tried)
        tried = tried.reshape(len(points), -1)
        powers = self._powers(points, tried)
        if tried.shape[1] == 1:
            return tried[:, 0], np.ones(len(points))
        first = powers.argmin(axis=1)[:, None]
        least = np.take_along_axis(powers, first, axis=1)[:, 0]
        np.put_along_axis(powers, first, np.inf, axis=1)
        return np.take_along_axis(tried, first, axis=1)[:, 0], powers.min(axis=1) - least

    def _powers(self, points: FloatArray, cells: IntArray) -> FloatArray:
        away = points[:, None, :] - self.seeds[cells]
        y, x = away[..., 0], away[..., 1]
        metric = self.metrics[cells]
        squared = metric[..., 0] * y**2 + 2 * metric[..., 1] * y * x + metric[..., 2] * x**2
        return np.asarray(squared - self.weights[cells])


def metrics_of_ellipses(aspects: FloatArray, angles_rad: FloatArray) -> FloatArray:
    """Matrices of ellipses of unit area, their long axes at angles from x towards y.

    Returns
    -------
    ndarray, shape (ellipse, 3), the elements yy, yx and xx
    """
    cosine, sine = np.cos(angles_rad), np.sin(angles_rad)
    long, short = 1 / aspects, aspects
    return np.column_stack(
        [
            long * sine**2 + short * cosine**2,
            (long - short) * sine * cosine,
            long * cosine**2 + short * sine**2,
        ]
    )


def fitted_diagram(
    *,
    areas_um2: FloatArray,
    seeds: FloatArray,
    metrics: FloatArray,
    points: FloatArray,
    rng: np.random.Generator,
) -> PowerDiagram:
    """Move seeds and weights until cells have the given areas.

    A seed moves towards its cell's centre, and its weight grows with the area that it lacks (the
    gradient of Bourne et al. 2020, eq. 8), so that cells become compact and of the given sizes.

    Parameters
    ----------
    areas_um2
        Area of each cell; the points share out their sum.
    seeds
        Where cells start, shape (cell, 2).
    metrics
        Shapes of the cells, shape (cell, 3).
    points
        Points that cover the region evenly, shape (point, 2). They are shifted together by up to
        half their distance in each sweep, so that cells smaller than it are seen as they are.
    rng
        Source of the shifts.
    """
    per_point = areas_um2.sum() / len(points)
    weights = areas_um2 / np.pi
    diagram = PowerDiagram(seeds, weights, metrics)
    for sweep in range(_SWEEPS):
        cells, _ = diagram.nearest(points)
        found = np.bincount(cells, minlength=len(areas_um2))
        centres = (
            np.column_stack(
                [np.bincount(cells, points[:, axis], len(areas_um2)) for axis in (0, 1)]
            )
            / np.maximum(found, 1)[:, None]
        )
        # Seeds rest towards the end and steps become small, so that areas can settle.
        settling = max(sweep - _SWEEPS // 2, 0)
        pull = np.where(found > 0, _TO_CENTRE * (settling == 0), 0.0)[:, None]
        step = _WEIGHT_STEP / (1 + settling / 6) * (areas_um2 - found * per_point)
        diagram = PowerDiagram(
            diagram.seeds + pull * (centres - diagram.seeds), diagram.weights + step, metrics
        )
    return diagram
