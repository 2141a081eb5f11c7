"""Which minerals are confused, as a matrix in which they stand side by side."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.style import COUNTS_COLOUR_MAP, FAINT_INK, figure_style
from lithoscope.minerals.groups import clustered_order
from lithoscope.minerals.identifiability import PairErrors

_CELL_IN = 0.13
_LETTER_IN = 0.062
_KEY_IN = 0.15
_KEY_SPACE_IN = 0.65
# Minerals whose every pair is told apart better than this would be empty rows, and fill pages.
_SHOWN_ERROR = 0.05


def confusion_figure(pairs: PairErrors, *, counts: float, title: str) -> Figure:
    """Draw the errors of all pairs, clustered; minerals that nothing is confused with are left out.

    Parameters
    ----------
    pairs
        Errors.
    counts
        Counts at which they are drawn.
    title
        Stands above, with counts and numbers of minerals.
    """
    errors = pairs.at(counts)
    off_diagonal = errors - 0.5 * np.eye(len(errors))
    shown = np.flatnonzero(off_diagonal.max(axis=0) > _SHOWN_ERROR)
    if not shown.size:
        shown = np.arange(len(errors))
    order = shown[clustered_order(errors[np.ix_(shown, shown)])]
    names = [pairs.names[index] for index in order]
    side = max(_CELL_IN * len(order), 1.5)
    room = _LETTER_IN * max(map(len, names)) + 0.2
    with figure_style():
        figure = blank_figure(
            room + side + _KEY_SPACE_IN + MARGIN_IN,
            TITLE_IN + 0.1 + side + room,
            title=f"{title}, {counts:,.0f} counts: "
            f"{len(names)} of {len(errors)} minerals that are confused",
        )
        axes = place_axes(
            figure, left_in=room, top_in=TITLE_IN + 0.1, width_in=side, height_in=side
        )
        percent = 100 * np.where(
            np.eye(len(order), dtype=bool), np.nan, errors[np.ix_(order, order)]
        )
        image = axes.imshow(
            percent, cmap=COUNTS_COLOUR_MAP, vmin=0, vmax=50, interpolation="nearest"
        )
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
        axes.set_yticks(range(len(names)), names, fontsize=6)
        axes.tick_params(length=0)
        key = place_axes(
            figure,
            left_in=room + side + 0.12,
            top_in=TITLE_IN + 0.1,
            width_in=_KEY_IN,
            height_in=min(side, 2.0),
        )
        figure.colorbar(image, cax=key, label="error of the best classifier, %")
        key.yaxis.label.set_color(FAINT_INK)
    return figure
