"""A spectrum with its lines named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from numpy.typing import NDArray

from lithoscope.core.spectrum import Spectrum
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.line_labels import draw_line_labels
from lithoscope.figures.style import figure_style
from lithoscope.physics.lines import EmissionLine, main_lines

SPECTRUM_COLOUR = "#1f4e79"
# Below this lie the zero peak and electronic noise.
_FIRST_KEV = 0.3
# Beyond the energy below which this share of the counts lies there is nothing left to see.
_SHOWN_SHARE = 0.9995
_LINES_AN_ELEMENT = 2
# Names of lines stand in the room above the highest peak.
_PEAK_HEIGHT = 0.66
_MAX_DECADES = 5
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def spectrum_figure(spectrum: Spectrum, *, elements: Sequence[str], title: str) -> Figure:
    """Draw a spectrum with the main lines of some elements named.

    Parameters
    ----------
    spectrum
        Measured or expected counts.
    elements
        Symbols of the elements whose lines are named, the most telling first.
    title
        Text above the spectrum.

    Raises
    ------
    InvalidValueError
        If one of `elements` is no element.
    """
    with figure_style():
        width, height = 8.0, 3.6
        figure = blank_figure(width + 1.0, height + TITLE_IN + 0.75, title=title)
        axes = place_axes(
            figure, left_in=0.75, top_in=MARGIN_IN + TITLE_IN, width_in=width, height_in=height
        )
        draw_spectrum(axes, spectrum, lines=element_lines(spectrum, elements))
        return figure


def element_lines(spectrum: Spectrum, elements: Sequence[str]) -> list[EmissionLine]:
    """Return each element's two strongest lines on the shown part of a spectrum's axis."""
    high = _last_energy(spectrum)
    return [
        line
        for element in elements
        for line in main_lines(element, low_keV=_FIRST_KEV, high_keV=high)[:_LINES_AN_ELEMENT]
    ]


def draw_spectrum(
    axes: Axes, spectrum: Spectrum, *, lines: Sequence[EmissionLine], log: bool = True
) -> None:
    """Draw counts over energy and name lines above their peaks.

    Parameters
    ----------
    axes
        Axes that already have their size, which names are placed by.
    spectrum
        Measured or expected counts; what lies below 0.3 keV is not drawn.
    lines
        Lines to name, the most telling first: where there is no room, the last go without.
    log
        Whether the counts are on a logarithmic axis.
    """
    first, last = shown_channels(spectrum)
    edges = spectrum.axis.edges_keV
    counts = np.asarray(spectrum.counts[first:last], dtype=np.float64)
    edges = edges[first : first + counts.size + 1]
    axes.set(xlabel="energy (keV)", ylabel="counts", xlim=(min(0.0, edges[0]), edges[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=edges[-1] > 5))
    if not counts.any():
        axes.set_ylim(0, 1)
        axes.text(0.5, 0.5, "no counts", transform=axes.transAxes, ha="center", va="center")
        return
    _scale_counts(axes, counts, log=log)
    axes.stairs(counts, edges, baseline=None, color=SPECTRUM_COLOUR, linewidth=0.8)
    draw_line_labels(axes, counts, edges, lines)


def shown_channels(spectrum: Spectrum) -> tuple[int, int]:
    """Return the first channel that is drawn of a spectrum, and the one after the last."""
    edges, high = spectrum.axis.edges_keV, _last_energy(spectrum)
    first, last = (int(np.searchsorted(edges, energy)) for energy in (_FIRST_KEV, high))
    first = min(first, spectrum.axis.n_channels - 1)
    return first, max(last, first + 1)


def count_limits(counts: NDArray[np.float64], *, log: bool) -> tuple[float, float]:
    """Return the ends of an axis of counts that leave room for names of lines.

    Parameters
    ----------
    counts
        What is drawn, shape (channel,); one of them above 0.
    log
        Whether the axis is logarithmic.
    """
    highest = float(counts.max())
    if not log:
        return 0.0, highest / _PEAK_HEIGHT
    # Half the least count that was measured; expected counts go on far below what is of interest.
    low = max(float(counts[counts > 0].min()) / 2, highest / 10**_MAX_DECADES)
    return low, low * (highest / low) ** (1 / _PEAK_HEIGHT)


def _last_energy(spectrum: Spectrum) -> float:
    energies = spectrum.axis.energies_keV
    counts = np.where(energies < _FIRST_KEV, 0.0, spectrum.counts)
    total = counts.sum()
    if total == 0:
        return float(spectrum.axis.edges_keV[-1])
    index = int(np.searchsorted(np.cumsum(counts), _SHOWN_SHARE * total))
    # A little beyond, so that the last peak is not cut.
    return float(min(max(1.05 * energies[index], 1.0), spectrum.axis.edges_keV[-1]))


def _scale_counts(axes: Axes, counts: NDArray[np.float64], *, log: bool) -> None:
    low, high = count_limits(counts, log=log)
    if not log:
        axes.set_ylim(low, high)
        return
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))


def _power_of_ten(value: float, _: int | None = None) -> str:
    """Write a tick without mathtext, which is off because texts come from files."""
    return "10" + f"{round(np.log10(value))}".translate(_SUPERSCRIPTS) if value > 0 else ""
