"""How well detectors tell the unknown, by counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.palette import POOL
from lithoscope.figures.style import FAINT_INK, figure_style

_WIDTH_IN, _HEIGHT_IN, _GAP_IN, _COLUMNS = 2.4, 1.9, 0.45, 3
_LEFT_IN, _CAPTION_IN, _BELOW_IN, _LEGEND_IN = 0.6, 0.3, 0.6, 1.9
_COLOURS = ("sky", "orange", "green", "violet", "brown", "teal", "red", "black")
_MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*")


@dataclass(frozen=True)
class DetectionPanel:
    """One panel: AUROC over counts, a line a detector.

    Parameters
    ----------
    name
        What is unknown; stands above.
    lines
        For each detector (counts, AUROC) pairs.
    """

    name: str
    lines: Mapping[str, Sequence[tuple[float, float]]]

    def __post_init__(self) -> None:
        if not self.lines or not all(self.lines.values()):
            raise InvalidValueError(
                f"{self.name}: a panel without points.", expected="one line or more, with points"
            )
        if len(self.lines) > len(_COLOURS):
            raise InvalidValueError(
                f"{self.name}: {len(self.lines)} lines.", expected=f"{len(_COLOURS)} at most"
            )


def detection_figure(panels: Sequence[DetectionPanel], *, title: str) -> Figure:
    """Draw a panel for each kind of unknown, and one legend for all.

    Parameters
    ----------
    panels
        One or more, all of the same detectors, three in a row.
    title
        Stands above.
    """
    if not panels:
        raise InvalidValueError("No panels.", expected="one or more")
    lowest = min(value for panel in panels for line in panel.lines.values() for _, value in line)
    # What is below one half is worse than chance, which must be seen too.
    below = min(0.4, np.floor(10 * lowest) / 10)
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    step = _CAPTION_IN + _HEIGHT_IN + _GAP_IN
    with figure_style():
        figure = blank_figure(
            _LEFT_IN + columns * (_WIDTH_IN + _GAP_IN) + _LEGEND_IN + MARGIN_IN,
            TITLE_IN + rows * step + _BELOW_IN,
            title=title,
        )
        for number, panel in enumerate(panels):
            row, column = divmod(number, columns)
            axes = place_axes(
                figure,
                left_in=_LEFT_IN + column * (_WIDTH_IN + _GAP_IN),
                top_in=TITLE_IN + _CAPTION_IN + row * step,
                width_in=_WIDTH_IN,
                height_in=_HEIGHT_IN,
            )
            for (detector, points), colour, marker in zip(
                panel.lines.items(), _COLOURS, _MARKERS, strict=False
            ):
                counts, values = zip(*points, strict=True)
                axes.plot(
                    counts, values, color=POOL[colour], marker=marker, markersize=4, label=detector
                )
            axes.axhline(0.5, color=FAINT_INK, linewidth=0.8, linestyle=":")
            axes.set(xscale="log", ylim=(below, 1.01), title=panel.name)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda counts, _: f"{counts:,.0f}"))
            if column == 0:
                axes.set_ylabel("AUROC")
            if row == rows - 1 or number + columns >= len(panels):
                axes.set_xlabel("counts")
            if number == 0:
                handles, labels = axes.get_legend_handles_labels()
        width, height = figure.get_size_inches()
        figure.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(1 - (_LEGEND_IN + MARGIN_IN) / width, 1 - TITLE_IN / height),
            frameon=False,
        )
    return figure
