"""Codes of spectra in two dimensions, coloured by what they are of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.palette import OTHER_COLOUR, POOL
from lithoscope.figures.style import figure_style

_SIDE_IN, _KEY_IN = 5.5, 2.4
_MARKERS = "osD^v<>PX*"
_MOST_FAMILIES = 16


def latent_figure(
    points: NDArray[np.floating],
    families: Sequence[str],
    *,
    axes_named: tuple[str, str],
    title: str,
) -> Figure:
    """Draw points, a colour and a marker for each family; the rarest share grey.

    Parameters
    ----------
    points
        Shape (spectrum, 2).
    families
        Family of each spectrum.
    axes_named
        What the two directions are.
    title
        Stands above.

    Raises
    ------
    InvalidValueError
        If points and families differ in number.
    """
    if points.shape != (len(families), 2):
        raise InvalidValueError(
            f"Points of shape {points.shape} with {len(families)} families.",
            expected="two numbers and one family for each spectrum",
        )
    names = np.array(families)
    found, numbers = np.unique(names, return_counts=True)
    order = found[np.argsort(-numbers, kind="stable")].tolist()
    with figure_style():
        figure = blank_figure(
            0.75 + _SIDE_IN + _KEY_IN + MARGIN_IN, TITLE_IN + 0.2 + _SIDE_IN + 0.6, title=title
        )
        axes = place_axes(
            figure, left_in=0.75, top_in=TITLE_IN + 0.2, width_in=_SIDE_IN, height_in=_SIDE_IN
        )
        colours = list(POOL.values())
        for index, name in enumerate(order[:_MOST_FAMILIES]):
            chosen = points[names == name]
            axes.scatter(
                chosen[:, 0],
                chosen[:, 1],
                s=9,
                color=colours[index],
                marker=_MARKERS[index % len(_MARKERS)],
                linewidths=0,
                alpha=0.8,
                label=name,
            )
        rest = points[np.isin(names, order[_MOST_FAMILIES:])]
        if len(rest):
            axes.scatter(
                rest[:, 0], rest[:, 1], s=5, color=OTHER_COLOUR, linewidths=0, label="others"
            )
        axes.set(xlabel=axes_named[0], ylabel=axes_named[1])
        axes.legend(
            frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8, markerscale=1.6
        )
    return figure
