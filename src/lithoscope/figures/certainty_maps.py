"""How sure a map is: confidence, and what is unknown."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from lithoscope.core.labels import VOID
from lithoscope.figures.layout import MARGIN_IN, blank_figure, place_axes
from lithoscope.figures.map_panel import (
    BELOW_MAP_IN,
    COLOUR_BAR_IN,
    MapFrame,
    draw_colour_bar,
    draw_map,
)
from lithoscope.figures.palette import UNKNOWN_COLOUR, VOID_COLOUR
from lithoscope.figures.style import COUNTS_COLOUR_MAP, figure_style

_MAX_PANEL_IN, _TITLE_IN = 3.6, 0.3
_KNOWN_COLOUR = "#e6e6e6"


def certainty_maps_figure(dataset: xr.Dataset) -> Figure:
    """Draw a result's confidence, from 0 to 1, beside the pixels that are unknown or void.

    Parameters
    ----------
    dataset
        A result: `mineral`, `confidence` and `unknown` of shape (y, x).
    """
    classes = np.asarray(dataset["mineral"])
    unknown = np.asarray(dataset["unknown"]) & (classes != VOID)
    with figure_style():
        frame = MapFrame.of(dataset)
        width, height = frame.size_in(max_width_in=_MAX_PANEL_IN, max_height_in=_MAX_PANEL_IN)
        left, top = 2 * MARGIN_IN + frame.left_room_in, MARGIN_IN + _TITLE_IN
        step = width + COLOUR_BAR_IN + 2 * MARGIN_IN + frame.left_room_in
        figure = blank_figure(left + 2 * step, top + height + BELOW_MAP_IN + MARGIN_IN, title="")
        sure, known = (
            place_axes(figure, left_in=place, top_in=top, width_in=width, height_in=height)
            for place in (left, left + step)
        )
        confidence = np.ma.masked_where(classes == VOID, np.asarray(dataset["confidence"]))
        image = draw_map(sure, confidence, frame, cmap=COUNTS_COLOUR_MAP, vmin=0.0, vmax=1.0)
        draw_colour_bar(figure, sure, image, label="")
        sure.set_title("confidence")
        codes = np.where(classes == VOID, 2, unknown.astype(int))
        colours = ListedColormap([_KNOWN_COLOUR, UNKNOWN_COLOUR, VOID_COLOUR])
        draw_map(known, codes, frame, cmap=colours, vmin=0, vmax=2)
        share = 100 * unknown.sum() / max(int((classes != VOID).sum()), 1)
        known.set_title(f"unknown: {share:.1f} %")
        return figure
