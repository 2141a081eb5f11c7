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

from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import LithoscopeError
from lithoscope.figures.style import printable, short_label
from lithoscope.minerals import load_library
from lithoscope.viewer.answers import Answer, Answers
from lithoscope.viewer.legend import legend_entries
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.minerals_shown import MineralLayer
from lithoscope.viewer.plots import SPECTRUM_PT, MapPlot, spectrum_plot
from lithoscope.viewer.regions import labels_csv, mask_from_outline
from lithoscope.viewer.source import Source
from lithoscope.viewer.spectrum_shown import ShownSpectrum, spectrum_csv
from lithoscope.viewer.state import (
    CLASS_LAYERS,
    ViewState,
    layers_of,
    picture_of,
    spectrum_of,
)

_LAYER_NAMES = {
    "smoothed": "minerals, smoothed",
    "mineral": "minerals, pixel by pixel",
    "confidence": "confidence",
    "unknown": "unknown",
    "counts": "counts",
    "element": "an element",
    "rgb": "three elements",
}
# Time for what was drawn to reach the browser.
_PAUSE_MS = 50


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
        self._source, self._maps, self._answers = source, maps, answers
        layers = layers_of(source)
        visible = maps.visible_elements() or ["Fe"]
        three = (visible * 3)[:3]
        self.state = ViewState(layers[0], elements=(three[0], three[1], three[2]))
        self._map = MapPlot(source.scan.shape, source.scan.pixel_size_mm)
        self._map.figure.on_event(Tap, self._tapped)
        self._map.figure.on_event(SelectionGeometry, self._drawn)
        self._message = pn.pane.HTML("", width=620)
        self._legend = pn.Column(width=230)
        self._spectrum = pn.pane.Bokeh(None)
        self._said = pn.pane.HTML("Click a pixel, or draw a region with box or lasso.", width=620)
        self._log = pn.widgets.Checkbox(label="logarithmic", value=True)
        self._layer = pn.widgets.Select(
            label="Map",
            options={_LAYER_NAMES[layer]: layer for layer in layers},
            value=layers[0],
            width=180,
        )
        self._elements = [
            pn.widgets.Select(label=name, options=visible, value=value, width=75)
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
        right = pn.Column(self._log, self._spectrum, self._said, self._message)
        downloads = pn.Row(
            self._download("map.csv", "Map as CSV", self._map_csv),
            self._download("spectrum.csv", "Spectrum as CSV", self._spectrum_csv),
            self._download("labels.csv", "Labels", lambda: labels_csv(self.state.regions)),
        )
        return pn.Column(
            pn.pane.HTML(f"<h2>{title}</h2>", margin=(0, 10)), pn.Row(left, right), downloads
        )

    def _connect(self) -> None:
        self._layer.param.watch(self._chosen, "value")
        for widget in self._elements:
            widget.param.watch(self._chosen, "value")
        self._log.param.watch(lambda _: self._guarded(self._draw_spectrum), "value")
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
            self.state = self.state.with_pixel((y, x))
            self._guarded(self._draw_selection)

    def _drawn(self, event: Any) -> None:
        geometry = event.geometry
        if not event.final or geometry["type"] not in ("rect", "poly"):
            return
        if geometry["type"] == "rect":
            x0, x1, y0, y1 = (geometry[name] for name in ("x0", "x1", "y0", "y1"))
            self._guarded(partial(self._select, [x0, x1, x1, x0], [y0, y0, y1, y1]))
            return
        self._guarded(partial(self._select, [*geometry["x"]], [*geometry["y"]]))

    def _select(self, x: list[float], y: list[float]) -> None:
        shape = self._source.scan.shape
        mask = mask_from_outline(x=x, y=y, shape=shape, step=self._map.step)
        self.state = self.state.with_mask(mask)
        self._draw_selection()

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
        picture = picture_of(self.state, self._source, self._maps)
        self._map.show(picture)
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
        self._map.show(picture_of(self.state, self._source, self._maps))

    def _recoloured(self, name: str, event: Any) -> None:
        self.state = self.state.with_colour(name, event.new)
        self._map.show(picture_of(self.state, self._source, self._maps))

    def _draw_selection(self) -> None:
        self._map.mark(self.state.pixel, self.state.mask)
        self._draw_spectrum()

    def _draw_spectrum(self) -> None:
        if self.state.pixel is None and self.state.mask is None:
            return
        spectrum = spectrum_of(self.state, self._source)
        answer = None if self._answers is None else self._answers(spectrum)
        mineral = None if answer is None else answer.mineral
        log = bool(self._log.value)
        shown = ShownSpectrum.of(
            spectrum, self._maps.elements_of(spectrum), log=log, size_pt=SPECTRUM_PT
        )
        expected = None
        if self._answers is not None and mineral is not None:
            if self._answers.has_expected(mineral):
                whole = self._answers.expected(mineral, spectrum)
                first = int(np.searchsorted(spectrum.axis.energies_keV, shown.energies_keV[0]))
                expected = None if whole is None else whole[first : first + shown.counts.size]
            else:
                _later(partial(self._add_expected, mineral, spectrum))
        self._spectrum.object = spectrum_plot(
            shown, expected, log=log, expected_name=printable(mineral or "")
        )
        self._said.object = self._text(float(spectrum.counts.sum()), answer)

    def _add_expected(self, mineral: str, spectrum: Spectrum) -> None:
        if self._answers is not None:
            self._answers.expected(mineral, spectrum)
            self._guarded(self._draw_spectrum)

    def _text(self, counts: float, answer: Answer | None) -> str:
        mask, pixel = self.state.mask, self.state.pixel
        place = "" if mask is None else f"{np.count_nonzero(mask)} pixels"
        if pixel is not None:
            place = f"row {pixel[0]}, column {pixel[1]}"
        lines = [f"<b>{place}</b>, {counts:,.0f} counts"]
        if answer is not None:
            lines.append(_answer_text(answer))
        if mask is not None and self._source.stored is not None:
            shares = self._shown_minerals().percentages(mask)
            told = [
                f"{html.escape(short_label(name))} {share:.1f}" for name, share in shares.items()
            ]
            lines.append("area %: " + ", ".join(told))
        return "<br>".join(lines)

    def _map_csv(self) -> str:
        return picture_of(self.state, self._source, self._maps).csv()

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


def _later(action: Callable[[], None]) -> None:
    """Do something slow once the reader has seen what is there."""
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        action()
    else:
        document.add_timeout_callback(action, _PAUSE_MS)


def _answer_text(answer: Answer) -> str:
    if not answer.ranked:
        return "too few counts for an answer"
    told = [f"{html.escape(short_label(name))} {share:.1%}" for name, share in answer.ranked]
    return ("<b>like nothing the model knows</b>; nearest: " if answer.unknown else "") + ", ".join(
        told
    )
