"""The detector's resolution, which drifts with temperature, count rate and age."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from lithoscope.core.instrument import Instrument
from lithoscope.synthesis.distortions.base import MachineDistortion

# Largest relative change of the width of peaks, for each step of severity. At 2 it is 5 %, the
# scatter of the resolutions in the headers at hand (130 to 145 eV at Mn Ka).
_WIDTH = 0.025


class Resolution(MachineDistortion):
    """Peaks wider or narrower by up to `2.5 % severity`."""

    name: ClassVar[str] = "resolution"
    summary: ClassVar[str] = "width of peaks"

    def sample(self, instrument: Instrument, rng: np.random.Generator) -> dict[str, float]:
        """Draw the factor on the width, uniform."""
        return {"relative_width": 1 + float(rng.uniform(-1, 1)) * _WIDTH * self.severity}

    def apply(self, instrument: Instrument, parameters: Mapping[str, float]) -> Instrument:
        """Scale the width of all peaks."""
        factor, detector = parameters["relative_width"], instrument.detector
        changed = dataclasses.replace(
            detector, noise_keV=detector.noise_keV * factor, fano=detector.fano * factor**2
        )
        return dataclasses.replace(instrument, detector=changed)
