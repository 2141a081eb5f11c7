"""Intergrowths: quartz in potassium feldspar (graphic) and in plagioclase (myrmekite)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.synthesis.phantoms.fields import RandomField, banded_field, smooth_field

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Share of quartz: the granite eutectic of graphic granite, and myrmekite on oligoclase (London
# 2008, Pegmatites, ch. 12; Vernon 2004, A Practical Guide to Rock Microstructure, 4.13).
GRAPHIC_QUARTZ = 0.27
MYRMEKITE_QUARTZ = 0.25
# Myrmekite grows in from the rim, over this share of the distance from core to rim.
_MYRMEKITE_ZONE = 0.45
_MYRMEKITE_AREA = 0.7
# Thickness of worms and rods: the distance of two, in µm, and at most a share of the grain.
_WORMS_UM, _RODS_SHARE = 60.0, 0.22
_TRIED_POINTS = 4000


@dataclass(frozen=True, eq=False)
class Intergrowth:
    """Quartz of one orientation in one host grain.

    Parameters
    ----------
    host, guest
        Numbers of the two grains.
    pattern
        A field of the points' places in µm; there is quartz where it is above `level`.
    level
        See above.
    from_zone
        Only this far from the core, 0, or closer to the rim, 1.
    """

    host: int
    guest: int
    pattern: Callable[[FloatArray], FloatArray]
    level: float
    from_zone: float

    def grow(self, points: FloatArray, grains: IntArray, zones: FloatArray) -> None:
        """Put the guest's number where it is, in place."""
        there = np.flatnonzero((grains == self.host) & (zones >= self.from_zone))
        if there.size:
            quartz = there[self.pattern(points[there]) > self.level]
            grains[quartz] = self.guest
            zones[quartz] = 0.0


@dataclass(frozen=True, eq=False)
class CuneiformField:
    """Wedges: three sets of folded planes, whose sum has straight contours and sharp corners."""

    waves: FloatArray
    phases: FloatArray
    bend: RandomField

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return the field at points of shape (point, 2) in µm."""
        phase = points @ self.waves.T + self.phases + 1.2 * self.bend(points)[:, None]
        return np.asarray(np.arcsin(np.sin(phase)) @ np.array([1.0, 0.8, 0.6]))


def share_of_guest(kind: str) -> float:
    """Share of a host's area that its quartz takes."""
    return GRAPHIC_QUARTZ if kind == "graphic" else MYRMEKITE_QUARTZ * _MYRMEKITE_AREA


def draw_intergrowth(
    *,
    kind: str,
    host: int,
    guest: int,
    place_um: FloatArray,
    diameter_um: float,
    rng: np.random.Generator,
) -> Intergrowth:
    """Draw the pattern of one grain: ``graphic`` or ``myrmekite``."""
    turn = float(rng.uniform(0, np.pi))
    pattern: Callable[[FloatArray], FloatArray]
    if kind == "graphic":
        pattern, quartz, zone = _cuneiform(_RODS_SHARE * diameter_um, turn, rng), GRAPHIC_QUARTZ, 0
    else:
        size = min(_WORMS_UM, _RODS_SHARE * diameter_um)
        pattern, quartz, zone = banded_field(size, turn, 2.5, rng), MYRMEKITE_QUARTZ, 1
    around = place_um + rng.uniform(-0.5, 0.5, (_TRIED_POINTS, 2)) * diameter_um
    level = float(np.quantile(pattern(around), 1 - quartz))
    return Intergrowth(host, guest, pattern, level, zone * _MYRMEKITE_ZONE)


def _cuneiform(wavelength_um: float, turn: float, rng: np.random.Generator) -> CuneiformField:
    # Rods are cut lengthwise by one set and obliquely by the others.
    turns = turn + np.deg2rad([0.0, 68.0, 125.0]) + rng.normal(0, 0.1, 3)
    size = 2 * np.pi / wavelength_um * np.array([1.0, 0.45, 0.6])
    waves = size[:, None] * np.column_stack([np.sin(turns), np.cos(turns)])
    phases = rng.uniform(0, 2 * np.pi, 3)
    return CuneiformField(waves, phases, smooth_field(2 * wavelength_um, rng))
