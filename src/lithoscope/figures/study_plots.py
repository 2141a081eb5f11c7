"""Figures of a study: curves with their spread, bars, and matrices of shares."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from lithoscope.errors import InvalidValueError
from lithoscope.figures.palette import POOL
from lithoscope.figures.style import COUNTS_COLOUR_MAP, figure_style

# Told apart also by their marks.
_COLOURS = ("blue", "orange", "green", "red", "sky", "black", "violet", "teal", "olive")
_MARKS = "osD^vPX*<>"
_WIDTH_IN, _HEIGHT_IN, _ROW_IN = 7.6, 4.2, 0.28
_LIGHT = 0.55
_LABEL_WIDTH = 34

# Mean and standard deviation at each x.
Curve = Mapping[float, tuple[float, float]]


def curves_figure(curves: Mapping[str, Curve], *, x_label: str, y_label: str, title: str) -> Figure:
    """Draw curves over a logarithmic axis; bars are one standard deviation over seeds.

    Parameters
    ----------
    curves
        By name, mean and standard deviation at each x.
    x_label, y_label, title
        With units.
    """
    if not curves:
        raise InvalidValueError("No curves.", expected="one or more")
    with figure_style():
        figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), layout="constrained")
        axes = figure.add_subplot()
        for number, (name, curve) in enumerate(curves.items()):
            places = sorted(curve)
            axes.errorbar(
                places,
                [curve[x][0] for x in places],
                yerr=[curve[x][1] for x in places],
                color=POOL[_COLOURS[number % len(_COLOURS)]],
                marker=_MARKS[number % len(_MARKS)],
                linestyle="-" if number < len(_COLOURS) else "--",
                markersize=4,
                linewidth=1.0,
                elinewidth=0.7,
                label=textwrap.fill(name, _LABEL_WIDTH),
            )
        axes.set(xscale="log", xlabel=x_label, ylabel=y_label, title=title)
        axes.set_xticks(sorted({x for curve in curves.values() for x in curve}))
        # The usual labels of powers are formulas, which the style does not read.
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return figure


def matrix_figure(
    rows: Sequence[str], columns: Sequence[str], values: np.ndarray, *, title: str, unit: str
) -> Figure:
    """Draw a matrix of percents as colours, each with its number.

    Parameters
    ----------
    rows, columns
        Names.
    values
        Percent, NaN where there is none, shape (row, column).
    title, unit
        Above, and beside the scale of colours.
    """
    if values.shape != (len(rows), len(columns)) or not values.size:
        raise InvalidValueError(
            f"Values of shape {values.shape}.", expected=f"{len(rows)} x {len(columns)}"
        )
    with figure_style():
        size = 2.4 + 0.42 * len(columns), 1.6 + _ROW_IN * len(rows)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(
            values, cmap=COUNTS_COLOUR_MAP, vmin=0, vmax=100, aspect="auto", origin="upper"
        )
        axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right")
        axes.set_yticks(range(len(rows)), rows)
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                dark = "#111111" if value > 100 * _LIGHT else "#ffffff"
                axes.text(
                    column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color=dark
                )
        axes.set_title(title)
        figure.colorbar(image, ax=axes, label=unit, shrink=0.9)
    return figure


def bars_figure(
    values: Mapping[str, tuple[float, float]], *, x_label: str, title: str, at: float | None = None
) -> Figure:
    """Draw bars with their standard deviation, and a line at a value to compare with.

    Parameters
    ----------
    values
        By name, mean and standard deviation; the first stands at the top.
    x_label, title
        With units.
    at
        Where the line is.
    """
    if not values:
        raise InvalidValueError("No bars.", expected="one or more")
    with figure_style():
        figure = Figure(figsize=(_WIDTH_IN, 1.1 + _ROW_IN * len(values)), layout="constrained")
        axes = figure.add_subplot()
        names = list(values)
        axes.barh(
            range(len(names)),
            [values[name][0] for name in names],
            xerr=[values[name][1] for name in names],
            color=POOL["sky"],
            error_kw={"elinewidth": 0.8},
        )
        axes.set_yticks(range(len(names)), [textwrap.fill(name, _LABEL_WIDTH) for name in names])
        axes.invert_yaxis()
        if at is not None:
            axes.axvline(at, color=POOL["red"], linewidth=0.9, linestyle="--")
        axes.set(xlabel=x_label, title=title)
    return figure
