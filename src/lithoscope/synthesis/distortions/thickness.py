"""Samples that are not thick to the tube's hard radiation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.synthesis.distortions.base import SurfaceDistortion
from lithoscope.synthesis.surface import Surface

# Drill cores and blocks; nothing of 10 g/cm2 differs from a thick sample up to 40 keV.
_THICKEST_G_CM2 = 10.0
# Thinnest at severity 2, some 3 mm of plastic: acrylic plates have 0.6 g/cm2 (docs/log.md).
_THINNEST_G_CM2 = 0.3


class Thickness(SurfaceDistortion):
    """Mass thickness log-uniform up to 10 g/cm², from 0.3 at severity 2 and 0.01 at 4."""

    name: ClassVar[str] = "thickness"
    summary: ClassVar[str] = "thin samples"

    def sample(
        self, surface: Surface, instrument: Instrument, rng: np.random.Generator
    ) -> dict[str, NDArray[np.float64]]:
        """Draw the mass thickness in g/cm²."""
        if self.severity == 0:
            return {"mass_thickness_g_cm2": np.full(len(surface), np.inf)}
        reach = np.log(_THICKEST_G_CM2 / _THINNEST_G_CM2) * self.severity / 2
        thinner = np.exp(-rng.uniform(0, reach, len(surface)))
        return {"mass_thickness_g_cm2": _THICKEST_G_CM2 * thinner}

    def apply(
        self,
        surface: Surface,
        parameters: Mapping[str, NDArray[np.float64]],
        instrument: Instrument,
    ) -> Surface:
        """Make samples as thin as drawn, unless they are thinner."""
        thickness = np.minimum(surface.mass_thickness_g_cm2, parameters["mass_thickness_g_cm2"])
        return dataclasses.replace(surface, mass_thickness_g_cm2=thickness)
