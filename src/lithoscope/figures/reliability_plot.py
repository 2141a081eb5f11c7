"""Reliability: how often a model is right when it says how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.palette import POOL
from lithoscope.figures.style import FAINT_INK, figure_style

_SIDE_IN, _GAP_IN, _COLUMNS = 1.9, 0.5, 4
_LEFT_IN, _CAPTION_IN, _BELOW_IN = 0.6, 0.25, 0.55
# Bins of fewer spectra scatter by more than what is to be seen.
_LEAST_SPECTRA = 20

Points = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class ReliabilityCurve:
    """One panel: a model before and after it was calibrated.

    Parameters
    ----------
    name
        Stands above the panel.
    before, after
        For each bin of confidence its mean confidence, the share named right, and its spectra.
    """

    name: str
    before: Points
    after: Points

    def __post_init__(self) -> None:
        for points in (self.before, self.after):
            if not points or any(len(point) != 3 for point in points):
                raise InvalidValueError(
                    f"{self.name}: a curve of {points}.",
                    expected="confidence, share right and spectra for one bin or more",
                )


def reliability_figure(curves: Sequence[ReliabilityCurve], *, title: str) -> Figure:
    """Draw a panel for each curve, the diagonal of a calibrated model in each.

    Bars are two standard errors of the share named right; bins of fewer than 20 spectra are left
    out.

    Parameters
    ----------
    curves
        One or more, drawn four in a row.
    title
        Stands above.
    """
    if not curves:
        raise InvalidValueError("No reliability curves.", expected="one or more")
    columns = min(len(curves), _COLUMNS)
    rows = -(-len(curves) // columns)
    step = _SIDE_IN + _CAPTION_IN + _GAP_IN
    with figure_style():
        figure = blank_figure(
            _LEFT_IN + columns * (_SIDE_IN + _GAP_IN) + MARGIN_IN,
            TITLE_IN + rows * step + _BELOW_IN,
            title=title,
        )
        for number, curve in enumerate(curves):
            row, column = divmod(number, columns)
            axes = place_axes(
                figure,
                left_in=_LEFT_IN + column * (_SIDE_IN + _GAP_IN),
                top_in=TITLE_IN + _CAPTION_IN + row * step,
                width_in=_SIDE_IN,
                height_in=_SIDE_IN,
            )
            _draw(axes, curve)
            if column == 0:
                axes.set_ylabel("share named right, %")
            if number + columns >= len(curves):
                axes.set_xlabel("confidence, %")
            if number == 0:
                axes.legend(frameon=False, loc="upper left", fontsize=8, handlelength=1.2)
    return figure


def _draw(axes: Axes, curve: ReliabilityCurve) -> None:
    axes.plot([0, 100], [0, 100], color=FAINT_INK, linewidth=0.8, linestyle="--")
    styles = (
        ("before", POOL["orange"], "s", curve.before),
        ("after", POOL["blue"], "o", curve.after),
    )
    for label, colour, marker, points in styles:
        confidence, right, spectra = np.array(points).T
        shown = spectra >= _LEAST_SPECTRA
        share = right[shown]
        error = np.sqrt(share * (1 - share) / spectra[shown])
        axes.errorbar(
            100 * confidence[shown],
            100 * share,
            yerr=200 * error,
            color=colour,
            marker=marker,
            markersize=3.5,
            linewidth=1.0,
            elinewidth=0.7,
            clip_on=False,
            label=label,
        )
    axes.set(xlim=(0, 100), ylim=(0, 100), title=curve.name)
