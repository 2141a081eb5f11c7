"""The page: widgets around a `ViewState`, which they replace and then show."""

from __future__ import annotations

import dataclasses
import html
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import panel as pn
from bokeh.events import SelectionGeometry, Tap

from lithoscope.errors import LithoscopeError
from lithoscope.figures.style import printable
from lithoscope.minerals import load_library
from lithoscope.viewer.answers import Answers
from lithoscope.viewer.legend import legend_entries
from lithoscope.viewer.map_plot import MapPlot
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.minerals_shown import MineralLayer
from lithoscope.viewer.regions import labels_csv, mask_from_outline
from lithoscope.viewer.source import Source
from lithoscope.viewer.spectrum_shown import spectrum_csv
from lithoscope.viewer.spectrum_side import SIDE_PX, SpectrumSide
from lithoscope.viewer.state import (
    CLASS_LAYERS,
    ViewState,
    layers_of,
    picture_of,
    spectrum_of,
)
from lithoscope.viewer.words import place_text, shares_text

_LAYER_NAMES = {
    "smoothed": "minerals, smoothed",
    "mineral": "minerals, pixel by pixel",
    "confidence": "confidence",
    "unknown": "unknown",
    "counts": "counts",
    "element": "an element",
    "rgb": "three elements",
    "overview": "overview picture",
}


