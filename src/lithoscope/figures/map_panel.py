"""One map in its axes: true proportions, a scale bar where the pixel size is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import place_axes
from lithoscope.figures.style import FAINT_INK, INK

# Room that scale bar or pixel axis take below the map, and colour bars beside it.
BELOW_MAP_IN = 0.45
COLOUR_BAR_IN = 0.75
# A line scan in true proportions would be a hair; beyond this it is stretched, and says so.
_MAX_PROPORTION = 12.0
_MAX_BAR_SHARE = 0.3


@dataclass(frozen=True)
class MapFrame:
    """Where a map lies.

    Parameters
    ----------
    left, right, top, bottom
        Outer edges of its pixels, in mm or pixels.
    in_mm
        Whether the edges are in mm.
    """

    left: float
    right: float
    top: float
    bottom: float
    in_mm: bool

    def __post_init__(self) -> None:
        edges = (self.left, self.right, self.top, self.bottom)
        if not np.isfinite(edges).all() or self.right <= self.left or self.bottom <= self.top:
            raise InvalidValueError(
                f"A map from x {self.left} to {self.right} and y {self.top} to {self.bottom}.",
                expected="finite coordinates that grow along x and y",
            )

    @classmethod
    def of(cls, dataset: xr.Dataset) -> MapFrame:
        """Read the frame from a result's coordinates, which are pixel centres."""
        y, x = (np.asarray(dataset[name], dtype=np.float64) for name in ("y", "x"))
        if not x.size or not y.size:
            raise InvalidValueError(
                f"A map of {y.size} x {x.size} pixels.", expected="at least one row and one column"
            )
        step_y, step_x = _step(y), _step(x)
        known = step_x or step_y
        # One row or column alone has no step of its own; a lone pixel has no size at all.
        half_y, half_x = (step_y or known or 1.0) / 2, (step_x or known or 1.0) / 2
        in_mm = dataset.attrs.get("units") == "mm" and known is not None
        return cls(x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y, in_mm)

    @property
    def width(self) -> float:
        """Extent along x."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Extent along y."""
        return self.bottom - self.top

    @property
    def left_room_in(self) -> float:
        """Inches left of the map that its pixel axis needs."""
        return 0.0 if self.in_mm else 0.35

    @property
    def stretched(self) -> bool:
        """Whether the map is so narrow that it is not drawn in true proportions."""
        proportion = self.width / self.height
        return max(proportion, 1 / proportion) > _MAX_PROPORTION

    def size_in(self, *, max_width_in: float, max_height_in: float) -> tuple[float, float]:
        """Return the largest width and height in inches that fit."""
        proportion = self.width / self.height
        proportion = min(max(proportion, 1 / _MAX_PROPORTION), _MAX_PROPORTION)
        width = min(max_width_in, max_height_in * proportion)
        return width, width / proportion


def draw_map(axes: Axes, image: NDArray[Any], frame: MapFrame, **options: Any) -> AxesImage:
    """Draw an image, shape (y, x) or (y, x, 3), with its scale bar or pixel axis.

    `options` go to ``Axes.imshow``.
    """
    drawn = axes.imshow(
        image,
        interpolation="nearest",
        origin="upper",
        extent=(frame.left, frame.right, frame.bottom, frame.top),
        aspect="auto" if frame.stretched else "equal",
        **options,
    )
    axes.spines[:].set_visible(True)
    if frame.in_mm:
        axes.set(xticks=[], yticks=[])
        _draw_scale_bar(axes, frame)
    else:
        for axis, inches in zip((axes.xaxis, axes.yaxis), _size_in(axes), strict=True):
            count = min(max(int(2 * inches), 1), 5)
            axis.set_major_locator(MaxNLocator(count, integer=True, min_n_ticks=1))
        axes.set_xlabel("pixel", labelpad=1)
    return drawn


def draw_colour_bar(figure: Figure, axes: Axes, image: AxesImage, *, label: str = "counts") -> None:
    """Draw the scale of a map just right of it."""
    width, height = figure.get_size_inches()
    box = axes.get_position()
    bar_axes = place_axes(
        figure,
        left_in=box.x1 * width + 0.08,
        top_in=(1 - box.y1) * height,
        width_in=0.1,
        height_in=box.height * height,
    )
    bar = figure.colorbar(image, cax=bar_axes, ticks=MaxNLocator(4))
    bar.outline.set_linewidth(0.4)
    bar_axes.tick_params(labelsize=7, width=0.4, length=2)
    bar_axes.set_ylabel(label, fontsize=8, labelpad=2)


def round_length(limit: float) -> float:
    """Return the largest of 1, 2 or 5 times a power of ten that is at most `limit` (above 0)."""
    exponent = math.floor(math.log10(limit))
    candidates = [digit * 10.0**power for power in (exponent - 1, exponent) for digit in (1, 2, 5)]
    return max(length for length in candidates if length <= limit)


def _step(centres: NDArray[np.float64]) -> float | None:
    if centres.size < 2:
        return None
    return float((centres[-1] - centres[0]) / (centres.size - 1))


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    if figure is None:
        raise InvalidValueError("Axes without a figure.", expected="axes placed in a figure")
    return figure


def _size_in(axes: Axes) -> tuple[float, float]:
    figure, box = _figure_of(axes), axes.get_position()
    return box.width * figure.get_figwidth(), box.height * figure.get_figheight()


def _draw_scale_bar(axes: Axes, frame: MapFrame) -> None:
    length = round_length(_MAX_BAR_SHARE * frame.width)
    figure = _figure_of(axes)
    # Below the map rather than on it: what it would cover is data.
    lowered = ScaledTranslation(0, -7 / 72, figure.dpi_scale_trans)
    bar = Line2D(
        [frame.left, frame.left + length],
        [0, 0],
        transform=axes.get_xaxis_transform() + lowered,
        color=INK,
        linewidth=3,
        solid_capstyle="butt",
        clip_on=False,
        gid="scale-bar",
    )
    axes.add_artist(bar)
    axes.annotate(
        _length_text(length) + (" in x,\ny not to scale" if frame.stretched else ""),
        xy=(frame.left, 0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, -11),
        textcoords="offset points",
        fontsize=8,
        color=FAINT_INK,
        verticalalignment="top",
    )


def _length_text(length_mm: float) -> str:
    return f"{length_mm:g} mm" if length_mm >= 0.1 else f"{length_mm * 1000:g} µm"
