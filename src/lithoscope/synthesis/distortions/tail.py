"""Tail and shelf below each peak: charge that the detector collects only in part."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from lithoscope.core.instrument import Instrument
from lithoscope.synthesis.distortions.base import MachineDistortion

# Standard deviation of the logarithm of tail and shelf, for each step of severity: the shelves of
# two machines differ by a factor of two (docs/physics-comparison.md).
_SPREAD = 0.15
# No more than this of a peak can be either.
_MOST = 0.2


class Tail(MachineDistortion):
    """Log-normal factors on tail, shelf and escaping electrons, each on its own."""

    name: ClassVar[str] = "tail"
    summary: ClassVar[str] = "tail and shelf of peaks"

    def sample(self, instrument: Instrument, rng: np.random.Generator) -> dict[str, float]:
        """Draw the factors."""
        names = ("tail_fraction", "shelf_fraction", "electron_loss")
        factors = np.exp(_SPREAD * self.severity * rng.standard_normal(len(names)))
        return dict(zip(names, factors.tolist(), strict=True))

    def apply(self, instrument: Instrument, parameters: Mapping[str, float]) -> Instrument:
        """Scale tail, shelf and electron loss."""
        detector = instrument.detector
        changed = dataclasses.replace(
            detector,
            tail_fraction=min(detector.tail_fraction * parameters["tail_fraction"], _MOST),
            shelf_fraction=min(detector.shelf_fraction * parameters["shelf_fraction"], _MOST),
            electron_loss=detector.electron_loss * parameters["electron_loss"],
        )
        return dataclasses.replace(instrument, detector=changed)
