"""Spectra before and after preprocessing, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.spectrum_plot import SPECTRUM_COLOUR
from lithoscope.figures.style import figure_style

_WIDTH_IN, _HEIGHT_IN, _GAP_IN = 4.6, 1.7, 0.75
_AFTER_COLOUR = "#b1003b"
# Where nothing is left to see, as a share of the counts.
_SHOWN_SHARE = 0.9995

Curve = tuple[NDArray[np.float64], NDArray[np.float64] | None]


def before_after_figure(
    rows: Sequence[tuple[str, Curve, Curve]], *, chain: str, title: str
) -> Figure:
    """Draw spectra on the left and what a chain made of them on the right.

    Parameters
    ----------
    rows
        A name, and (values, bin edges in keV) before and after; edges are ``None`` for scores.
    chain
        The chain in words.
    title
        Stands above.
    """
    with figure_style():
        height = len(rows) * (_HEIGHT_IN + _GAP_IN)
        figure = blank_figure(
            2 * (_WIDTH_IN + _GAP_IN) + MARGIN_IN, height + TITLE_IN + 0.35, title=title
        )
        for index, (name, before, after) in enumerate(rows):
            top = MARGIN_IN + TITLE_IN + 0.2 + index * (_HEIGHT_IN + _GAP_IN)
            left, right = (
                place_axes(
                    figure, left_in=place, top_in=top, width_in=_WIDTH_IN, height_in=_HEIGHT_IN
                )
                for place in (_GAP_IN, 2 * _GAP_IN + _WIDTH_IN)
            )
            last = _last_energy(before)
            _draw(left, before, last, SPECTRUM_COLOUR, "counts")
            _draw(right, after, last, _AFTER_COLOUR, "value")
            left.set_title(f"{name}, as measured")
            right.set_title(chain)
        return figure


def _last_energy(curve: Curve) -> float:
    values, edges = curve
    if edges is None:
        return np.inf
    running = np.cumsum(values)
    index = int(np.searchsorted(running, _SHOWN_SHARE * running[-1]))
    return float(min(1.05 * edges[min(index + 1, edges.size - 1)], edges[-1]))


def _draw(axes: Axes, curve: Curve, last_keV: float, colour: str, label: str) -> None:
    values, edges = curve
    if edges is None:
        axes.bar(np.arange(1, values.size + 1), values, color=colour)
        axes.set(xlabel="component", ylabel="score")
        return
    axes.stairs(values, edges, baseline=None, color=colour, linewidth=0.8)
    axes.set(xlabel="energy (keV)", ylabel=label, xlim=(min(0.0, edges[0]), last_keV))
    shown = values[edges[1:] <= last_keV]
    if (shown >= 0).all() and shown.max(initial=0) > 0:
        # Linear up to what is small beside the peaks, so that zeros and baselines can be seen.
        linear = max(float(shown.max()) * 1e-2, 1e-12)
        axes.set_yscale("symlog", linthresh=linear)
        axes.set_ylim(bottom=0)
        # Without mathtext, which is off because texts come from files; of the linear part 0 alone.
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:g}" if value == 0 or value > linear else "")
        )
