"""A spectrum, and below it what each bin said for or against its class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lithoscope.core.spectrum import Spectrum
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.spectrum_plot import draw_spectrum, element_lines
from lithoscope.figures.style import FAINT_INK, figure_style

# Blue and vermilion of Okabe and Ito, which the colour-blind tell apart.
FOR_COLOUR, AGAINST_COLOUR, ATTENTION_COLOUR = "#0072b2", "#d55e00", "#7a7a7a"
_WIDTH_IN, _SPECTRUM_IN, _BELOW_IN, _GAP_IN = 8.0, 3.2, 1.7, 0.62


def explanation_figure(
    spectrum: Spectrum,
    *,
    edges_keV: NDArray[np.float64],
    attributions: NDArray[np.float64],
    attention: NDArray[np.float64] | None = None,
    elements: Sequence[str],
    title: str,
) -> Figure:
    """Draw a spectrum with lines named over what spoke for and against its class.

    Parameters
    ----------
    spectrum
        Measured counts.
    edges_keV
        Edges of the model's bins, shape (bin + 1,).
    attributions
        What each bin added to the log-odds of the class, shape (bin,).
    attention
        Share of attention on each bin, shape (bin,); drawn on an axis of its own.
    elements
        Symbols of the elements whose lines are named, the most telling first.
    title
        Text above.
    """
    with figure_style():
        height = TITLE_IN + _SPECTRUM_IN + _GAP_IN + _BELOW_IN + 0.6
        figure = blank_figure(_WIDTH_IN + 1.5, height, title=title)
        top = MARGIN_IN + TITLE_IN
        above, below = (
            place_axes(figure, left_in=0.75, top_in=start, width_in=_WIDTH_IN, height_in=tall)
            for start, tall in ((top, _SPECTRUM_IN), (top + _SPECTRUM_IN + _GAP_IN, _BELOW_IN))
        )
        lines = element_lines(spectrum, elements)
        draw_spectrum(above, spectrum, lines=lines)
        for edge in (line.energy_keV for line in lines):
            below.axvline(edge, color=FAINT_INK, linewidth=0.4, alpha=0.6, zorder=0)
        _draw_attributions(below, edges_keV, attributions)
        below.set_xlim(above.get_xlim())
        below.xaxis.set_major_locator(MaxNLocator(10, integer=below.get_xlim()[1] > 5))
        if attention is not None:
            _draw_attention(below, edges_keV, attention)
        below.legend(loc="upper right", frameon=False, fontsize=8)
        return figure


def _draw_attributions(
    axes: Axes, edges_keV: NDArray[np.float64], attributions: NDArray[np.float64]
) -> None:
    for sign, colour, name in (
        (1, FOR_COLOUR, "spoke for it"),
        (-1, AGAINST_COLOUR, "spoke against it"),
    ):
        values = np.where(sign * attributions > 0, attributions, 0.0)
        axes.stairs(
            values, edges_keV, fill=True, color=colour, label=f"{name}: {values.sum():+.1f}"
        )
    axes.axhline(0, color=FAINT_INK, linewidth=0.6)
    axes.set(xlabel="energy (keV)", ylabel="log-odds of a bin")
    axes.margins(y=0.15)


def _draw_attention(
    axes: Axes, edges_keV: NDArray[np.float64], attention: NDArray[np.float64]
) -> None:
    beside = axes.twinx()
    beside.spines["right"].set_visible(True)
    percent = 100 * attention
    beside.stairs(percent, edges_keV, baseline=None, color=ATTENTION_COLOUR, linewidth=0.9)
    # The scale of attention begins at the line of zero of the attributions.
    low, high = axes.get_ylim()
    highest = 1.1 * float(percent.max())
    beside.set_ylim(low / high * highest if high > 0 else 0, highest)
    beside.set_ylabel("attention (% of a bin)")
    axes.plot([], [], color=ATTENTION_COLOUR, linewidth=0.9, label="attention (right)")
