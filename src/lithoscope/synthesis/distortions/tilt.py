"""Topography: a surface that is tilted against the stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Geometry, Instrument
from lithoscope.physics.directions import beam_direction, detector_direction
from lithoscope.synthesis.distortions.base import SurfaceDistortion
from lithoscope.synthesis.surface import Surface

# Standard deviation of the slope along each axis, for each step of severity: polished blocks lie
# within a degree, broken ones slope by ten.
_SLOPE_DEG = 2.5
# Less than this and the surface is seen edge-on: another part of it is in the beam then.
_GRAZING_DEG = 8.0


def angles_from_slope(
    *,
    slope_x_deg: NDArray[np.float64],
    slope_y_deg: NDArray[np.float64],
    geometry: Geometry,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles of beam and detector to a tilted surface.

    With the normal n, ``sin psi1 = -k . n`` for the beam along k and ``sin psi2 = d . n`` to the
    detector; of two detectors, which mirror each other, the mean sine counts.

    Parameters
    ----------
    slope_x_deg, slope_y_deg
        Slopes of the surface along the beam's direction on the stage and across, shape (sample,).
    geometry
        Of the instrument.

    Returns
    -------
    incidence_deg, take_off_deg : ndarray, shape (sample,)
    """
    normal = np.stack(
        [
            -np.tan(np.deg2rad(slope_x_deg)),
            -np.tan(np.deg2rad(slope_y_deg)),
            np.ones_like(slope_x_deg),
        ],
        axis=1,
    )
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    towards = np.mean(
        [detector_direction(geometry, mirrored=bool(n)) for n in range(geometry.detectors)], axis=0
    )
    grazing = np.sin(np.deg2rad(_GRAZING_DEG))
    sines = (-(normal @ beam_direction(geometry)), normal @ towards)
    incidence, take_off = (np.rad2deg(np.arcsin(np.clip(sine, grazing, 1.0))) for sine in sines)
    return incidence, take_off


class Tilt(SurfaceDistortion):
    """Slopes of some `2.5 severity` degrees along both axes."""

    name: ClassVar[str] = "tilt"
    summary: ClassVar[str] = "tilted surfaces"

    def sample(
        self, surface: Surface, instrument: Instrument, rng: np.random.Generator
    ) -> dict[str, NDArray[np.float64]]:
        """Draw the slopes in degrees."""
        slopes = _SLOPE_DEG * self.severity * rng.standard_normal((2, len(surface)))
        x, y = np.clip(slopes, -45, 45)
        return {"slope_x_deg": x, "slope_y_deg": y}

    def apply(
        self,
        surface: Surface,
        parameters: Mapping[str, NDArray[np.float64]],
        instrument: Instrument,
    ) -> Surface:
        """Turn the surfaces."""
        if self.severity == 0:
            return surface
        incidence, take_off = angles_from_slope(
            slope_x_deg=parameters["slope_x_deg"],
            slope_y_deg=parameters["slope_y_deg"],
            geometry=instrument.geometry,
        )
        return dataclasses.replace(surface, incidence_deg=incidence, take_off_deg=take_off)
