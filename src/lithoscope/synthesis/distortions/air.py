"""Gas left in the chamber, which swallows soft lines and adds argon's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from lithoscope.core.instrument import Instrument, StrayLine
from lithoscope.synthesis.distortions.base import MachineDistortion

# Highest pressure that is left in a pumped chamber, for each step of severity: an M4 Tornado
# measures at 20 mbar, and pumps to 2.
_LEFT_MBAR = 10.0
# Share of machines that are not pumped at all, for each step of severity; none up to 2, since a
# model for vacuum need not know air.
_NOT_PUMPED, _NONE_UP_TO = 0.1, 2.0
_STANDARD_MBAR = 1013.0
# Counts of argon's K lines per count above their edge at standard pressure. A centimetre of air in
# beam and view holds 1.5e-5 g/cm2 of it, where a sample answers from some 6e-3 g/cm2 with two to
# three times the fluorescence yield: 1e-3 in iron, several times that in what scatters little.
_ARGON_SHARE = 3e-3


class Air(MachineDistortion):
    """Air of `0 to 10 severity` mbar in the chamber; beyond severity 2 some are not pumped."""

    name: ClassVar[str] = "air"
    summary: ClassVar[str] = "air left in the chamber"

    def sample(self, instrument: Instrument, rng: np.random.Generator) -> dict[str, float]:
        """Draw the pressure in mbar."""
        full = rng.random() < _NOT_PUMPED * max(self.severity - _NONE_UP_TO, 0.0)
        left = rng.uniform(0, _LEFT_MBAR * self.severity) if self.severity else 0.0
        return {"pressure_mbar": _STANDARD_MBAR if full else float(left)}

    def apply(self, instrument: Instrument, parameters: Mapping[str, float]) -> Instrument:
        """Let air into a pumped chamber; one with a gas of its own stays as it is.

        Argon's lines come as a stray line, so that they are seen where `stray` acts.
        """
        pressure = parameters["pressure_mbar"]
        if pressure == 0 or instrument.atmosphere.gas != "vacuum":
            return instrument
        atmosphere = dataclasses.replace(instrument.atmosphere, gas="air", pressure_mbar=pressure)
        argon = StrayLine("Ar", _ARGON_SHARE * pressure / _STANDARD_MBAR)
        return dataclasses.replace(
            instrument, atmosphere=atmosphere, stray_lines=(*instrument.stray_lines, argon)
        )
