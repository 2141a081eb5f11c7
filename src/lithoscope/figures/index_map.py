"""The mineral map as numbers: an indexed picture for GIS and image programs.

One pixel of the picture is one of the scan. What its values mean stands in a table beside it, in
the layout that `lithoscope.io.label_maps` reads; the palette has the colours of the figures. A
world file gives its place in mm, as ESRI defined it: six lines, the steps along x and y and the
centre of the upper left pixel. Its y runs up as in maps, so that it is that of the scan negated.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.figures.map_key import SPECIAL_ROWS, MapKey
from lithoscope.figures.palette import (
    OTHER_COLOUR,
    UNKNOWN_COLOUR,
    VOID_COLOUR,
    mineral_colours,
)

VOID_VALUE, UNKNOWN_VALUE = 0, 1
# Of 256 values two have a meaning of their own, and the last is for what finds no place.
_MOST_MINERALS = 253
OTHER_VALUE, OTHER_NAME = 255, "other"


@dataclass(frozen=True, eq=False)
class IndexMap:
    """A mineral map of numbers.

    Parameters
    ----------
    values
        0 for void, 1 for unknown, then minerals, the most abundant first, shape (y, x).
    names
        What each value means, void excepted.
    colours
        Colour of each of them, ``#rrggbb``.
    steps_mm
        Steps along (y, x); ``None`` where they are not known.
    """

    values: NDArray[np.uint8]
    names: Mapping[int, str]
    colours: Mapping[int, str]
    steps_mm: tuple[float, float] | None

    def png(self) -> bytes:
        """Return the picture as an indexed PNG."""
        from PIL import Image

        picture = Image.fromarray(self.values)
        picture.putpalette(_palette(self.colours))
        buffer = io.BytesIO()
        picture.save(buffer, format="PNG")
        return buffer.getvalue()

    def legend(self) -> str:
        """Return the table of values, columns ``value,mineral``."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["value", "mineral"])
        writer.writerows(self.names.items())
        return stream.getvalue()

    def world_file(self) -> str | None:
        """Return the world file, in mm; ``None`` where the steps are not known."""
        if self.steps_mm is None:
            return None
        step_y, step_x = self.steps_mm
        return "".join(f"{value:.12g}\n" for value in (step_x, 0.0, 0.0, -step_y, 0.0, 0.0))


def index_map(
    dataset: xr.Dataset,
    rows: Sequence[Mapping[str, Any]],
    *,
    steps_mm: tuple[float, float] | None,
    smoothed: bool = True,
) -> IndexMap:
    """Number the minerals of a result by their abundance.

    Parameters
    ----------
    dataset, rows, smoothed
        As `mineral_map_figure` takes them.
    steps_mm
        Steps along (y, x), where they are known.
    """
    labels = [str(label) for label in json.loads(dataset.attrs["long_names"])]
    shown = [str(row["mineral"]) for row in rows if row["mineral"] not in SPECIAL_ROWS]
    named = shown[:_MOST_MINERALS]
    numbers = {label: value for value, label in enumerate(named, start=UNKNOWN_VALUE + 1)}
    # VOID is -1, so that the last value of the table is that of void.
    table = [*(numbers.get(label, OTHER_VALUE) for label in labels), VOID_VALUE]
    classes = np.asarray(dataset["mineral_smoothed" if smoothed else "mineral"]).astype(np.intp)
    values = np.array(table, dtype=np.uint8)[classes]
    values[np.asarray(dataset["unknown"]) & (classes != VOID)] = UNKNOWN_VALUE
    colours = {**mineral_colours(named), **MapKey.of(rows).colours}
    names = {UNKNOWN_VALUE: "unknown", **{value: label for label, value in numbers.items()}}
    if len(shown) > len(named):
        names[OTHER_VALUE] = OTHER_NAME
    return IndexMap(
        values=values,
        names=names,
        colours={
            VOID_VALUE: VOID_COLOUR,
            UNKNOWN_VALUE: UNKNOWN_COLOUR,
            **{value: colours[label] for label, value in numbers.items()},
            OTHER_VALUE: OTHER_COLOUR,
        },
        steps_mm=steps_mm,
    )


def _palette(colours: Mapping[int, str]) -> bytes:
    return b"".join(
        bytes.fromhex(colours.get(value, VOID_COLOUR)[1:]) for value in range(OTHER_VALUE + 1)
    )
