"""Samples apart from their composition: how thick they are, how they lie, how they scatter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Geometry
from lithoscope.errors import InvalidValueError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surface:
    """What `CompiledInstrument.spectra` needs to know of samples besides their composition.

    Parameters
    ----------
    source_keV
        Nodes of the exciting radiation, shape (node,).
    diffuse_share
        Share of the Rayleigh scatter of free atoms that is seen, shape (sample, node).
    mass_thickness_g_cm2
        Shape (sample,).
    incidence_deg, take_off_deg
        Angles of beam and detector to the surface, shape (sample,).
    """

    source_keV: FloatArray
    diffuse_share: FloatArray
    mass_thickness_g_cm2: FloatArray
    incidence_deg: FloatArray
    take_off_deg: FloatArray

    def __post_init__(self) -> None:
        count = len(self.mass_thickness_g_cm2)
        if not (
            self.diffuse_share.shape == (count, self.source_keV.size)
            and self.incidence_deg.shape == self.take_off_deg.shape == (count,)
        ):
            raise InvalidValueError(
                f"Surfaces of {count} thicknesses, diffuse shares of shape "
                f"{self.diffuse_share.shape}, angles of {self.incidence_deg.shape}.",
                expected="one of each for each sample",
            )
        if not (self.mass_thickness_g_cm2 > 0).all() or not (self.diffuse_share >= 0).all():
            raise InvalidValueError(
                "A surface of no thickness, or of negative scatter.",
                expected="thicknesses above 0 and shares of 0 or more",
            )

    def __len__(self) -> int:
        return len(self.mass_thickness_g_cm2)

    @classmethod
    def ideal(cls, count: int, source_keV: FloatArray, geometry: Geometry) -> Surface:
        """Thick, flat and powdered as finely as free atoms."""
        return cls(
            source_keV=source_keV,
            diffuse_share=np.ones((count, source_keV.size)),
            mass_thickness_g_cm2=np.full(count, np.inf),
            incidence_deg=np.full(count, geometry.incidence_deg),
            take_off_deg=np.full(count, geometry.take_off_deg),
        )
