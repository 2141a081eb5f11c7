"""Regions drawn on the map, and labels made of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError, LabelError

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class NamedRegion:
    """Pixels that someone says are one mineral.

    Parameters
    ----------
    mineral
        Its name.
    mask
        Whether each pixel belongs to it, shape (y, x).
    """

    mineral: str
    mask: Mask

    def __post_init__(self) -> None:
        if not self.mineral.strip():
            raise InvalidValueError("A region without a name.", expected="the name of a mineral")
        if self.mask.ndim != 2 or self.mask.dtype != bool or not self.mask.any():
            raise InvalidValueError(
                f"The region '{self.mineral}' of shape {self.mask.shape}, type {self.mask.dtype}, "
                f"with {np.count_nonzero(self.mask)} pixels.",
                expected="True or False for each pixel, and one that is True",
            )


def mask_from_outline(
    *, x: Sequence[float], y: Sequence[float], shape: tuple[int, int], step: tuple[float, float]
) -> Mask:
    """Pixels whose centre lies inside a closed outline.

    Parameters
    ----------
    x, y
        Corners of the outline, from the upper left corner of the map, in the unit of `step`.
    shape
        Rows and columns of the map.
    step
        Size of a pixel along (y, x).

    Returns
    -------
    ndarray of bool, shape (y, x)

    Raises
    ------
    InvalidValueError
        If the outline has fewer than three corners, or is not finite.
    """
    corners = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise InvalidValueError(
            f"An outline of {len(corners)} corners.", expected="three or more that are finite"
        )
    rows, columns = ((np.arange(size) + 0.5) * unit for size, unit in zip(shape, step, strict=True))
    grid_x, grid_y = np.meshgrid(columns, rows)
    centres = np.column_stack([grid_x.ravel(), grid_y.ravel()])
    # The first corner again: matplotlib drops the last of a path that is called closed.
    outline = Outline(np.vstack([corners, corners[:1]]))
    return np.asarray(outline.contains_points(centres)).reshape(shape)


def with_region(regions: Sequence[NamedRegion], new: NamedRegion) -> tuple[NamedRegion, ...]:
    """Regions with one more.

    Raises
    ------
    LabelError
        If a pixel would have two names.
    """
    for region in regions:
        shared = np.count_nonzero(region.mask & new.mask)
        if shared and region.mineral != new.mineral:
            raise LabelError(
                f"{shared} pixels of the new region '{new.mineral}' are called "
                f"'{region.mineral}' already.",
                expected="one name a pixel",
                remedy="draw beside it",
            )
    return (*regions, new)


def labels_csv(regions: Sequence[NamedRegion]) -> str:
    """Return the table ``y,x,mineral`` of named regions, in pixels from 0, each pixel once.

    Raises
    ------
    LabelError
        If there is no region.
    """
    if not regions:
        raise LabelError(
            "There is no named region to save.", expected="one or more", remedy="draw one, name it"
        )
    places = {
        (y, x): region.mineral for region in regions for y, x in np.argwhere(region.mask).tolist()
    }
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["y", "x", "mineral"])
    table.writerows([y, x, mineral] for (y, x), mineral in sorted(places.items()))
    return text.getvalue()
