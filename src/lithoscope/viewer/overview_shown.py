"""The overview picture as it is laid under the map, and its colours at the map's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.overview import Box, Overview

Edges = tuple[float, float, float, float]


def edges_on_map(
    overview: Overview, shape: tuple[int, int], step: tuple[float, float]
) -> tuple[Edges, bool]:
    """Where the picture lies, and whether that is its place.

    Parameters
    ----------
    overview
        The picture.
    shape
        Rows and columns of the map.
    step
        Size of the map's pixels along (y, x).

    Returns
    -------
    edges
        Left, top, right and bottom edge of the picture in pixels of the map. Where the file does
        not say, the picture is fitted into the map's frame.
    aligned
        Whether what is seen lies under the map's pixels.
    """
    height, width = overview.image.shape[:2]
    if overview.map_box is not None:
        left, top, right, bottom = overview.map_box
        across, down = shape[1] / (right - left), shape[0] / (bottom - top)
        edges = (-left * across, -top * down, (width - left) * across, (height - top) * down)
        return edges, True
    scale = min(shape[0] * step[0] / height, shape[1] * step[1] / width)
    tall, wide = height * scale / step[0], width * scale / step[1]
    left, top = (shape[1] - wide) / 2, (shape[0] - tall) / 2
    return (left, top, left + wide, top + tall), False


def colours_at_pixels(
    image: NDArray[np.uint8], map_box: Box, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Colours of a picture at the middle of each pixel of the map, shape (y, x, 3).

    Black where the map reaches out of the picture.
    """
    left, top, right, bottom = map_box
    rows = np.floor(top + (np.arange(shape[0]) + 0.5) * (bottom - top) / shape[0]).astype(int)
    columns = np.floor(left + (np.arange(shape[1]) + 0.5) * (right - left) / shape[1]).astype(int)
    held_rows = (rows >= 0) & (rows < image.shape[0])
    held_columns = (columns >= 0) & (columns < image.shape[1])
    found = np.zeros((*shape, 3), dtype=np.uint8)
    found[np.ix_(held_rows, held_columns)] = image[np.ix_(rows[held_rows], columns[held_columns])]
    return found
