"""Axes placed in inches from the upper left, so that nothing depends on a layout engine."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lithoscope.figures.style import printable

MARGIN_IN = 0.15
TITLE_IN = 0.35


def blank_figure(width_in: float, height_in: float, *, title: str) -> Figure:
    """Return a figure with a title in its upper left, whose axes start below `TITLE_IN`."""
    figure = Figure(figsize=(width_in, height_in), dpi=100)
    figure.text(
        MARGIN_IN / width_in,
        1 - MARGIN_IN / height_in,
        printable(title),
        fontsize=11,
        fontweight="bold",
        verticalalignment="top",
    )
    return figure


def place_axes(
    figure: Figure, *, left_in: float, top_in: float, width_in: float, height_in: float
) -> Axes:
    """Add axes whose upper left corner lies `left_in` and `top_in` from the figure's."""
    total_width, total_height = figure.get_size_inches()
    return figure.add_axes(
        (
            left_in / total_width,
            1 - (top_in + height_in) / total_height,
            width_in / total_width,
            height_in / total_height,
        )
    )
