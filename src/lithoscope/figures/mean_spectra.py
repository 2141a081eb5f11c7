"""Mean spectra of minerals with the expected ones over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import MARGIN_IN, blank_figure, place_axes
from lithoscope.figures.spectrum_plot import draw_spectrum, element_lines, shown_channels
from lithoscope.figures.style import figure_style, short_label

EXPECTED_COLOUR = "#d55e00"
_WIDTH_IN, _HEIGHT_IN, _LEFT_IN, _ABOVE_IN, _BELOW_IN = 4.4, 2.3, 0.65, 0.3, 0.5
_COLUMNS = 2

Shown = tuple[str, Spectrum, Sequence[str], NDArray[np.float64] | None]


def mean_spectra_figure(shown: Sequence[Shown]) -> Figure:
    """Draw spectra in two columns, measured in blue and expected in orange.

    Parameters
    ----------
    shown
        Title, mean spectrum, elements whose lines are named, and expected counts on the same
        axis, shape (channel,), or ``None``.

    Raises
    ------
    InvalidValueError
        If there is none, or an expected spectrum has another shape.
    """
    if not shown:
        raise InvalidValueError("No spectrum to draw.", expected="one or more")
    with figure_style():
        columns = min(_COLUMNS, len(shown))
        lines = -(-len(shown) // columns)
        step_x = _LEFT_IN + _WIDTH_IN + MARGIN_IN
        step_y = _ABOVE_IN + _HEIGHT_IN + _BELOW_IN
        figure = blank_figure(columns * step_x + MARGIN_IN, lines * step_y, title="")
        for place, (title, spectrum, elements, expected) in enumerate(shown):
            row, column = divmod(place, columns)
            axes = place_axes(
                figure,
                left_in=_LEFT_IN + column * step_x,
                top_in=_ABOVE_IN + row * step_y,
                width_in=_WIDTH_IN,
                height_in=_HEIGHT_IN,
            )
            draw_spectrum(axes, spectrum, lines=element_lines(spectrum, elements))
            name, _, rest = title.partition(",")
            axes.set_title(short_label(name, width=34) + ("," + rest if rest else ""))
            if expected is None:
                continue
            if expected.shape != spectrum.counts.shape:
                raise InvalidValueError(
                    f"Expected counts of shape {expected.shape}.",
                    expected=f"{spectrum.counts.shape}, as the spectrum's",
                )
            first, last = shown_channels(spectrum)
            edges = spectrum.axis.edges_keV[first : last + 1]
            axes.stairs(
                expected[first:last],
                edges,
                baseline=None,
                color=EXPECTED_COLOUR,
                linewidth=0.8,
                gid="expected",
            )
        return figure
