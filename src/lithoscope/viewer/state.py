"""What is shown at the moment, apart from any widget."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError
from lithoscope.figures.style import COUNTS_COLOUR_MAP, ELEMENT_COLOUR_MAP
from lithoscope.viewer.maps import ScanMaps
from lithoscope.viewer.minerals_shown import MineralLayer
from lithoscope.viewer.overview_shown import Edges, colours_at_pixels, edges_on_map
from lithoscope.viewer.regions import NamedRegion, with_region
from lithoscope.viewer.source import Source

Layer = Literal[
    "mineral", "smoothed", "confidence", "unknown", "counts", "element", "rgb", "overview"
]
CLASS_LAYERS: tuple[Layer, ...] = ("mineral", "smoothed")
OF_RESULTS: tuple[Layer, ...] = ("smoothed", "mineral", "confidence", "unknown")
OF_SCANS: tuple[Layer, ...] = ("counts", "element", "rgb")
OF_OVERVIEWS: Layer = "overview"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
# Colours of an element in a picture of three end here, or one hot pixel makes the rest black.
_TOP_PERCENTILE = 99.5


@dataclass(frozen=True)
class ViewState:
    """What is shown; every change gives a new one.

    Parameters
    ----------
    layer
        Which map.
    elements
        Element of the layer ``element`` (the first), red, green and blue of ``rgb``.
    pixel
        The clicked pixel (y, x).
    mask
        The drawn region, shape (y, x); it goes before the pixel.
    hidden
        Minerals that are not drawn.
    recoloured
        Mineral to ``#rrggbb``.
    regions
        Named regions.
    """

    layer: Layer
    elements: tuple[str, str, str] = ("Si", "Fe", "Ca")
    pixel: tuple[int, int] | None = None
    mask: NDArray[np.bool_] | None = None
    hidden: frozenset[str] = frozenset()
    recoloured: Mapping[str, str] = field(default_factory=dict)
    regions: tuple[NamedRegion, ...] = ()

    def with_pixel(self, pixel: tuple[int, int]) -> ViewState:
        """Show one pixel's spectrum instead of a region's."""
        return dataclasses.replace(self, pixel=pixel, mask=None)

    def with_mask(self, mask: NDArray[np.bool_]) -> ViewState:
        """Show a region's spectrum.

        Raises
        ------
        InvalidValueError
            If it holds no pixel.
        """
        if not mask.any():
            raise InvalidValueError(
                "The outline holds no pixel's centre.", expected="an outline around some pixels"
            )
        return dataclasses.replace(self, mask=mask, pixel=None)

    def toggled(self, mineral: str) -> ViewState:
        """Hide a mineral, or show it again."""
        return dataclasses.replace(self, hidden=self.hidden ^ {mineral})

    def with_colour(self, mineral: str, colour: str) -> ViewState:
        """Draw a mineral in another colour, ``#rrggbb``.

        Raises
        ------
        InvalidValueError
            If that is no colour.
        """
        if not _COLOUR.fullmatch(colour.lower()):
            raise InvalidValueError(f"The colour {colour[:20]!r}.", expected="#rrggbb")
        recoloured = {**self.recoloured, mineral: colour.lower()}
        return dataclasses.replace(self, recoloured=recoloured)

    def named(self, mineral: str) -> ViewState:
        """Give the drawn region the name of a mineral.

        Raises
        ------
        InvalidValueError
            If no region is drawn.
        LabelError
            If some of its pixels have another name.
        """
        if self.mask is None:
            raise InvalidValueError(
                "There is no region to name.", expected="a region drawn with box or lasso"
            )
        regions = with_region(self.regions, NamedRegion(mineral, self.mask))
        return dataclasses.replace(self, regions=regions)


@dataclass(frozen=True, eq=False)
class Picture:
    """A map as it is drawn.

    Parameters
    ----------
    rgba
        Colours, shape (y, x, 4); of an overview those of its own pixels.
    title
        What it shows.
    values
        Numbers or names behind the colours, shape (y, x), or (y, x, 3) for three elements.
    limits
        First and last value of the colour bar; ``None`` where there is no scale.
    palette
        The colour map's name, for the bar.
    columns
        Names of the values in an exported table.
    edges
        Left, top, right and bottom edge in pixels of the map; the map's own where ``None``.
    aligned
        Whether what is seen at a place is what the map has there.
    """

    rgba: NDArray[np.uint8]
    title: str
    values: NDArray[np.generic]
    limits: tuple[float, float] | None = None
    palette: str = ""
    columns: tuple[str, ...] = ("value",)
    edges: Edges | None = None
    aligned: bool = True

    def check_aligned(self) -> None:
        """Refuse what needs the picture's place on the map.

        Raises
        ------
        InvalidValueError
            If that is not known.
        """
        if not self.aligned:
            raise InvalidValueError(
                "The file does not say where the map lies in its overview picture.",
                expected="another layer, on which pixels can be told",
                remedy="choose one under 'Map'",
            )

    def csv(self) -> str:
        """Return what is seen as a table ``y,x`` and values, in pixels of the map from 0.

        Raises
        ------
        InvalidValueError
            If it is a picture whose place on the map is not known.
        """
        self.check_aligned()
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["y", "x", *self.columns])
        layers = self.values.reshape(*self.values.shape[:2], -1).tolist()
        table.writerows(
            [y, x, *values] for y, row in enumerate(layers) for x, values in enumerate(row)
        )
        return text.getvalue()


def layers_of(source: Source) -> tuple[Layer, ...]:
    """Layers that can be shown, the one to begin with first."""
    of_scan = OF_SCANS if source.overview is None else (*OF_SCANS, OF_OVERVIEWS)
    return of_scan if source.stored is None else (*OF_RESULTS, *of_scan)


def picture_of(state: ViewState, source: Source, maps: ScanMaps) -> Picture:
    """Draw the layer that is to be shown.

    Raises
    ------
    InvalidValueError
        If there is no such layer.
    """
    stored = source.stored
    if state.layer == OF_OVERVIEWS:
        return _overview(source)
    if state.layer == "counts":
        return _scaled(maps.counts, "counts above 0.3 keV", COUNTS_COLOUR_MAP, "counts")
    if state.layer == "element":
        element = state.elements[0]
        name = maps.line_name(element)
        return _scaled(maps.net([element])[0], f"{name}, net counts", ELEMENT_COLOUR_MAP, name)
    if state.layer == "rgb":
        return _three(state.elements, maps)
    if stored is None:
        raise InvalidValueError(
            f"A scan alone has no layer '{state.layer}'.",
            expected=", ".join(OF_SCANS),
            remedy="map it first: lithoscope map SCAN",
        )
    if state.layer == "confidence":
        return _scaled(stored.confidence, "confidence", "cividis", "confidence", (0.0, 1.0))
    if state.layer == "unknown":
        layer = MineralLayer.of(stored, smoothed=False)
        others = frozenset(layer.names) - {"unknown"}
        values = stored.unknown.astype(np.int64)
        return Picture(layer.rgba(hidden=others), "unknown", values, columns=("unknown",))
    layer = MineralLayer.of(stored, smoothed=state.layer == "smoothed")
    return Picture(
        layer.rgba(hidden=state.hidden, recoloured=state.recoloured),
        "minerals, smoothed" if state.layer == "smoothed" else "minerals, pixel by pixel",
        np.array(layer.names)[layer.codes],
        columns=("mineral",),
    )


def spectrum_of(state: ViewState, source: Source) -> Spectrum:
    """Return the spectrum of the region or else the pixel that is selected.

    Raises
    ------
    InvalidValueError
        If none is.
    """
    if state.mask is not None:
        return source.scan.region(state.mask)
    if state.pixel is None:
        raise InvalidValueError("No pixel is selected.", expected="a click on the map")
    return source.scan.spectrum(*state.pixel)


def _scaled(
    values: NDArray[np.float64],
    title: str,
    palette: str,
    column: str,
    limits: tuple[float, float] | None = None,
) -> Picture:
    # From zero, so that colours are in proportion; a map without counts still needs a range.
    low, high = limits or (0.0, float(values.max()) if values.max() > 0 else 1.0)
    shares = np.clip((values - low) / (high - low), 0, 1)
    rgba = np.asarray(colormaps[palette](shares, bytes=True))
    return Picture(rgba, title, values, (low, high), palette, (column,))


def _overview(source: Source) -> Picture:
    overview = source.overview
    if overview is None:
        raise InvalidValueError(
            "The file has no overview picture.", expected="one of the other layers"
        )
    shape = source.scan.shape
    edges, aligned = edges_on_map(overview, shape, source.scan.pixel_size_mm or (1.0, 1.0))
    image = overview.image
    rgba = np.full((*image.shape[:2], 4), 255, dtype=np.uint8)
    rgba[..., :3] = image
    box = overview.map_box
    return Picture(
        rgba,
        "overview picture" if aligned else "overview picture, its place on the map is not known",
        image if box is None else colours_at_pixels(image, box, shape),
        columns=("red", "green", "blue"),
        edges=edges,
        aligned=aligned,
    )


def _three(elements: tuple[str, str, str], maps: ScanMaps) -> Picture:
    names = tuple(maps.line_name(element) for element in elements)
    values = np.stack(maps.net(elements), axis=-1)
    tops = np.maximum(np.percentile(values, _TOP_PERCENTILE, axis=(0, 1)), 1.0)
    rgba = np.full((*values.shape[:2], 4), 255, dtype=np.uint8)
    rgba[..., :3] = np.round(255 * np.clip(values / tops, 0, 1))
    title = "red {}, green {}, blue {}, net counts".format(*names)
    return Picture(rgba, title, values, columns=names)
