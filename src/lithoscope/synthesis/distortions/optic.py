"""The lens and the tube's K lines, which differ between machines of one make."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from lithoscope.core.instrument import Instrument
from lithoscope.synthesis.distortions.base import MachineDistortion

# Spread (standard deviation of the logarithm) of what differs between machines of one make and is
# in no header: what fits of one lens with other assumptions on the sample's thickness gave, see
# docs/physics.md.
OPTIC_SPREADS = {"rise": 0.2, "fall_keV": 0.08, "steepness": 0.06}
K_LINE_SPREAD = 0.2
# The spreads above are those of severity 2.
_SPREADS_PER_SEVERITY = 0.5
# Share of machines that use a bare collimator instead, for each step of severity.
_BARE = 0.025
# A lens has to fall more steeply than it rises.
_LEAST_STEEPNESS = 1.05


class Optic(MachineDistortion):
    """Log-normal errors of the lens and of the K line yield; a bare collimator now and then."""

    name: ClassVar[str] = "optic"
    summary: ClassVar[str] = "lens transmission, tube K lines, bare collimators"

    def sample(self, instrument: Instrument, rng: np.random.Generator) -> dict[str, float]:
        """Draw factors on the lens's parameters and the K line yield, and whether it is bare."""
        scale = _SPREADS_PER_SEVERITY * self.severity
        spreads = {**OPTIC_SPREADS, "k_line_factor": K_LINE_SPREAD}
        drawn = {
            name: float(np.exp(scale * spread * rng.standard_normal()))
            for name, spread in spreads.items()
        }
        return {**drawn, "bare": float(rng.random() < _BARE * self.severity)}

    def apply(self, instrument: Instrument, parameters: Mapping[str, float]) -> Instrument:
        """Change the lens and the K lines."""
        factor = instrument.tube.k_line_factor * parameters["k_line_factor"]
        tube = dataclasses.replace(instrument.tube, k_line_factor=factor)
        optic = instrument.optic
        if optic is not None:
            moved = {name: getattr(optic, name) * parameters[name] for name in OPTIC_SPREADS}
            moved["steepness"] = max(moved["steepness"], _LEAST_STEEPNESS * moved["rise"])
            optic = None if parameters["bare"] else dataclasses.replace(optic, **moved)
        return dataclasses.replace(instrument, tube=tube, optic=optic)
