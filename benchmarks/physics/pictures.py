"""Measured and simulated spectra laid over each other, the ratio below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.physics.expected import expected_in
from benchmarks.physics.measured import Measured
from benchmarks.physics.peaks import scaled_to
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator
from numpy.typing import NDArray

from lithoscope.core.formula import composition_from_formula
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.line_labels import draw_line_labels
from lithoscope.figures.save import save_figure
from lithoscope.figures.style import FAINT_INK, figure_style
from lithoscope.physics.lines import EmissionLine, main_lines

FloatArray = NDArray[np.float64]

# Okabe and Ito's black and vermilion: apart in every kind of colour vision, and in grey.
MEASURED_COLOUR, SIMULATED_COLOUR = "#000000", "#d55e00"
_SHOWN_KEV = (0.4, 32.0)
_STEP_KEV = 0.05
_WIDTH_IN, _SPECTRUM_IN, _RATIO_IN = 6.4, 2.3, 0.9
_LEFT_IN, _BETWEEN_IN, _BELOW_IN, _ABOVE_IN = 0.75, 0.85, 0.55, 0.3
_RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
# The ratio is drawn where counting alone moves it by less than this.
_NOISIEST = 0.25
_TUBE = "Rh"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def comparison_figure(
    pairs: Sequence[tuple[Measured, FloatArray]], *, title: str, columns: int = 2
) -> Figure:
    """One panel a spectrum: counts on a logarithmic axis, and simulated over measured below."""
    rows = -(-len(pairs) // columns)
    panel = _SPECTRUM_IN + _RATIO_IN + _BELOW_IN + _ABOVE_IN
    with figure_style():
        figure = blank_figure(
            columns * (_WIDTH_IN + _BETWEEN_IN) + MARGIN_IN,
            TITLE_IN + MARGIN_IN + rows * panel,
            title=title,
        )
        for index, (measured, simulated) in enumerate(pairs):
            left = _LEFT_IN + (index % columns) * (_WIDTH_IN + _BETWEEN_IN)
            top = TITLE_IN + MARGIN_IN + _ABOVE_IN + (index // columns) * panel
            upper = place_axes(
                figure, left_in=left, top_in=top, width_in=_WIDTH_IN, height_in=_SPECTRUM_IN
            )
            lower = place_axes(
                figure,
                left_in=left,
                top_in=top + _SPECTRUM_IN + 0.06,
                width_in=_WIDTH_IN,
                height_in=_RATIO_IN,
            )
            _draw(upper, lower, measured, simulated, legend=index == 0)
        return figure


def _draw(
    upper: Axes, lower: Axes, measured: Measured, simulated: FloatArray, *, legend: bool
) -> None:
    edges = np.arange(*_SHOWN_KEV, _STEP_KEV)
    counted = measured.counted_in(edges)
    expected = expected_in(measured, simulated, edges)
    highest = max(counted.max(), expected.max())
    upper.set(xlim=_SHOWN_KEV, ylabel=f"counts / {_STEP_KEV * 1000:.0f} eV", yscale="log")
    upper.set_ylim(1, highest**1.35)
    upper.yaxis.set_major_locator(LogLocator(numticks=8))
    upper.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    upper.tick_params(labelbottom=False)
    upper.set_title(f"{measured.name}   (scaled to {scaled_to(measured).name})")
    upper.stairs(
        np.maximum(counted, 0.1),
        edges,
        baseline=None,
        color=MEASURED_COLOUR,
        linewidth=0.9,
        label="measured",
    )
    upper.stairs(
        np.maximum(expected, 0.1),
        edges,
        baseline=None,
        color=SIMULATED_COLOUR,
        linewidth=0.9,
        label="simulated",
    )
    draw_line_labels(upper, np.maximum(counted, expected), edges, _lines(measured))
    if legend:
        upper.legend(loc="upper right", frameon=False, fontsize=8)
    _draw_ratio(lower, edges, counted, expected)


def _draw_ratio(axes: Axes, edges: FloatArray, counted: FloatArray, expected: FloatArray) -> None:
    middles = (edges[1:] + edges[:-1]) / 2
    told = counted > 1 / _NOISIEST**2
    ratios = expected[told] / counted[told]
    axes.set(
        xlim=_SHOWN_KEV,
        ylim=(0.2, 5),
        yscale="log",
        xlabel="energy (keV)",
        ylabel="simulated /\nmeasured",
    )
    axes.axhspan(0.8, 1.25, color="#dddddd", linewidth=0)
    axes.axhline(1, color=FAINT_INK, linewidth=0.6)
    axes.plot(
        middles[told],
        np.clip(ratios, 0.2, 5),
        linestyle="none",
        marker=".",
        markersize=2.5,
        color=SIMULATED_COLOUR,
    )
    axes.yaxis.set_major_locator(FixedLocator(_RATIOS))
    axes.yaxis.set_minor_locator(FixedLocator([]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _lines(measured: Measured) -> list[EmissionLine]:
    """Lines to name: the sample's first, then the tube's that are scattered."""
    elements = (*composition_from_formula(measured.formula).elements, _TUBE)
    low = max(_SHOWN_KEV[0], 0.9)
    lines: list[EmissionLine] = []
    for element in elements:
        lines += main_lines(element, low_keV=low, high_keV=_SHOWN_KEV[1])[:6]
    return lines


def _power_of_ten(value: float, _: int | None = None) -> str:
    """Write a tick without mathtext, which the shared style has off."""
    return "10" + f"{round(np.log10(value))}".translate(_SUPERSCRIPTS) if value > 0 else ""


def save_pictures(pairs: Sequence[tuple[Measured, FloatArray]], folder: Path) -> dict[str, Path]:
    """Save the figure of the elements and that of acrylic behind filters."""
    folder.mkdir(parents=True, exist_ok=True)
    bare = [pair for pair in pairs if not pair[0].is_acrylic or pair[0].name == "acrylic"]
    acrylic = [pair for pair in pairs if pair[0].is_acrylic]
    pictures = {
        "elements.png": comparison_figure(
            bare, title="Measured and simulated: Bruker XS-52, Rh 50 kV, lens, vacuum"
        ),
        "acrylic-filters.png": comparison_figure(
            acrylic, title="Acrylic behind five filters: one lens for all"
        ),
    }
    for name, figure in pictures.items():
        save_figure(figure, folder / name)
    return {name: folder / name for name in pictures}
