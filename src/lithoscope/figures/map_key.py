"""The key of a mineral map: which minerals have a name and a colour in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lithoscope.figures.palette import (
    OTHER_COLOUR,
    UNKNOWN_COLOUR,
    VOID_COLOUR,
    mineral_colours,
)

SPECIAL_ROWS = {"unknown": UNKNOWN_COLOUR, "void": VOID_COLOUR}
# With unknown, void and the other minerals, a key has at most 14 entries.
_MAX_NAMED = 12


@dataclass(frozen=True)
class MapKey:
    """What colours mean.

    Parameters
    ----------
    colours
        Label of each named mineral to its colour, the most abundant first.
    others
        Labels of the minerals that share the colour of what is not named.
    """

    colours: Mapping[str, str]
    others: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> MapKey:
        """Name the most abundant minerals of a result's table (see `mineral_map_figure`)."""
        labels = [str(row["mineral"]) for row in rows if row["mineral"] not in SPECIAL_ROWS]
        # Naming the last one costs no more than an entry 'other (1 mineral)'.
        count = _MAX_NAMED if len(labels) <= _MAX_NAMED else _MAX_NAMED - 1
        return cls(mineral_colours(labels[:count]), tuple(labels[count:]))

    def colour(self, label: str) -> str:
        """Return the colour of a row of the table."""
        return SPECIAL_ROWS.get(label) or self.colours.get(label, OTHER_COLOUR)