class Page:
    """One reader's page on a source.

    Parameters
    ----------
    source
        What is looked at.
    maps
        Its maps of counts, which pages share.
    answers
        The model; ``None`` where it is not at hand.
    """

    def __init__(self, source: Source, maps: ScanMaps, answers: Answers | None) -> None:
        self._source, self._maps = source, maps
        layers = layers_of(source)
        visible = maps.visible_elements() or ["Fe"]
        others = [name for name in maps.mappable_elements() if name not in visible]
        three = (visible * 3)[:3]
        self.state = ViewState(layers[0], elements=(three[0], three[1], three[2]))
        self._map = MapPlot(source.scan.shape, source.scan.pixel_size_mm)
        self._map.figure.on_event(Tap, self._tapped)
        self._map.figure.on_event(SelectionGeometry, self._drawn)
        self._message = pn.pane.HTML("", width=SIDE_PX)
        self._legend = pn.Column(width=225)
        self._side = SpectrumSide(maps, answers, self._guarded)
        self._layer = pn.widgets.Select(
            label="Map",
            options={_LAYER_NAMES[layer]: layer for layer in layers},
            value=layers[0],
            width=180,
        )
        self._elements = [
            pn.widgets.Select(
                label=name, groups={"seen": visible, "others": others}, value=value, width=75
            )
            for name, value in zip(("Element", "Green", "Blue"), three, strict=True)
        ]
        self._name = pn.widgets.AutocompleteInput(
            label="Name the region", options=sorted(load_library().names), width=200,
            case_sensitive=False, min_characters=1, placeholder="mineral",
            restrict=False,
        )  # fmt: skip
        self._keep = pn.widgets.Button(label="Keep", width=60, align="end")
        self._kept = pn.pane.HTML("", width=360)
        self._connect()
        self._draw_map()

    def layout(self) -> pn.Column:
        """Return the page's widgets."""
        title = html.escape(printable(self._source.title))
        left = pn.Column(
            pn.Row(self._layer, *self._elements),
            pn.Row(pn.pane.Bokeh(self._map.figure), self._legend),
            pn.Row(self._name, self._keep, self._kept),
        )
        downloads = pn.Row(
            self._download("map.csv", "Map as CSV", self._map_csv),
            self._download("spectrum.csv", "Spectrum as CSV", self._spectrum_csv),
            self._download("labels.csv", "Labels", lambda: labels_csv(self.state.regions)),
        )
        return pn.Column(
            pn.pane.HTML(f"<h2>{title}</h2>", margin=(0, 10)),
            # On a narrow screen the spectrum comes below the map.
            pn.FlexBox(left, self._side.layout(self._message)),
            downloads,
        )

    def _connect(self) -> None:
        self._layer.param.watch(self._chosen, "value")
        for widget in self._elements:
            widget.param.watch(self._chosen, "value")
        self._keep.on_click(lambda _: self._guarded(self._keep_region))

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do something; what a user did wrong is told on the page."""
        try:
            action()
            self._message.object = ""
        except LithoscopeError as error:
            told = html.escape(str(error)).replace("\n", "<br>")
            self._message.object = f"<div role='alert' style='color:#b1003b'>{told}</div>"

    def _chosen(self, _: Any) -> None:
        red, green, blue = (str(widget.value) for widget in self._elements)
        self._become(layer=self._layer.value, elements=(red, green, blue))
        self._guarded(self._draw_map)

    def _become(self, **changes: Any) -> None:
        self.state = dataclasses.replace(self.state, **changes)

    def _tapped(self, event: Any) -> None:
        if event.x is None or event.y is None:
            return
        step_y, step_x = self._map.step
        self.click(int(event.y // step_y), int(event.x // step_x))

    def click(self, y: int, x: int) -> None:
        """Select a pixel; a place outside the map is ignored."""
        rows, columns = self._source.scan.shape
        if 0 <= y < rows and 0 <= x < columns:
            self._guarded(lambda: self._select(self.state.with_pixel((y, x))))

    def _drawn(self, event: Any) -> None:
        geometry = event.geometry
        if not event.final or geometry["type"] not in ("rect", "poly"):
            return
        if geometry["type"] == "rect":
            x0, x1, y0, y1 = (geometry[name] for name in ("x0", "x1", "y0", "y1"))
            self._guarded(partial(self._select_inside, [x0, x1, x1, x0], [y0, y0, y1, y1]))
            return
        self._guarded(partial(self._select_inside, [*geometry["x"]], [*geometry["y"]]))

    def _select_inside(self, x: list[float], y: list[float]) -> None:
        shape = self._source.scan.shape
        mask = mask_from_outline(x=x, y=y, shape=shape, step=self._map.step)
        self._select(self.state.with_mask(mask))

    def _keep_region(self) -> None:
        self.state = self.state.named(load_library().get(self._name.value or "").name)
        tally = [
            f"{html.escape(region.mineral)} ({np.count_nonzero(region.mask)})"
            for region in self.state.regions
        ]
        self._kept.object = "Kept: " + ", ".join(tally)

    def _draw_map(self) -> None:
        layer = self.state.layer
        for number, widget in enumerate(self._elements):
            widget.visible = layer == "rgb" or (layer == "element" and number == 0)
        self._elements[0].label = "Red" if layer == "rgb" else "Element"
        self._redraw()
        self._mark()
        self._legend.visible = layer in CLASS_LAYERS
        if layer in CLASS_LAYERS:
            self._legend.objects = legend_entries(
                self._shown_minerals(), self.state, self._toggled, self._recoloured
            )

    def _shown_minerals(self) -> MineralLayer:
        if self._source.stored is None:
            raise TypeError("a scan alone has no minerals")
        return MineralLayer.of(self._source.stored, smoothed=self.state.layer != "mineral")

    def _toggled(self, name: str, event: Any) -> None:
        if event.new == (name in self.state.hidden):
            self.state = self.state.toggled(name)
        self._redraw()

    def _recoloured(self, name: str, event: Any) -> None:
        self.state = self.state.with_colour(name, event.new)
        self._redraw()

    def _redraw(self) -> None:
        self._picture = picture_of(self.state, self._source, self._maps)
        self._map.show(self._picture)

    def _mark(self) -> None:
        if self._picture.aligned:
            self._map.mark(self.state.pixel, self.state.mask)
        else:
            self._map.mark(None, None)

    def _select(self, state: ViewState) -> None:
        self._picture.check_aligned()
        self.state = state
        self._mark()
        spectrum = spectrum_of(state, self._source)
        heading = [place_text(state, float(spectrum.counts.sum()))]
        if state.mask is not None and self._source.stored is not None:
            heading.append(shares_text(self._shown_minerals().percentages(state.mask)))
        self._side.show(spectrum, tuple(heading))

    def _map_csv(self) -> str:
        return self._picture.csv()

    def _spectrum_csv(self) -> str:
        return spectrum_csv(spectrum_of(self.state, self._source))

    def _download(self, filename: str, label: str, made: Callable[[], str]) -> Any:
        def content() -> io.StringIO | None:
            text: list[str] = []
            self._guarded(lambda: text.append(made()))
            return io.StringIO(text[0]) if text else None

        return pn.widgets.FileDownload(
            callback=content, filename=filename, label=label, embed=False, auto=True, width=170
        )
