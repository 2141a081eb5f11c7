"""Tube voltage: what the user has chosen, between half of the machine's highest and all of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from lithoscope.core.instrument import Instrument
from lithoscope.synthesis.distortions.base import Distortion, MachineDistortion

# Largest part of the machine's voltage that is missing, for each step of severity: at 2 an M4
# Tornado of 50 kV runs at 25 to 50 kV, as its users do.
_LOWER_SHARE = 0.25
# Below, no K line beyond Ti is excited, and Rh L carries the spectrum.
_LOWEST_KV = 15.0


class Voltage(MachineDistortion):
    """Tube voltages from `1 - 0.25 severity` of the instrument's own up to it."""

    name: ClassVar[str] = "voltage"
    summary: ClassVar[str] = "tube voltage below the instrument's own"

    def sample(self, instrument: Instrument, rng: np.random.Generator) -> dict[str, float]:
        """Draw the voltage, uniform."""
        return {"voltage_kV": float(rng.uniform(*self.range_of(instrument)))}

    def range_of(self, instrument: Instrument) -> tuple[float, float]:
        """Return the lowest and highest voltage drawn for an instrument, in kV."""
        highest = instrument.tube.voltage_kV
        lowest = max(highest * (1 - _LOWER_SHARE * self.severity), min(_LOWEST_KV, highest))
        return lowest, highest

    def apply(self, instrument: Instrument, parameters: Mapping[str, float]) -> Instrument:
        """Set the voltage."""
        if self.severity == 0:
            return instrument
        tube = dataclasses.replace(instrument.tube, voltage_kV=parameters["voltage_kV"])
        return dataclasses.replace(instrument, tube=tube)


def voltage_range(instrument: Instrument, distortions: Sequence[Distortion]) -> tuple[float, float]:
    """Return the lowest and highest tube voltage, in kV, that distortions make of one."""
    for distortion in distortions:
        if isinstance(distortion, Voltage):
            return distortion.range_of(instrument)
    return instrument.tube.voltage_kV, instrument.tube.voltage_kV
