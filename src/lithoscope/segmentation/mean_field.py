"""Steps of mean field on a grid, compiled.

numba takes a while to import: this module is imported where a map is smoothed.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from lithoscope.core.compiled import compiled

_CUBE = numba.types.Array(numba.float32, 3, "C")
_MASK = numba.types.Array(numba.boolean, 2, "C")
# A neighbour at a corner lies farther off.
_CORNER = 1 / math.sqrt(2)


@compiled(numba.void(_CUBE, _CUBE, _CUBE, _MASK, numba.float32))
def mean_field_step(
    evidence: NDArray[np.float32],
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    speaks: NDArray[np.bool_],
    strength: float,
) -> None:
    """Write ``q_i(k) ~ exp(evidence_i(k) + strength * sum_j w_ij q_j(k))`` of all pixels at once.

    The sum goes over the eight neighbours that speak, ``w`` one along rows and columns and
    ``1 / sqrt(2)`` at corners.

    Parameters
    ----------
    evidence
        Log-likelihood of each class, shape (y, x, class).
    before, after
        Probabilities before the step, and where those after it go, shape (y, x, class).
    speaks
        Pixels whose neighbours heed them, shape (y, x).
    strength
        How much a neighbour of the same class is worth, in nats.
    """
    height, width, classes = evidence.shape
    score = np.empty(classes, np.float32)
    for y in range(height):
        for x in range(width):
            score[:] = 0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    ny, nx = y + dy, x + dx
                    if ny < 0 or nx < 0 or ny >= height or nx >= width or (dy == 0 and dx == 0):
                        continue
                    if speaks[ny, nx]:
                        weight = np.float32(1.0 if dy == 0 or dx == 0 else _CORNER)
                        for k in range(classes):
                            score[k] += weight * before[ny, nx, k]
            most = np.float32(-np.inf)
            for k in range(classes):
                score[k] = evidence[y, x, k] + strength * score[k]
                most = max(most, score[k])
            total = np.float32(0)
            for k in range(classes):
                score[k] = math.exp(score[k] - most)
                total += score[k]
            for k in range(classes):
                after[y, x, k] = score[k] / total
