"""Names of lines above their peaks, none on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from lithoscope.figures.style import FAINT_INK, INK
from lithoscope.physics.lines import EmissionLine

_FONT_SIZE = 8.0
_GAP_PT = 3.0
# Two lines of one element that are closer than this need one name.
_APART_PT = 8.0


@dataclass(frozen=True)
class _Box:
    """A name's place in points from the lower left of the axes."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.bottom + self.height

    def meets(self, other: _Box) -> bool:
        """Whether the boxes come closer than the gap."""
        beside = self.left >= other.right + _GAP_PT or other.left >= self.right + _GAP_PT
        above = self.bottom >= other.top + _GAP_PT or other.bottom >= self.top + _GAP_PT
        return not (beside or above)


@dataclass(frozen=True)
class PlacedLabel:
    """A name and the stem to its peak, in points from the lower left of the frame.

    Parameters
    ----------
    label
        Name of the line.
    foot
        (x, y) of the stem's lower end.
    text
        (x, y) of the middle of the name's lower edge, where the stem ends.
    """

    label: str
    foot: tuple[float, float]
    text: tuple[float, float]


def draw_line_labels(
    axes: Axes,
    counts: NDArray[np.float64],
    edges_keV: NDArray[np.float64],
    lines: Sequence[EmissionLine],
) -> None:
    """Name lines above the curve, each moved up until it is on no other name.

    A line that lies almost on another of its element has no name of its own.

    Parameters
    ----------
    axes
        Axes of final size and limits.
    counts, edges_keV
        What is drawn, shapes (channel,) and (channel + 1,).
    lines
        Lines to name; those that come first are placed first.
    """
    window = axes.get_window_extent()
    figure = axes.get_figure(root=True)
    points = 72 / figure.dpi if figure is not None else 1.0
    width, height = window.width * points, window.height * points
    to_fraction = axes.transData + axes.transAxes.inverted()
    curve = to_fraction.transform(
        np.column_stack([(edges_keV[:-1] + edges_keV[1:]) / 2, np.maximum(counts, 1e-300)])
    )
    curve_x, curve_y = curve[:, 0] * width, np.clip(curve[:, 1], 0, 1) * height
    at = [float(to_fraction.transform((line.energy_keV, 1.0))[0]) * width for line in lines]
    for placed in place_labels(curve_x, curve_y, lines, at, size_pt=(width, height)):
        _draw_label(axes, placed, size=(width, height))


def place_labels(
    curve_x: NDArray[np.float64],
    curve_y: NDArray[np.float64],
    lines: Sequence[EmissionLine],
    lines_x: Sequence[float],
    *,
    size_pt: tuple[float, float],
) -> list[PlacedLabel]:
    """Find places for names above a curve, in points from its frame's lower left.

    Parameters
    ----------
    curve_x, curve_y
        The curve, shape (channel,), x increasing.
    lines, lines_x
        Lines to name and where they stand; those that come first are placed first, and those for
        which there is no room are left out.
    size_pt
        Width and height of the frame.
    """
    boxes: list[_Box] = []
    found: list[PlacedLabel] = []
    named: list[tuple[str, float]] = []
    for line, x in zip(lines, lines_x, strict=True):
        told = any(line.element == name and abs(x - at) < _APART_PT for name, at in named)
        if told or not 0 <= x <= size_pt[0]:
            continue
        named.append((line.element, x))
        box = _lowest_box(line.label, x, curve_x, curve_y, boxes, limits=size_pt)
        if box is not None:
            boxes.append(box)
            peak = float(np.interp(x, curve_x, curve_y))
            foot, text = (x, peak + _GAP_PT / 2), (box.left + box.width / 2, box.bottom)
            found.append(PlacedLabel(line.label, foot, text))
    return found


def _lowest_box(
    text: str,
    x: float,
    curve_x: NDArray[np.float64],
    curve_y: NDArray[np.float64],
    placed: Sequence[_Box],
    *,
    limits: tuple[float, float],
) -> _Box | None:
    extent = TextPath((0, 0), text, size=_FONT_SIZE, prop=FontProperties()).get_extents()
    width = float(extent.width)
    left = float(np.clip(x - width / 2, 0, max(0.0, limits[0] - width)))
    below = curve_y[(curve_x >= left - _GAP_PT) & (curve_x <= left + width + _GAP_PT)]
    bottom = float(below.max() if below.size else np.interp(x, curve_x, curve_y)) + 2 * _GAP_PT
    # One past every name already there is always free, so these are all heights worth trying.
    heights = [bottom, *(box.top + _GAP_PT for box in placed if box.top + _GAP_PT > bottom)]
    for candidate in sorted(heights):
        box = _Box(left, candidate, width, _FONT_SIZE)
        if box.top > limits[1]:
            return None
        if not any(box.meets(other) for other in placed):
            return box
    return None


def _draw_label(axes: Axes, placed: PlacedLabel, *, size: tuple[float, float]) -> None:
    width, height = size
    (foot_x, foot_y), (text_x, text_y) = placed.foot, placed.text
    axes.plot(
        [foot_x / width] * 2,
        [foot_y / height, text_y / height],
        transform=axes.transAxes,
        color=FAINT_INK,
        linewidth=0.5,
        zorder=2.5,
    )
    axes.text(
        text_x / width,
        text_y / height,
        placed.label,
        transform=axes.transAxes,
        fontsize=_FONT_SIZE,
        color=INK,
        ha="center",
        va="bottom",
        gid="line-label",
        # Covers the stems of names that had to move further up.
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )
