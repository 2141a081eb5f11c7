"""Unit vectors of beam and detectors; z points out of the sample, the beam comes along x."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Geometry

FloatArray = NDArray[np.float64]


def beam_direction(geometry: Geometry) -> FloatArray:
    """Direction in which the exciting beam travels, shape (3,)."""
    down = np.deg2rad(geometry.incidence_deg)
    return np.array([np.cos(down), 0.0, -np.sin(down)])


def detector_direction(geometry: Geometry, *, mirrored: bool = False) -> FloatArray:
    """Direction from the sample to the detector, or to its mirror image, shape (3,).

    The azimuth phi follows from the scattering angle,
    ``cos theta = cos psi1 cos psi2 cos phi - sin psi1 sin psi2``.
    """
    up, down = np.deg2rad(geometry.take_off_deg), np.deg2rad(geometry.incidence_deg)
    scatter = np.deg2rad(geometry.scattering_angle_deg)
    flat = np.cos(down) * np.cos(up)
    cosine = 1.0 if flat < 1e-9 else (np.cos(scatter) + np.sin(down) * np.sin(up)) / flat
    azimuth = np.arccos(np.clip(cosine, -1, 1)) * (-1 if mirrored else 1)
    return np.array([np.cos(up) * np.cos(azimuth), np.cos(up) * np.sin(azimuth), np.sin(up)])
