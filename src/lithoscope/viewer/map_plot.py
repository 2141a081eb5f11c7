"""The map of the page, in Bokeh."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh import plotting
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d, SaveTool
from bokeh.models.annotations.labels import Title
from bokeh.models.annotations.legends import ColorBar
from matplotlib import colormaps
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from lithoscope.figures.map_panel import round_length
from lithoscope.figures.style import INK, MARK_RED
from lithoscope.viewer.state import Picture

_LONGEST_SIDE_PX = 480
# The stubs of Bokeh 3.9 leave out the options of a figure where Dask is installed.
_figure: Any = plotting.figure


class MapPlot:
    """The map: an image with a mark at the pixel and the outline of the region.

    Parameters
    ----------
    shape
        Rows and columns.
    step_mm
        Size of a pixel along (y, x) in mm; ``None`` where it is unknown.
    """

    def __init__(self, shape: tuple[int, int], step_mm: tuple[float, float] | None) -> None:
        self.step = step_mm or (1.0, 1.0)
        height, width = shape[0] * self.step[0], shape[1] * self.step[1]
        scale = _LONGEST_SIDE_PX / max(height, width)
        unit = "mm" if step_mm else "pixel"
        # Bokeh types their ends as numbers, dates or spans of time.
        self.across: Any = Range1d(start=0.0, end=width)
        self.down: Any = Range1d(start=height, end=0.0)
        self.figure = _figure(
            frame_width=max(round(width * scale), 120),
            frame_height=max(round(height * scale), 120),
            x_range=self.across,
            y_range=self.down,
            match_aspect=True,
            tools="pan,wheel_zoom,box_zoom,box_select,lasso_select,tap,reset",
            active_scroll="wheel_zoom",
            active_tap="tap",
            x_axis_label=f"x ({unit})",
            y_axis_label=f"y ({unit})",
        )
        # With a name it is saved at once; without one the browser is made to ask.
        self.figure.add_tools(SaveTool(filename="map"))
        self.figure.toolbar.logo = None
        self._title = Title(text="")
        self.figure.title = self._title
        self.figure.grid.visible = False
        self._shape = shape
        self._image = ColumnDataSource({name: [] for name in ("image", "x", "y", "dw", "dh")})
        self.figure.image_rgba(
            "image", source=self._image, x="x", y="y", dw="dw", dh="dh", level="image"
        )
        self._region = ColumnDataSource({"image": [np.zeros(shape, np.uint32)]})
        self.figure.image_rgba("image", source=self._region, x=0, y=0, dw=width, dh=height)
        self.bar = ColumnDataSource()
        self._mark = ColumnDataSource({"x": [], "y": []})
        self.figure.scatter(
            "x", "y", source=self._mark, marker="square", size=11, fill_color=None,
            line_color=MARK_RED, line_width=2,
        )  # fmt: skip
        self._bar_parts: list[Any] = []
        if step_mm:
            self._add_scale_bar()
        self._mapper = LinearColorMapper(palette=["#000000", "#ffffff"], low=0, high=1)
        self._bar = ColorBar(color_mapper=self._mapper, width=12, visible=False)
        self.figure.add_layout(self._bar, "right")

    def _add_scale_bar(self) -> None:
        """A bar in the lower right corner of what is seen of the map, longer or shorter by zoom.

        Bokeh 3.9's own ScaleBar, held to mm, called 1 mm "0.001 mm".
        """
        box = self.figure.quad(
            "box_left", "box_right", "box_top", "box_bottom", source=self.bar,
            fill_color="white", fill_alpha=0.8, line_color=None,
        )  # fmt: skip
        line = self.figure.segment(
            "left", "y", "right", "y", source=self.bar, color=INK, line_width=3
        )
        text = self.figure.text(
            "middle", "y", "text", source=self.bar, text_align="center", text_baseline="bottom",
            text_font_size="9pt", text_color=INK, y_offset=-4,
        )  # fmt: skip
        self._bar_parts = [box, line, text]
        for view in (self.across, self.down):
            view.on_change("start", self._place_bar)
            view.on_change("end", self._place_bar)
        self._place_bar("", None, None)

    def _place_bar(self, _: str, __: object, ___: object) -> None:
        across, down = self.across, self.down
        width, height = across.end - across.start, down.start - down.end
        if not (width > 0 and height > 0):
            return
        length = round_length(width / 4)
        right, y = across.end - 0.05 * width, down.start - 0.04 * height
        left = right - length
        self.bar.data = {
            "left": [left], "right": [right], "middle": [(left + right) / 2], "y": [y],
            "box_left": [left - 0.03 * width], "box_right": [right + 0.03 * width],
            "box_top": [y - 0.065 * height], "box_bottom": [y + 0.02 * height],
            "text": [f"{length:g} mm"],
        }  # fmt: skip

    def show(self, picture: Picture) -> None:
        """Draw a map, or a picture that may reach beyond it."""
        left, top, right, bottom = picture.edges or (0.0, 0.0, self._shape[1], self._shape[0])
        self._image.data = {
            "image": [_packed(picture.rgba)],
            "x": [left * self.step[1]],
            "y": [top * self.step[0]],
            "dw": [(right - left) * self.step[1]],
            "dh": [(bottom - top) * self.step[0]],
        }
        self._title.text = picture.title
        # The scale is the map's, and not that of a picture somewhere beside it.
        for part in [*self._bar_parts, *self.figure.axis]:
            part.visible = picture.aligned
        self._bar.visible = picture.limits is not None
        if picture.limits is not None:
            steps = colormaps[picture.palette](np.linspace(0, 1, 256))
            self._mapper.update(
                palette=[to_hex(colour) for colour in steps],
                low=picture.limits[0],
                high=picture.limits[1],
            )

    def mark(self, pixel: tuple[int, int] | None, mask: NDArray[np.bool_] | None) -> None:
        """Mark what is selected: a square at the pixel, the rest of the map dimmed for a region."""
        places = [] if pixel is None else [pixel]
        self._mark.data = {
            "x": [(x + 0.5) * self.step[1] for _, x in places],
            "y": [(y + 0.5) * self.step[0] for y, _ in places],
        }
        dimmed = np.zeros((*self._shape, 4), np.uint8)
        if mask is not None:
            dimmed[~mask] = (255, 255, 255, 150)
        self._region.data = {"image": [_packed(dimmed)]}


def _packed(rgba: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Four bytes a pixel as one number, shape (y, x)."""
    return np.ascontiguousarray(rgba).view(np.uint32)[..., 0]
