"""Smooth random fields, evaluated at any point without a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_WAVES = 40
# Points whose waves are computed together: few enough for the processor's cache.
_CHUNK = 1 << 14


@dataclass(frozen=True, eq=False)
class RandomField:
    """A sum of plane waves: a Gaussian field of mean 0 and variance 1.

    ``f(x) = sqrt(2 / n) sum_j cos(k_j x + phi_j)`` (Shinozuka & Deodatis 1991, Appl. Mech. Rev.
    44, 191).

    Parameters
    ----------
    waves
        Wave vectors k, shape (wave, 2), in 1/µm, along (y, x).
    phases
        Shape (wave,).
    """

    waves: FloatArray
    phases: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return the field at points of shape (point, 2) in µm."""
        values = np.empty(len(points))
        waves, phases = self.waves.T.astype(np.float32), self.phases.astype(np.float32)
        for start in range(0, len(points), _CHUNK):
            part = points[start : start + _CHUNK].astype(np.float32)
            values[start : start + _CHUNK] = np.cos(part @ waves + phases).sum(axis=1)
        return np.sqrt(2 / len(self.phases)) * values


def smooth_field(length_um: float, rng: np.random.Generator) -> RandomField:
    """Draw a field of covariance ``exp(-d^2 / 2 length^2)``."""
    waves = rng.standard_normal((_WAVES, 2)) / length_um
    return RandomField(waves, rng.uniform(0, 2 * np.pi, _WAVES))


def banded_field(
    wavelength_um: float, angle_rad: float, stretch: float, rng: np.random.Generator
) -> RandomField:
    """Draw a field of one wavelength across a direction and `stretch` times that along it.

    Parameters
    ----------
    wavelength_um
        Distance of crests.
    angle_rad
        Direction along which crests run, from x towards y.
    stretch
        How much longer structures are along that direction.
    """
    turn = rng.uniform(0, 2 * np.pi, _WAVES)
    size = 2 * np.pi / wavelength_um * rng.uniform(0.75, 1.25, _WAVES)
    along, across = size * np.cos(turn) / stretch, size * np.sin(turn)
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    waves = np.column_stack([along * sine + across * cosine, along * cosine - across * sine])
    return RandomField(waves, rng.uniform(0, 2 * np.pi, _WAVES))


def smooth_curve(positions: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw a slow curve over positions from 0 to 1 whose largest value is 1 either way."""
    number = np.arange(1, 4)
    height = rng.standard_normal(number.size) / number
    phase = rng.uniform(0, 2 * np.pi, number.size)
    curve = np.cos(np.pi * np.outer(positions, number) + phase) @ height
    largest = float(np.abs(curve).max())
    return np.asarray(curve / largest) if largest > 0 else curve
