"""Where grains are: main grains fitted to their areas, a vein's grains, accessories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.mineral import Mineral
from lithoscope.synthesis.phantoms.features import Accessories
from lithoscope.synthesis.phantoms.fields import banded_field
from lithoscope.synthesis.phantoms.grain_plan import GrainPlan
from lithoscope.synthesis.phantoms.habits import is_dark
from lithoscope.synthesis.phantoms.power_diagram import (
    PowerDiagram,
    fitted_diagram,
    metrics_of_ellipses,
)
from lithoscope.synthesis.phantoms.texture_recipe import TextureRecipe

FloatArray = NDArray[np.float64]

# Places among which a seed chooses one that suits its mineral.
_CANDIDATES = 8
# Spread of directions of long grains in a foliated rock, in rad.
_FOLIATION_SPREAD = 0.15


def fit_main(
    plan: GrainPlan,
    minerals: Mapping[str, Mineral],
    recipe: TextureRecipe,
    places: FloatArray,
    points: FloatArray,
    rng: np.random.Generator,
) -> PowerDiagram:
    """Place the main grains, fitted to their areas.

    Parameters
    ----------
    plan
        The grains.
    minerals
        The minerals.
    recipe
        Gives fabric and banding.
    places
        Where grains may start, shape (point, 2), along (y, x) in µm.
    points
        The same, moved as grain boundaries are bent.
    rng
        Source of randomness.
    """
    foliated = recipe.fabric == "foliated"
    count = len(plan.names)
    along = float(rng.uniform(0, np.pi))
    angles = rng.uniform(0, np.pi, count)
    if foliated:
        angles = along + _FOLIATION_SPREAD * rng.standard_normal(count)
    candidates = rng.integers(len(places), size=(count, _CANDIDATES))
    chosen = candidates[:, 0]
    if foliated and recipe.banding > 0:
        bands = banded_field(6 * recipe.grain_um, along, 6.0, rng)(
            places[candidates].reshape(-1, 2)
        )
        dark = np.array([1.0 if is_dark(minerals[name]) else -1.0 for name in plan.names])
        liking = recipe.banding * dark[:, None] * bands.reshape(count, _CANDIDATES)
        # The largest of liking and Gumbel noise chooses with probability exp(liking).
        best = (liking + rng.gumbel(size=liking.shape)).argmax(axis=1)
        chosen = np.take_along_axis(candidates, best[:, None], axis=1)[:, 0]
    # Two grains may not start at one place.
    jitter = rng.uniform(-0.5, 0.5, (count, 2)) * np.sqrt(np.array(plan.areas_um2))[:, None]
    return fitted_diagram(
        areas_um2=np.array(plan.areas_um2),
        seeds=places[chosen] + 0.3 * jitter,
        metrics=metrics_of_ellipses(np.array(plan.aspects), angles),
        points=points,
        rng=rng,
    )


def vein_grains(
    points: FloatArray, recipe: TextureRecipe, area_um2: float, rng: np.random.Generator
) -> PowerDiagram | None:
    """Cells of the vein's own grains, some two across it."""
    if not len(points):
        return None
    count = max(1, round(len(points) / (recipe.vein_um / 2) ** 2 * _area_per_point(points)))
    seeds = points[rng.integers(len(points), size=count)]
    plain = np.tile([1.0, 0.0, 1.0], (count, 1))
    return PowerDiagram(seeds + rng.uniform(-1, 1, seeds.shape), np.zeros(count), plain)


def _area_per_point(points: FloatArray) -> float:
    columns = np.unique(points[:, 1])
    return float(np.diff(columns).min() ** 2) if columns.size > 1 else 1.0


def place_accessories(plan: GrainPlan, places: FloatArray, rng: np.random.Generator) -> Accessories:
    """Put small crystals anywhere in the rock."""
    count = len(plan.names)
    spacing = np.sqrt(_area_per_point(places)) if len(places) else 0.0
    chosen = places[rng.integers(len(places), size=count)]
    return Accessories(
        centres=chosen + spacing * rng.uniform(-0.5, 0.5, (count, 2)),
        areas_um2=np.array(plan.areas_um2),
        aspects=np.array(plan.aspects),
        angles_rad=rng.uniform(0, np.pi, count),
    )
