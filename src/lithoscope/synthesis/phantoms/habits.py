"""How large and long the grains of minerals are, relative to a rock's main grains.

Sizes are round numbers for what thin sections show (Vernon 2004, A Practical Guide to Rock
Microstructure, chapters 3 and 4; Deer, Howie & Zussman 2013); no table gives them for all rocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from lithoscope.core.mineral import Mineral


@dataclass(frozen=True)
class Habit:
    """Shape of a mineral's grains.

    Parameters
    ----------
    size
        Median diameter relative to the rock's main grains.
    aspect
        Length over width.
    """

    size: float
    aspect: float = 1.0


_OF_MINERALS = {
    "quartz": Habit(0.8),
    "microcline": Habit(1.3, 1.3),
    "orthoclase": Habit(1.2, 1.3),
    "sanidine": Habit(1.2, 1.8),
    "spodumene": Habit(1.2, 3.0),
    "zircon": Habit(0.06, 1.8),
    "fluorapatite": Habit(0.1, 1.6),
    "magnetite": Habit(0.2),
    "ilmenite": Habit(0.25, 1.6),
    "chromite": Habit(0.4),
    "rutile": Habit(0.15, 1.8),
    "titanite": Habit(0.25, 1.8),
    "columbite-(mn)": Habit(0.25, 2.5),
    "columbite-(fe)": Habit(0.25, 2.5),
    "tantalite-(mn)": Habit(0.2, 2.0),
    "cassiterite": Habit(0.3),
    "gold": Habit(0.06),
    "electrum": Habit(0.06),
    "calaverite": Habit(0.05),
    "graphite": Habit(0.2, 3.0),
    "molybdenite": Habit(0.3, 3.0),
    "sillimanite": Habit(0.4, 4.0),
    "kyanite": Habit(0.8, 3.0),
    "staurolite": Habit(1.0, 1.6),
    "topaz": Habit(0.8, 1.5),
    "fluorite": Habit(0.7),
    "pyrite": Habit(0.6),
    "beryl": Habit(1.2, 1.6),
    "antigorite": Habit(0.4, 2.0),
    "chrysotile": Habit(0.25, 3.0),
    "wollastonite": Habit(0.9, 3.0),
    "allanite-(ce)": Habit(0.3, 1.6),
}
_OF_CLASSES = {
    "feldspar": Habit(1.0, 1.6),
    "mica": Habit(0.7, 2.8),
    "amphibole": Habit(0.8, 2.2),
    "pyroxene": Habit(0.9, 1.5),
    "garnet": Habit(1.0),
    "tourmaline": Habit(0.8, 2.2),
    "olivine": Habit(0.9, 1.2),
    "sulfide": Habit(0.6),
    "carbonate": Habit(0.9),
    "oxide": Habit(0.3),
    "clay mineral": Habit(0.3, 2.5),
    "sheet silicate": Habit(0.4, 2.0),
    "chlorite": Habit(0.5, 2.5),
    "phosphate": Habit(0.4),
    "sulfate": Habit(0.8, 1.8),
}
_OTHERWISE = Habit(0.7)
# Oxides that are a rock's main mineral are not its accessories.
_MAIN_FROM = 0.1
_MAIN_SIZE = 0.7

# What varies from core to rim in grains of rocks.
ZONED_CLASSES = ("feldspar", "garnet", "pyroxene", "amphibole", "tourmaline", "olivine", "epidote")
# What grows with iron and magnesium or with ore, and is gathered in the dark bands of a gneiss.
_LIGHT_CLASSES = ("feldspar", "silica", "carbonate", "feldspathoid")

PLAGIOCLASE = ("albite", "oligoclase", "andesine", "labradorite", "bytownite", "anorthite")
POTASSIUM_FELDSPAR = ("microcline", "orthoclase", "sanidine")


def habit_of(mineral: Mineral, share: float, fabric: str) -> Habit:
    """Return the habit of a mineral that makes up a share of a rock."""
    habit = _OF_MINERALS.get(mineral.name) or _OF_CLASSES.get(mineral.mineral_class, _OTHERWISE)
    if share >= _MAIN_FROM and habit.size < _MAIN_SIZE and mineral.mineral_class == "oxide":
        return Habit(_MAIN_SIZE, habit.aspect)
    if fabric == "ophitic" and mineral.name in PLAGIOCLASE:
        return Habit(0.6, 3.5)
    if fabric == "ophitic" and mineral.mineral_class == "pyroxene":
        return Habit(1.5, 1.2)
    if fabric == "foliated":
        return Habit(habit.size, habit.aspect * (1.0 if mineral.mineral_class == "garnet" else 1.5))
    return habit


def is_dark(mineral: Mineral) -> bool:
    """Whether a foliated rock gathers a mineral in its dark bands."""
    return mineral.mineral_class not in _LIGHT_CLASSES
