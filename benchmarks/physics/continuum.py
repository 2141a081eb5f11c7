"""The shape of the scattered continuum of acrylic, bare and behind filters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.physics.measured import Measured
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

GOAL = 0.20
_EDGES = np.arange(5.0, 30.5, 1.0)
_FEWEST_COUNTS = 200


@dataclass(frozen=True, eq=False)
class Shape:
    """Simulated over measured counts per bin of 1 keV, both normalised from 5 to 30 keV.

    `counted` are the measured counts without what piled up.
    """

    sample: str
    middles_keV: FloatArray
    counted: FloatArray
    ratios: FloatArray

    @property
    def enough(self) -> NDArray[np.bool_]:
        """Bins that hold enough counts to speak."""
        return self.counted >= _FEWEST_COUNTS

    @property
    def within(self) -> float:
        """Share of bins within the goal."""
        return float(np.mean(np.abs(self.ratios[self.enough] - 1) <= GOAL))

    @property
    def rms(self) -> float:
        """Root mean square of the logarithm."""
        return float(np.sqrt(np.mean(np.log(self.ratios[self.enough]) ** 2)))

    def missed(self) -> list[tuple[float, float]]:
        """Energy and ratio of the bins that miss the goal."""
        bad = self.enough & (np.abs(self.ratios - 1) > GOAL)
        return list(zip(self.middles_keV[bad].tolist(), self.ratios[bad].tolist(), strict=True))


def continuum_shape(measured: Measured, simulated: FloatArray) -> Shape:
    """The shape in bins of 1 keV, lines of the machine itself included on both sides."""
    expected = np.histogram(measured.energies_keV, _EDGES, weights=simulated)[0]
    counted = measured.counted_in(_EDGES) - measured.piled_in(_EDGES)
    ratios = expected / expected.sum() * counted.sum() / np.maximum(counted, 1)
    return Shape(measured.name, (_EDGES[1:] + _EDGES[:-1]) / 2, counted, ratios)
