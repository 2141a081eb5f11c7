"""Filters in the beam, which change the whole shape of the exciting spectrum."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from lithoscope.core.instrument import Instrument, Layer
from lithoscope.synthesis.distortions.base import MachineDistortion

# Filters of an M4 Tornado (Bruker, M4 TORNADO user manual: Al 12.5, Al 100, Al 630, Al/Ti 100/25,
# Al/Ti/Cu 100/50/25 µm), most common first.
FILTERS: tuple[tuple[Layer, ...], ...] = (
    (Layer("Al", 12.5, 2.699),),
    (Layer("Al", 100.0, 2.699),),
    (Layer("Al", 630.0, 2.699),),
    (Layer("Al", 100.0, 2.699), Layer("Ti", 25.0, 4.506)),
    (Layer("Al", 100.0, 2.699), Layer("Ti", 50.0, 4.506), Layer("Cu", 25.0, 8.96)),
)
# Share of machines with a filter, for each step of severity.
_PROBABILITY = 0.05
# Rolled foils vary in thickness by about a tenth.
_THICKNESS_SPREAD = 0.05


class TubeFilter(MachineDistortion):
    """A filter in the beam of `5 % severity` of the machines, its thickness not quite as said."""

    name: ClassVar[str] = "filter"
    summary: ClassVar[str] = "a filter in the beam"

    def sample(self, instrument: Instrument, rng: np.random.Generator) -> dict[str, float]:
        """Draw the filter, -1 for none, and the relative thickness of its foils."""
        used, number = rng.random() < _PROBABILITY * self.severity, rng.integers(len(FILTERS))
        thickness = float(np.exp(_THICKNESS_SPREAD * rng.standard_normal()))
        return {"filter": float(number) if used else -1.0, "relative_thickness": thickness}

    def apply(self, instrument: Instrument, parameters: Mapping[str, float]) -> Instrument:
        """Put the filter into the beam, in front of those that are there."""
        number = int(parameters["filter"])
        if number < 0:
            return instrument
        foils = tuple(
            dataclasses.replace(
                foil, thickness_um=foil.thickness_um * parameters["relative_thickness"]
            )
            for foil in FILTERS[number]
        )
        tube = dataclasses.replace(instrument.tube, filters=(*foils, *instrument.tube.filters))
        return dataclasses.replace(instrument, tube=tube)
