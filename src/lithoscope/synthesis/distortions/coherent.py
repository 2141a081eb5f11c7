"""Coherent scatter, which a crystal gathers into Bragg peaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.synthesis.distortions.base import SurfaceDistortion
from lithoscope.synthesis.surface import Surface

# Radiation softer than this (3.1 Angstrom) is not diffracted by the denser crystals at all: half a
# wavelength exceeds their largest lattice spacing.
BRAGG_CUTOFF_KEV = 4.0
# Largest loss and gain of the free atoms' scatter, for each step of severity; at 2 it is 0.2 to
# 1.6, what the elements' measured spectra show (docs/physics-comparison.md).
_LOSS, _GAIN = 0.4, 0.3


class Coherent(SurfaceDistortion):
    """Rayleigh scatter of `1 - 0.4 severity` to `1 + 0.3 severity` of that of free atoms.

    A detector sees less than the average where there are no Bragg peaks, and more where there are
    many. Below the Bragg cut-off coherent scatter vanishes, so the soft share is a part of the
    hard one.
    """

    name: ClassVar[str] = "coherent"
    summary: ClassVar[str] = "coherent scatter gathered by crystals"

    def sample(
        self, surface: Surface, instrument: Instrument, rng: np.random.Generator
    ) -> dict[str, NDArray[np.float64]]:
        """Draw the share of hard radiation, and that of soft as a part of it."""
        low, high = max(1 - _LOSS * self.severity, 0.0), 1 + _GAIN * self.severity
        least = max(1 - self.severity / 2, 0.0)
        count = len(surface)
        return {
            "hard_share": rng.uniform(low, high, count),
            "soft_part": rng.uniform(least, 1.0, count),
        }

    def apply(
        self,
        surface: Surface,
        parameters: Mapping[str, NDArray[np.float64]],
        instrument: Instrument,
    ) -> Surface:
        """Scale the Rayleigh scatter."""
        hard = parameters["hard_share"][:, None]
        soft = hard * parameters["soft_part"][:, None]
        factor = np.where(surface.source_keV < BRAGG_CUTOFF_KEV, soft, hard)
        return dataclasses.replace(surface, diffuse_share=surface.diffuse_share * factor)
