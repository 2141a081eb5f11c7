"""Rocks: mixtures of minerals, for phantoms and mixed pixels. They are never classes."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import FileFormatError, MineralError, nearest_names
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
        if not lows <= 1 <= highs:
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


def read_rocks(text: str, source: str) -> tuple[Rock, ...]:
    """Read rocks from YAML: a list of ``name``, ``minerals`` with ranges, and ``also``.

    Raises
    ------
    FileFormatError
        If it is no YAML of that form.
    MineralError
        If a rock is not sound, or two share a name.
    """
    import yaml
    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

    from lithoscope.core.plain_yaml import load_yaml_document

    class RockEntry(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)

        name: str
        minerals: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]
        also: list[str] = []

    try:
        document = load_yaml_document(text)
        entries = TypeAdapter(list[RockEntry]).validate_python(document.value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        line = document.line(fault["loc"])
        raise FileFormatError(
            f"{source}, line {line}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}.",
            expected="a list of rocks, each with 'name' and 'minerals: {quartz: [0.2, 0.4]}'",
        ) from None
    except yaml.YAMLError as error:
        raise FileFormatError(
            f"{source} is not YAML: {str(error)[:200]}", expected="YAML"
        ) from None
    rocks = []
    lines: dict[str, int] = {}
    for index, entry in enumerate(entries):
        line = document.line((index,))
        try:
            ranges = {mineral: (low, high) for mineral, (low, high) in entry.minerals.items()}
            rocks.append(Rock(entry.name, ranges, tuple(entry.also)))
        except MineralError as error:
            raise MineralError(
                f"{source}, line {line}: {error.problem}", expected=error.expected
            ) from None
        for key in map(name_key, (entry.name, *entry.also)):
            if key in lines:
                raise MineralError(
                    f"{source}, line {line}: '{key}' is the rock of line {lines[key]} too.",
                    expected="each name once",
                )
            lines[key] = line
    return tuple(rocks)
