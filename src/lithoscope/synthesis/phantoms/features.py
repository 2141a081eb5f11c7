"""What cuts through a rock's grains: the edge of the sample, cracks, a vein, accessories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lithoscope.synthesis.phantoms.fields import RandomField, smooth_field

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Accessories that may cover one point; more hardly ever lie on each other.
_NEAR = 4
# Exponent of |u|^p + |v|^p = 1: between an ellipse and a rectangle, as small crystals look.
_CORNERS = 2.6


@dataclass(frozen=True, eq=False)
class Edge:
    """The edge of the sample: a wavy line, beyond which there is none.

    Parameters
    ----------
    normal
        Unit vector out of the sample, along (y, x).
    distance_um
        How far along the normal the sample ends.
    wave, height_um
        Deviation of the line.
    """

    normal: FloatArray
    distance_um: float
    wave: RandomField
    height_um: float

    def beyond(self, points: FloatArray) -> BoolArray:
        """Whether points are outside the sample."""
        return np.asarray(self._level(points) > self.distance_um)

    def _level(self, points: FloatArray) -> FloatArray:
        return points @ self.normal + self.height_um * self.wave(points)


def draw_edge(
    share: float, points: FloatArray, extent_um: tuple[float, float], rng: np.random.Generator
) -> Edge:
    """Draw an edge beyond which a share of the points lie; with a share of 0, none."""
    turn = rng.uniform(0, 2 * np.pi)
    size = max(extent_um)
    edge = Edge(
        np.array([np.sin(turn), np.cos(turn)]), np.inf, smooth_field(size / 8, rng), size / 60
    )
    if share == 0:
        return edge
    level = float(np.quantile(edge._level(points), 1 - share))
    return Edge(edge.normal, level, edge.wave, edge.height_um)


@dataclass(frozen=True, eq=False)
class Band:
    """A wavy band through the rock: a vein, or a crack that thins to nothing at its ends.

    Parameters
    ----------
    centre_um
        A point of it, (y, x).
    along
        Unit vector along it.
    width_um
        Its width at the centre.
    half_length_um
        Distance of its ends from the centre; infinite for a vein.
    wave, height_um
        Deviation of its middle from a straight line.
    rough
        Variation of its width.
    """

    centre_um: FloatArray
    along: FloatArray
    width_um: float
    half_length_um: float
    wave: RandomField
    height_um: float
    rough: RandomField

    def inside(self, points: FloatArray) -> BoolArray:
        """Whether points lie in the band."""
        away = points - self.centre_um
        across = away @ np.array([self.along[1], -self.along[0]])
        inside = np.zeros(len(points), dtype=bool)
        # The waves are computed where the band can be.
        near = np.flatnonzero(np.abs(across) < 2 * self.width_um + 4 * self.height_um)
        offset = np.abs(across[near] + self.height_um * self.wave(points[near]))
        taper = 1 - (away[near] @ self.along / self.half_length_um) ** 2
        width = self.width_um * taper * (1 + 0.2 * self.rough(points[near]))
        inside[near] = offset < width / 2
        return inside


def draw_band(
    *,
    width_um: float,
    half_length_um: float,
    waviness_um: float,
    extent_um: tuple[float, float],
    rng: np.random.Generator,
) -> Band:
    """Draw a band whose centre lies in the inner half of the map."""
    turn = rng.uniform(0, np.pi)
    centre = rng.uniform(0.25, 0.75, 2) * extent_um
    return Band(
        centre_um=centre,
        along=np.array([np.sin(turn), np.cos(turn)]),
        width_um=width_um,
        half_length_um=half_length_um,
        wave=smooth_field(8 * waviness_um, rng),
        height_um=waviness_um,
        rough=smooth_field(4 * width_um, rng),
    )


@dataclass(frozen=True, eq=False)
class Accessories:
    """Small crystals that lie on the main grains.

    Parameters
    ----------
    centres
        Shape (crystal, 2), along (y, x) in µm.
    areas_um2
        Shape (crystal,).
    aspects, angles_rad
        Length over width, and direction of the length, shape (crystal,).
    """

    centres: FloatArray
    areas_um2: FloatArray
    aspects: FloatArray
    angles_rad: FloatArray

    def covering(self, points: FloatArray) -> NDArray[np.int64]:
        """Crystal that covers each point, -1 where there is none."""
        found = np.full(len(points), -1)
        if not len(self.centres):
            return found
        radii = np.sqrt(self.areas_um2 / np.pi)
        reach = float((radii * np.sqrt(self.aspects)).max()) * 1.2
        count = min(_NEAR, len(self.centres))
        _, tried = cKDTree(self.centres).query(points, k=count, distance_upper_bound=reach)
        tried = tried.reshape(len(points), count)
        for column in range(count - 1, -1, -1):
            near = np.flatnonzero(tried[:, column] < len(self.centres))
            crystal = tried[near, column]
            inside = self._covers(crystal, points[near])
            found[near[inside]] = crystal[inside]
        return found

    def _covers(self, crystals: NDArray[np.int64], points: FloatArray) -> BoolArray:
        away = points - self.centres[crystals]
        cosine, sine = np.cos(self.angles_rad[crystals]), np.sin(self.angles_rad[crystals])
        stretch = np.sqrt(self.aspects[crystals])
        # Half the side of a square of this area, were the exponent infinite: between the two.
        half = np.sqrt(self.areas_um2[crystals] / _AREA_OF_UNIT)
        u = np.abs(away[:, 1] * cosine + away[:, 0] * sine) / (half * stretch)
        v = np.abs(away[:, 0] * cosine - away[:, 1] * sine) / (half / stretch)
        return np.asarray(u**_CORNERS + v**_CORNERS < 1)


def _area_of_unit() -> float:
    """Area of |u|^p + |v|^p < 1, ``4 Gamma(1 + 1/p)^2 / Gamma(1 + 2/p)``."""
    from scipy.special import gamma

    return float(4 * gamma(1 + 1 / _CORNERS) ** 2 / gamma(1 + 2 / _CORNERS))


_AREA_OF_UNIT = _area_of_unit()
