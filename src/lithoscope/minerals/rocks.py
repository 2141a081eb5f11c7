"""Rocks: mixtures of minerals, for phantoms and mixed pixels. They are never classes."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import MineralError, nearest_names
from lithoscope.minerals.names import name_key
from lithoscope.minerals.sampling import sample_mole_fractions


@dataclass(frozen=True)
class Rock:
    """A rock.

    Parameters
    ----------
    name
        Name in lower case.
    shares
        Mineral to its range of volume share (low, high).
    aliases
        Other names.

    Raises
    ------
    MineralError
        If a range is no range of shares, or shares within the ranges cannot sum to one.
    """

    name: str
    shares: Mapping[str, tuple[float, float]]
    aliases: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for mineral, (low, high) in self.shares.items():
            if not 0 <= low <= high <= 1:
                raise MineralError(
                    f"{self.name}: {mineral} ranges from {low} to {high}.",
                    expected="0 <= low <= high <= 1 of the volume",
                )
        lows = sum(low for low, _ in self.shares.values())
        highs = sum(high for _, high in self.shares.values())
        # Decimal fractions such as 0.4 + 0.3 + 0.2 + 0.1 do not sum to 1 exactly in binary.
        if not lows <= 1 + 1e-9 or not highs >= 1 - 1e-9:
            raise MineralError(
                f"{self.name}: its minerals sum to {lows:.3g} to {highs:.3g}.",
                expected="ranges within which shares can sum to 1",
            )

    @property
    def main_minerals(self) -> tuple[str, ...]:
        """Minerals that can make up 4 % or more, the commonest first."""
        middle = {name: low + high for name, (low, high) in self.shares.items() if high >= 0.04}
        return tuple(sorted(middle, key=lambda name: -middle[name]))


def sample_rock(rock: Rock, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the volume shares of a rock's minerals.

    Parameters
    ----------
    rock
        The rock.
    n
        Number of draws.
    rng
        Source of randomness; the same state gives the same shares.

    Returns
    -------
    ndarray, shape (n, mineral)
        Shares in the order of ``rock.shares``, uniform over all that their ranges allow; each row
        sums to one.
    """
    shares = sample_mole_fractions(list(rock.shares.values()), n, rng)
    return shares / shares.sum(axis=1, keepdims=True)


@functools.cache
def load_rocks() -> tuple[Rock, ...]:
    """Return the rocks that ship with Lithoscope."""
    from lithoscope.minerals.rock_reading import read_rocks

    file = importlib.resources.files("lithoscope.minerals") / "data" / "rocks.yaml"
    return read_rocks(file.read_text(encoding="utf-8"), "rocks.yaml")


def find_rock(name: str) -> Rock:
    """Return a rock by name or alias, in any case.

    Raises
    ------
    MineralError
        If there is none, with the nearest names.
    """
    rocks = {name_key(key): rock for rock in load_rocks() for key in (rock.name, *rock.aliases)}
    if rock := rocks.get(name_key(name)):
        return rock
    near = dict.fromkeys(rocks[key].name for key in nearest_names(name_key(name), rocks))
    raise MineralError(
        f"'{name}' is no rock that Lithoscope knows.",
        expected="one of its rocks" + (f", such as {', '.join(near)}" if near else ""),
        remedy="mix the minerals yourself",
    )
