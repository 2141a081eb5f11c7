"""A scan at a glance: where the counts are, and one pixel's spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.map_panel import (
    BELOW_MAP_IN,
    COLOUR_BAR_IN,
    MapFrame,
    draw_colour_bar,
    draw_map,
)
from lithoscope.figures.spectrum_plot import draw_spectrum, element_lines
from lithoscope.figures.style import COUNTS_COLOUR_MAP, MARK_RED, figure_style

_MAX_MAP_WIDTH_IN, _MAX_MAP_HEIGHT_IN = 4.5, 4.0
_SPECTRUM_WIDTH_IN, _MIN_SPECTRUM_HEIGHT_IN = 5.6, 3.2
_BETWEEN_IN = 0.65


def scan_overview_figure(
    dataset: xr.Dataset,
    spectrum: Spectrum,
    *,
    pixel: tuple[int, int],
    elements: Sequence[str],
    title: str,
) -> Figure:
    """Draw total counts on the left and the spectrum of the pixel marked red on the right.

    Parameters
    ----------
    dataset
        A result or scan summary with `counts` of shape (y, x).
    spectrum
        The spectrum of `pixel`.
    pixel
        Row and column of the marked pixel.
    elements
        Symbols of the elements whose lines are named.
    title
        Text above both.

    Raises
    ------
    InvalidValueError
        If the pixel lies outside the map, or one of `elements` is no element.
    """
    counts = np.asarray(dataset["counts"])
    row, column = pixel
    if not (0 <= row < counts.shape[0] and 0 <= column < counts.shape[1]):
        raise InvalidValueError(
            f"Pixel ({row}, {column}) of a map of {counts.shape[0]} x {counts.shape[1]} pixels.",
            expected="a row and a column inside the map",
        )
    with figure_style():
        frame = MapFrame.of(dataset)
        figure, map_axes, spectrum_axes = _panels(frame, title=title)
        image = draw_map(map_axes, counts, frame, cmap=COUNTS_COLOUR_MAP)
        draw_colour_bar(figure, map_axes, image)
        map_axes.set_title("total counts of each pixel")
        _mark_pixel(map_axes, frame, pixel, counts.shape)
        spectrum_axes.set_title(f"spectrum of the red pixel (row {row}, column {column})")
        draw_spectrum(spectrum_axes, spectrum, lines=element_lines(spectrum, elements))
        return figure


def _panels(frame: MapFrame, *, title: str) -> tuple[Figure, Axes, Axes]:
    """Return a figure with axes for the map and, as high or higher, for the spectrum."""
    width, height = frame.size_in(max_width_in=_MAX_MAP_WIDTH_IN, max_height_in=_MAX_MAP_HEIGHT_IN)
    spectrum_height = max(height, _MIN_SPECTRUM_HEIGHT_IN)
    left, top = 3 * MARGIN_IN, MARGIN_IN + TITLE_IN + 0.2
    spectrum_left = left + width + COLOUR_BAR_IN + _BETWEEN_IN
    figure = blank_figure(
        spectrum_left + _SPECTRUM_WIDTH_IN + 2 * MARGIN_IN,
        top + spectrum_height + BELOW_MAP_IN + MARGIN_IN,
        title=title,
    )
    map_axes = place_axes(figure, left_in=left, top_in=top, width_in=width, height_in=height)
    spectrum_axes = place_axes(
        figure,
        left_in=spectrum_left,
        top_in=top,
        width_in=_SPECTRUM_WIDTH_IN,
        height_in=spectrum_height,
    )
    return figure, map_axes, spectrum_axes


def _mark_pixel(
    axes: Axes, frame: MapFrame, pixel: tuple[int, int], shape: tuple[int, ...]
) -> None:
    step_y, step_x = frame.height / shape[0], frame.width / shape[1]
    corner = (frame.left + pixel[1] * step_x, frame.top + pixel[0] * step_y)
    # The outline keeps a pixel visible that is smaller than a dot of the screen.
    axes.add_patch(
        Rectangle(
            corner,
            step_x,
            step_y,
            facecolor=MARK_RED,
            edgecolor=MARK_RED,
            linewidth=3,
            path_effects=[Stroke(linewidth=5, foreground="white"), Normal()],
            gid="marked-pixel",
        )
    )
