"""The mineral layer: which label each pixel has, in which colour, and how much of it there is."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.figures.map_key import SPECIAL_ROWS, MapKey
from lithoscope.io.stored_results import StoredMap

UNKNOWN_NAME, VOID_NAME = "unknown", "void"


@dataclass(frozen=True, eq=False)
class MineralLayer:
    """A classified map as it is drawn: unknown pixels count only as unknown.

    Parameters
    ----------
    names
        What codes stand for: the model's labels, then unknown and void.
    codes
        Index into `names`, shape (y, x).
    """

    names: tuple[str, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, stored: StoredMap, *, smoothed: bool) -> MineralLayer:
        """Take the smoothed classes or those of single pixels."""
        classes = stored.mineral_smoothed if smoothed else stored.mineral
        count, void = len(stored.labels), classes == VOID
        codes = np.where(void, count + 1, np.where(stored.unknown, count, classes))
        return cls((*stored.labels.labels, UNKNOWN_NAME, VOID_NAME), codes.astype(np.intp))

    def pixels(self, mask: NDArray[np.bool_] | None = None) -> dict[str, int]:
        """Pixels of each name that occurs in a region, the most first, unknown and void last."""
        codes = self.codes if mask is None else self.codes[mask]
        tally = np.bincount(codes.ravel(), minlength=len(self.names))
        order = sorted(np.flatnonzero(tally).tolist(), key=lambda code: self._rank(code, tally))
        return {self.names[code]: int(tally[code]) for code in order}

    def percentages(self, mask: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """Percent of the pixels that are not void, by name; void itself is left out."""
        pixels = self.pixels(mask)
        pixels.pop(VOID_NAME, None)
        total = max(sum(pixels.values()), 1)
        return {name: 100 * count / total for name, count in pixels.items()}

    def key(self) -> MapKey:
        """Colours of the most abundant minerals, as in all figures."""
        return MapKey.of([{"mineral": name} for name in self.pixels()])

    def rgba(
        self, *, hidden: Set[str] = frozenset(), recoloured: Mapping[str, str] | None = None
    ) -> NDArray[np.uint8]:
        """Colours, shape (y, x, 4); hidden minerals are transparent.

        Parameters
        ----------
        hidden
            Names not to draw.
        recoloured
            Name to ``#rrggbb``, where another colour is wanted than the figures'.
        """
        key, wanted = self.key(), recoloured or {}
        table = np.array(
            [
                (*bytes.fromhex((wanted.get(name) or key.colour(name))[1:]), 255 * (not hide))
                for name, hide in ((name, name in hidden) for name in self.names)
            ],
            dtype=np.uint8,
        )
        return table[self.codes]

    def _rank(self, code: int, tally: NDArray[np.intp]) -> tuple[bool, int, str]:
        name = self.names[code]
        return name in SPECIAL_ROWS, -int(tally[code]), name
