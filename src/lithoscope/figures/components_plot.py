"""Principal components over energy, with element lines marked, and what they explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.spectrum_plot import SPECTRUM_COLOUR
from lithoscope.figures.style import FAINT_INK, figure_style
from lithoscope.physics.lines import main_lines

_WIDTH_IN, _HEIGHT_IN, _GAP_IN, _LEFT_IN = 8.0, 1.15, 0.25, 0.75
_VARIANCE_IN = 1.6
# Marks closer than this share of the width would stand on each other.
_APART = 0.022


def components_figure(
    components: NDArray[np.floating],
    edges_keV: NDArray[np.float64],
    variance_shares: NDArray[np.floating],
    *,
    elements: Sequence[str],
    title: str,
    shown: int = 5,
    last_keV: float = 20.0,
) -> Figure:
    """Draw the first components, one above the other, and the variance that all explain.

    Parameters
    ----------
    components
        Shape (component, bin).
    edges_keV
        Bin edges, shape (bin + 1,).
    variance_shares
        Share of the variance of each component, shape (component,).
    elements
        Symbols whose main line is marked, the most telling first.
    title
        Stands above.
    shown
        Components drawn.
    last_keV
        Energy up to which they are drawn.
    """
    count = min(shown, len(components))
    last = min(last_keV, float(edges_keV[-1]))
    body = count * (_HEIGHT_IN + _GAP_IN)
    with figure_style():
        figure = blank_figure(
            _LEFT_IN + _WIDTH_IN + MARGIN_IN,
            TITLE_IN + 0.55 + body + 0.6 + _VARIANCE_IN + 0.5,
            title=title,
        )
        for index in range(count):
            top = TITLE_IN + 0.55 + index * (_HEIGHT_IN + _GAP_IN)
            axes = place_axes(
                figure, left_in=_LEFT_IN, top_in=top, width_in=_WIDTH_IN, height_in=_HEIGHT_IN
            )
            axes.axhline(0, color=FAINT_INK, linewidth=0.5)
            axes.stairs(
                components[index], edges_keV, baseline=None, color=SPECTRUM_COLOUR, linewidth=0.8
            )
            axes.set(xlim=(float(edges_keV[0]), last), ylabel=f"{index + 1}")
            _mark(axes, elements, float(edges_keV[0]), last, named=index == 0)
            if index < count - 1:
                axes.set_xticklabels([])
        axes.set_xlabel("energy (keV)")
        axes = place_axes(
            figure,
            left_in=_LEFT_IN,
            top_in=TITLE_IN + 0.55 + body + 0.6,
            width_in=_WIDTH_IN,
            height_in=_VARIANCE_IN,
        )
        numbers = np.arange(1, len(variance_shares) + 1)
        axes.bar(numbers, 100 * variance_shares, color=SPECTRUM_COLOUR, label="of each")
        axes.plot(
            numbers,
            100 * np.cumsum(variance_shares),
            color="#b1003b",
            marker="o",
            markersize=3,
            label="of all so far",
        )
        axes.set(xlabel="component", ylabel="explained variance (%)", ylim=(0, 100))
        axes.legend(frameon=False, loc="center right", fontsize=8)
    return figure


def _mark(
    axes: Axes, elements: Sequence[str], low_keV: float, high_keV: float, *, named: bool
) -> None:
    placed: list[float] = []
    for symbol in elements:
        for line in main_lines(symbol, low_keV=low_keV, high_keV=high_keV)[:1]:
            place = (line.energy_keV - low_keV) / (high_keV - low_keV)
            if any(abs(place - other) < _APART for other in placed):
                continue
            placed.append(place)
            axes.axvline(line.energy_keV, color=FAINT_INK, linewidth=0.4, linestyle=":")
            if named:
                axes.text(
                    line.energy_keV,
                    1.03,
                    line.label,
                    transform=axes.get_xaxis_transform(),
                    rotation=90,
                    fontsize=7,
                    ha="center",
                    va="bottom",
                )
