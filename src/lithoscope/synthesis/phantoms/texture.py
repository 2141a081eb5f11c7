"""A rock's texture: which grain is at a point, and how far from its core to its rim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.mineral import Mineral
from lithoscope.synthesis.phantoms.features import (
    Accessories,
    Band,
    Edge,
    draw_band,
    draw_edge,
)
from lithoscope.synthesis.phantoms.fields import RandomField, smooth_field
from lithoscope.synthesis.phantoms.grain_plan import GrainPlan, plan_grains
from lithoscope.synthesis.phantoms.intergrowths import Intergrowth, draw_intergrowth
from lithoscope.synthesis.phantoms.placing import fit_main, place_accessories, vein_grains
from lithoscope.synthesis.phantoms.power_diagram import (
    PowerDiagram,
)
from lithoscope.synthesis.phantoms.texture_recipe import TextureRecipe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

VOID = "void"
# Points on which cells are fitted: some twelve for each grain, within these bounds.
_POINTS_PER_GRAIN = 12
_FEWEST_POINTS, _MOST_POINTS = 20_000, 120_000
# Grain boundaries wave over this share of a grain's diameter.
_LOBE_LENGTH = 0.2


@dataclass(frozen=True, eq=False)
class Texture:
    """Grains and where they are.

    Grains are numbered: main grains first, then those of the vein, accessories, quartz in
    intergrowths, and last what fills cracks and lies beyond the edge.

    Parameters
    ----------
    names
        Mineral of each grain; the last is ``epoxy`` or ``void``.
    main
        Cells of the main grains.
    deepest_gaps
        Gap (`PowerDiagram.nearest`) at the core of each main grain.
    vein, vein_grains
        The vein and its cells; ``None`` where there is none.
    accessories, intergrowths, cracks, edge
        What cuts through the main grains.
    lobes
        Fields that bend grain boundaries along y and x.
    lobe_um
        How far they do.
    """

    names: tuple[str, ...]
    main: PowerDiagram
    deepest_gaps: FloatArray
    vein: Band | None
    vein_grains: PowerDiagram | None
    accessories: Accessories
    intergrowths: tuple[Intergrowth, ...]
    cracks: tuple[Band, ...]
    edge: Edge
    lobes: tuple[RandomField, RandomField]
    lobe_um: float

    def at(self, points: FloatArray) -> tuple[IntArray, FloatArray]:
        """Grain of each point, and its zone from 0, the core, to 1, the rim.

        Parameters
        ----------
        points
            Shape (point, 2), along (y, x) in µm; they may lie outside the map.
        """
        grains, gaps = self.main.nearest(bent(points, self.lobes, self.lobe_um))
        zones = 1 - np.clip(gaps / self.deepest_gaps[grains], 0.0, 1.0)
        present = set(np.unique(grains).tolist())
        for intergrowth in self.intergrowths:
            if intergrowth.host in present:
                intergrowth.grow(points, grains, zones)
        first = len(self.main.seeds)
        if self.vein is not None and self.vein_grains is not None:
            inside = np.flatnonzero(self.vein.inside(points))
            if inside.size:
                grains[inside] = first + self.vein_grains.nearest(points[inside])[0]
                zones[inside] = 0.0
            first += len(self.vein_grains.seeds)
        crystals = self.accessories.covering(points)
        covered = crystals >= 0
        grains[covered] = first + crystals[covered]
        zones[covered] = 0.0
        outside = self.edge.beyond(points)
        for crack in self.cracks:
            outside |= crack.inside(points)
        grains[outside] = len(self.names) - 1
        zones[outside] = 0.0
        return grains, zones


def bent(points: FloatArray, lobes: tuple[RandomField, RandomField], by_um: float) -> FloatArray:
    """Points moved by the fields that bend grain boundaries."""
    if by_um == 0:
        return points
    return points + by_um * np.column_stack([lobe(points) for lobe in lobes])


def draw_texture(
    *,
    shares: Mapping[str, float],
    minerals: Mapping[str, Mineral],
    recipe: TextureRecipe,
    extent_um: tuple[float, float],
    rng: np.random.Generator,
) -> Texture:
    """Draw a texture that meets the shares as closely as whole grains allow.

    Parameters
    ----------
    shares
        Area share of each mineral in the rock, without cracks and what is beyond the edge.
    minerals
        The minerals, with the vein's.
    recipe
        The texture's recipe.
    extent_um
        Height and width of the map in µm.
    rng
        Source of randomness.
    """
    count = np.prod(extent_um) / (np.pi / 4 * (0.6 * recipe.grain_um) ** 2)
    points = _even_points(
        extent_um, float(np.clip(_POINTS_PER_GRAIN * count, _FEWEST_POINTS, _MOST_POINTS))
    )
    edge = draw_edge(recipe.edge_share, points, extent_um, rng)
    cracks = tuple(_draw_crack(recipe, extent_um, rng) for _ in range(recipe.cracks))
    vein = _draw_vein(recipe, extent_um, rng)
    rock = points[~edge.beyond(points)]
    in_vein = vein.inside(rock) if vein else np.zeros(len(rock), dtype=bool)
    area = float(np.prod(extent_um)) * len(rock) / len(points)
    plan, small = plan_grains(
        shares=shares,
        minerals=minerals,
        texture=recipe,
        area_um2=area,
        vein_share=float(in_vein.mean()),
        rng=rng,
    )
    lobes = (_draw_lobe(recipe, rng), _draw_lobe(recipe, rng))
    lobe_um = recipe.lobate * recipe.grain_um
    host = rock[~in_vein]
    main = fit_main(plan, minerals, recipe, host, bent(host, lobes, lobe_um), rng)
    cells, gaps = main.nearest(bent(host, lobes, lobe_um))
    deepest = np.full(len(main.seeds), 1e-9)
    np.maximum.at(deepest, cells, gaps)
    cells_of_vein = vein_grains(rock[in_vein], recipe, area, rng) if vein else None
    names = [*plan.names, *([recipe.vein] * len(cells_of_vein.seeds) if cells_of_vein else [])]
    accessories = place_accessories(small, rock, rng)
    names += small.names
    intergrowths = _draw_intergrowths(plan, main, len(names), rng)
    names += ["quartz"] * len(intergrowths)
    return Texture(
        names=tuple(str(name) for name in (*names, recipe.fill)),
        main=main,
        deepest_gaps=deepest,
        vein=vein if cells_of_vein else None,
        vein_grains=cells_of_vein,
        accessories=accessories,
        intergrowths=intergrowths,
        cracks=cracks,
        edge=edge,
        lobes=lobes,
        lobe_um=lobe_um,
    )


def _even_points(extent_um: tuple[float, float], count: float) -> FloatArray:
    """Points on a grid of square cells, about `count` of them."""
    spacing = np.sqrt(np.prod(extent_um) / count)
    axes = []
    for size in extent_um:
        number = max(1, round(size / spacing))
        axes.append((np.arange(number) + 0.5) * size / number)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def _draw_crack(
    recipe: TextureRecipe, extent_um: tuple[float, float], rng: np.random.Generator
) -> Band:
    return draw_band(
        width_um=recipe.crack_um,
        half_length_um=float(rng.uniform(0.15, 0.5)) * max(extent_um),
        waviness_um=recipe.grain_um / 6,
        extent_um=extent_um,
        rng=rng,
    )


def _draw_vein(
    recipe: TextureRecipe, extent_um: tuple[float, float], rng: np.random.Generator
) -> Band | None:
    if recipe.vein is None:
        return None
    return draw_band(
        width_um=recipe.vein_um,
        half_length_um=np.inf,
        waviness_um=recipe.vein_um / 3,
        extent_um=extent_um,
        rng=rng,
    )


def _draw_lobe(recipe: TextureRecipe, rng: np.random.Generator) -> RandomField:
    return smooth_field(_LOBE_LENGTH * recipe.grain_um, rng)


def _draw_intergrowths(
    plan: GrainPlan, main: PowerDiagram, first: int, rng: np.random.Generator
) -> tuple[Intergrowth, ...]:
    return tuple(
        draw_intergrowth(
            kind=kind,
            host=host,
            guest=first + number,
            place_um=main.seeds[host],
            diameter_um=float(2 * np.sqrt(plan.areas_um2[host] / np.pi)),
            rng=rng,
        )
        for number, (host, kind) in enumerate(plan.kinds.items())
    )
