"""Labels: the classes a model knows, each a group of minerals the instrument cannot part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lithoscope.errors import InvalidValueError, MineralError, nearest_names

# Values of the map's `mineral` variable that stand for no class.
VOID = -1


@dataclass(frozen=True)
class Group:
    """Minerals that share one class."""

    members: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.members or len(set(self.members)) != len(self.members):
            raise InvalidValueError(
                f"A group of {list(self.members)}.", expected="one or more different names"
            )

    @property
    def label(self) -> str:
        """Members joined by ``/``."""
        return "/".join(self.members)


@dataclass(frozen=True)
class LabelSet:
    """The ordered classes of a model.

    Parameters
    ----------
    groups
        One group a class; no mineral may be in two.
    """

    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        names = [name for group in self.groups for name in group.members]
        if not names:
            raise InvalidValueError("A label set without classes.", expected="at least one group")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidValueError(
                f"{', '.join(twice)} stands in two groups.", expected="each mineral in one group"
            )

    @classmethod
    def of_minerals(cls, names: Sequence[str]) -> LabelSet:
        """Make a label set with one class for each mineral."""
        return cls(tuple(Group((name,)) for name in names))

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self.groups)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label of each class, in order."""
        return tuple(group.label for group in self.groups)

    @property
    def members(self) -> tuple[str, ...]:
        """All minerals of all classes."""
        return tuple(name for group in self.groups for name in group.members)

    def index_of(self, mineral: str) -> int:
        """Return the class that holds a mineral.

        Raises
        ------
        MineralError
            If no class does; the message names the nearest that one does, and `train`.
        """
        for index, group in enumerate(self.groups):
            if mineral in group.members:
                return index
        near = nearest_names(mineral, self.members)
        raise MineralError(
            f"The model does not know '{mineral}'.",
            expected="one of its minerals" + (f", such as {', '.join(near)}" if near else ""),
            remedy=f"train a model that does: lithoscope train --model cnn --minerals "
            f"{mineral},... -o DIR",
        )

    def indices_of(self, minerals: Iterable[str]) -> tuple[int, ...]:
        """Return the classes that hold any of the minerals, in order, each once."""
        return tuple(sorted({self.index_of(name) for name in minerals}))
