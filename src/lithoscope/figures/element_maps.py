"""Element maps: alone, and beside the mineral map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.map_key import MapKey
from lithoscope.figures.map_panel import (
    BELOW_MAP_IN,
    COLOUR_BAR_IN,
    MapFrame,
    draw_colour_bar,
    draw_map,
)
from lithoscope.figures.mineral_map import KEY_WIDTH_IN, draw_key, draw_mineral_map, key_height_in
from lithoscope.figures.style import ELEMENT_COLOUR_MAP, figure_style, printable

_MAX_PANEL_IN = 2.9
_PANEL_TITLE_IN = 0.25
_MAX_COLUMNS = 3


def element_maps_figure(
    maps: Mapping[str, NDArray[Any]], dataset: xr.Dataset, *, title: str
) -> Figure:
    """Draw element maps side by side, each with its own scale of counts.

    Parameters
    ----------
    maps
        Name such as ``Fe Kα`` to counts in the line's window, shape (y, x) as the dataset's.
    dataset
        The result whose coordinates the maps share.
    title
        Text above the maps.

    Raises
    ------
    InvalidValueError
        If there is no map, or one has another shape than the dataset.
    """
    _check_maps(maps, dataset)
    with figure_style():
        frame = MapFrame.of(dataset)
        figure, panels = _panel_grid(frame, len(maps), title=title)
        for axes, (name, counts) in zip(panels, maps.items(), strict=True):
            _draw_element(figure, axes, frame, name, counts)
        return figure


def side_by_side_figure(
    dataset: xr.Dataset,
    rows: Sequence[Mapping[str, Any]],
    maps: Mapping[str, NDArray[Any]],
    *,
    title: str,
    smoothed: bool = True,
) -> Figure:
    """Draw the mineral map and element maps at one scale, to compare grain by grain.

    Parameters
    ----------
    dataset, rows, smoothed
        As `mineral_map_figure` takes them.
    maps, title
        As `element_maps_figure` takes them.

    Raises
    ------
    InvalidValueError
        As both of these do.
    """
    _check_maps(maps, dataset)
    with figure_style():
        frame = MapFrame.of(dataset)
        key = MapKey.of(rows)
        key_height = key_height_in(dataset, key)
        figure, panels = _panel_grid(
            frame,
            1 + len(maps),
            title=title,
            right_in=KEY_WIDTH_IN + MARGIN_IN,
            min_height_in=key_height,
        )
        panels[0].set_title("minerals")
        draw_mineral_map(panels[0], dataset, key, frame, smoothed=smoothed)
        for axes, (name, counts) in zip(panels[1:], maps.items(), strict=True):
            _draw_element(figure, axes, frame, name, counts)
        key_axes = place_axes(
            figure,
            left_in=float(figure.get_figwidth()) - KEY_WIDTH_IN - MARGIN_IN,
            top_in=MARGIN_IN + TITLE_IN + _PANEL_TITLE_IN,
            width_in=KEY_WIDTH_IN,
            height_in=key_height,
        )
        draw_key(key_axes, dataset, rows, key, smoothed=smoothed)
        return figure


def _check_maps(maps: Mapping[str, NDArray[Any]], dataset: xr.Dataset) -> None:
    if not maps:
        raise InvalidValueError("There is no element map.", expected="one or more")
    shape = (dataset.sizes["y"], dataset.sizes["x"])
    for name, counts in maps.items():
        if np.shape(counts) != shape:
            raise InvalidValueError(
                f"The map of {name} has the shape {np.shape(counts)}.",
                expected=f"{shape}, as the mineral map has",
            )


def _panel_grid(
    frame: MapFrame,
    count: int,
    *,
    title: str,
    right_in: float = 0.0,
    min_height_in: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels, row by row, and room for a key on its right."""
    columns = min(count, _MAX_COLUMNS)
    width, height = frame.size_in(max_width_in=_MAX_PANEL_IN, max_height_in=_MAX_PANEL_IN)
    cell_width = frame.left_room_in + width + COLOUR_BAR_IN
    cell_height = _PANEL_TITLE_IN + height + BELOW_MAP_IN
    left, top = 3 * MARGIN_IN, MARGIN_IN + TITLE_IN
    grid_height = max(math.ceil(count / columns) * cell_height, _PANEL_TITLE_IN + min_height_in)
    figure = blank_figure(
        left + columns * cell_width + right_in + MARGIN_IN,
        top + grid_height + MARGIN_IN,
        title=title,
    )
    panels = [
        place_axes(
            figure,
            left_in=left + frame.left_room_in + (number % columns) * cell_width,
            top_in=top + (number // columns) * cell_height + _PANEL_TITLE_IN,
            width_in=width,
            height_in=height,
        )
        for number in range(count)
    ]
    return figure, panels


def _draw_element(
    figure: Figure, axes: Axes, frame: MapFrame, name: str, counts: NDArray[Any]
) -> None:
    # From zero, so that colours are in proportion; a map without counts still needs a range.
    highest = float(np.max(counts)) or 1.0
    image = draw_map(axes, np.asarray(counts), frame, cmap=ELEMENT_COLOUR_MAP, vmin=0, vmax=highest)
    axes.set_title(printable(name))
    draw_colour_bar(figure, axes, image)
