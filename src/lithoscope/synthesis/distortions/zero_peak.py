"""The zero peak: pulses of the electronics that are no X-rays."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.instrument import Detector
from lithoscope.physics.own_signals import zero_peak_from_detector
from lithoscope.synthesis.distortions.base import Draws, ElectronicDistortion, Parameters
from lithoscope.synthesis.expected import ExpectedBatch, Machine

# Largest number of its pulses per count for each step of severity: 10 000 pulses per second stand
# beside 10 000 to 100 000 counts (docs/physics-comparison.md).
_PER_COUNT = 0.5


def zero_peak_shape(machine: Machine) -> NDArray[np.float64]:
    """The zero peak of one pulse, shape (bin,)."""
    detector = machine.compiled.instrument.detector
    one = Detector(noise_keV=detector.noise_keV, zero_peak_per_s=1.0)
    return zero_peak_from_detector(detector=one, edges_keV=machine.compiled.edges_keV)


class ZeroPeak(ElectronicDistortion):
    """Pulses at 0 keV, up to `0.5 severity` for each count."""

    name: ClassVar[str] = "zero_peak"
    summary: ClassVar[str] = "pulses at 0 keV"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw its pulses per count."""
        return {"pulses_per_count": draws.uniform(high=_PER_COUNT * self.severity)}

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Add the peak."""
        if self.severity == 0:
            return spectra
        return spectra + parameters["pulses_per_count"][:, None] * batch.table(zero_peak_shape)
