"""Which grains a rock has: of which mineral, how large, how long, with quartz grown in or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.mineral import Mineral
from lithoscope.synthesis.phantoms.habits import (
    PLAGIOCLASE,
    POTASSIUM_FELDSPAR,
    Habit,
    habit_of,
)
from lithoscope.synthesis.phantoms.intergrowths import share_of_guest
from lithoscope.synthesis.phantoms.texture_recipe import TextureRecipe

FloatArray = NDArray[np.float64]

# What makes a mineral an accessory, whose crystals lie on the main grains: small and rare.
_ACCESSORY_SIZE, _ACCESSORY_SHARE = 0.35, 0.05
# More grains of one mineral would take memory and show nothing.
_MOST_GRAINS = 200_000
_GUEST = "quartz"
# In ophitic rocks this share of the plagioclase is in thin laths, which pyroxene has grown around.
_SHARE_OF_LATHS, _LATH = 0.3, Habit(0.3, 5.0)


@dataclass
class GrainPlan:
    """Grains to be placed: the main ones that fill the rock, and accessories.

    Parameters
    ----------
    names
        Mineral of each grain.
    areas_um2, aspects
        Area and length over width of each.
    kinds
        ``graphic`` or ``myrmekite`` for a grain with quartz, by the grain's number.
    """

    names: list[str] = field(default_factory=list)
    areas_um2: list[float] = field(default_factory=list)
    aspects: list[float] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)

    def add(self, name: str, areas_um2: FloatArray, aspect: float) -> range:
        """Add grains of a mineral; return their numbers."""
        first = len(self.names)
        self.names += [name] * areas_um2.size
        self.areas_um2 += areas_um2.tolist()
        self.aspects += [aspect] * areas_um2.size
        return range(first, len(self.names))


def plan_grains(
    *,
    shares: Mapping[str, float],
    minerals: Mapping[str, Mineral],
    texture: TextureRecipe,
    area_um2: float,
    vein_share: float,
    rng: np.random.Generator,
) -> tuple[GrainPlan, GrainPlan]:
    """Plan the main grains and the accessories so that they meet the shares.

    Parameters
    ----------
    shares
        Area share of each mineral in the rock.
    minerals
        The minerals.
    texture
        Gives sizes, intergrowths and the vein's mineral.
    area_um2
        Area of the rock, with the vein.
    vein_share
        Share of that area that the vein covers. It counts towards its mineral's share; where it
        is more, the others give way in proportion.
    rng
        Source of randomness.
    """
    main, accessories = GrainPlan(), GrainPlan()
    habits = {name: habit_of(minerals[name], shares[name], texture.fabric) for name in shares}
    rest = {}
    for name, asked in shares.items():
        share = asked
        if habits[name].size <= _ACCESSORY_SIZE and share < _ACCESSORY_SHARE:
            areas = _areas(share * area_um2, habits[name], texture, rng)
            accessories.add(name, areas, habits[name].aspect)
            continue
        if texture.fabric == "ophitic" and name in PLAGIOCLASE:
            laths = _SHARE_OF_LATHS * share
            accessories.add(name, _areas(laths * area_um2, _LATH, texture, rng), _LATH.aspect)
            share -= laths
        rest[name] = share
    if texture.vein in rest:
        rest[texture.vein] = max(rest[texture.vein] - vein_share, 0.0)
    # Accessories lie on all main grains alike.
    scale = area_um2 * (1 - vein_share) / max(sum(rest.values()), 1e-12)
    wanted = {name: share * scale for name, share in rest.items() if share > 0}
    # Quartz comes last, when it is known how much of it is in intergrowths.
    for name in sorted(wanted, key=lambda name: name == _GUEST):
        areas = _areas(wanted[name], habits[name], texture, rng)
        numbers = main.add(name, areas, habits[name].aspect)
        if kind := _kind(name, texture):
            _grow_quartz(main, numbers, kind, _share_of_hosts(kind, texture), wanted, rng)
    return main, accessories


def _areas(
    total_um2: float, habit: Habit, texture: TextureRecipe, rng: np.random.Generator
) -> FloatArray:
    """Areas of one mineral's grains, log-normal in diameter, that sum to the total."""
    median = np.pi / 4 * (habit.size * texture.grain_um) ** 2
    spread = 2 * texture.grain_spread
    count = min(max(1, round(total_um2 / (median * np.exp(spread**2 / 2)))), _MOST_GRAINS)
    areas = np.exp(spread * rng.standard_normal(count))
    return np.asarray(areas * total_um2 / areas.sum())


def _kind(name: str, texture: TextureRecipe) -> str:
    if name in POTASSIUM_FELDSPAR and texture.graphic_share > 0:
        return "graphic"
    return "myrmekite" if name in PLAGIOCLASE and texture.myrmekite_share > 0 else ""


def _share_of_hosts(kind: str, texture: TextureRecipe) -> float:
    return texture.graphic_share if kind == "graphic" else texture.myrmekite_share


def _grow_quartz(
    plan: GrainPlan,
    numbers: range,
    kind: str,
    share: float,
    wanted: dict[str, float],
    rng: np.random.Generator,
) -> None:
    """Choose hosts among grains, widen them by their quartz, and take it off what is wanted.

    As many whole grains are chosen as come closest to the share, and no more than leave half of
    the quartz in grains of its own.
    """
    guest = share_of_guest(kind)
    open_area = share * sum(plan.areas_um2[number] for number in numbers)
    spare = wanted.get(_GUEST, 0.0) / 2
    for number in rng.permutation(numbers):
        area = plan.areas_um2[number]
        quartz = area * guest / (1 - guest)
        if area / 2 <= open_area and quartz <= spare:
            plan.kinds[int(number)] = kind
            plan.areas_um2[number] = area / (1 - guest)
            wanted[_GUEST] -= quartz
            open_area -= area
            spare -= quartz
