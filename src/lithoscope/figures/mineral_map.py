"""The mineral map and its key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.map_key import MapKey
from lithoscope.figures.map_panel import BELOW_MAP_IN, MapFrame, draw_map
from lithoscope.figures.palette import OTHER_COLOUR, UNKNOWN_COLOUR, VOID_COLOUR
from lithoscope.figures.style import FAINT_INK, figure_style, short_label

KEY_WIDTH_IN = 2.6
_ENTRY_IN = 0.22
_MAX_MAP_IN = 6.0


def mineral_map_figure(
    dataset: xr.Dataset,
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str,
    smoothed: bool = True,
) -> Figure:
    """Draw a result as a map with a key of names and area percents.

    Parameters
    ----------
    dataset
        A result: `mineral`, `mineral_smoothed`, `unknown` of shape (y, x), pixel centres as
        coordinates, labels as JSON in the attribute `long_names`.
    rows
        The result's table, the most abundant mineral first.
    title
        Text above the map.
    smoothed
        Whether to draw `mineral_smoothed`, with its percents, or `mineral` as classified.

    Raises
    ------
    InvalidValueError
        If the dataset holds a class that it has no label for, or no coordinates that grow.
    """
    with figure_style():
        frame = MapFrame.of(dataset)
        width, height = frame.size_in(max_width_in=_MAX_MAP_IN, max_height_in=_MAX_MAP_IN)
        key = MapKey.of(rows)
        key_height = key_height_in(dataset, key)
        figure = blank_figure(
            width + KEY_WIDTH_IN + 4 * MARGIN_IN,
            TITLE_IN + max(height + BELOW_MAP_IN, key_height) + 2 * MARGIN_IN,
            title=title,
        )
        left, top = 2 * MARGIN_IN, MARGIN_IN + TITLE_IN
        axes = place_axes(figure, left_in=left, top_in=top, width_in=width, height_in=height)
        draw_mineral_map(axes, dataset, key, frame, smoothed=smoothed)
        key_axes = place_axes(
            figure,
            left_in=left + width + MARGIN_IN,
            top_in=top,
            width_in=KEY_WIDTH_IN,
            height_in=key_height,
        )
        draw_key(key_axes, dataset, rows, key, smoothed=smoothed)
        return figure


def draw_mineral_map(
    axes: Axes, dataset: xr.Dataset, key: MapKey, frame: MapFrame, *, smoothed: bool
) -> None:
    """Draw minerals, unknown and void as flat colours."""
    draw_map(axes, _painted(dataset, key, smoothed=smoothed), frame)


def key_height_in(dataset: xr.Dataset, key: MapKey) -> float:
    """Return the height in inches that `draw_key` needs."""
    special = bool(key.others) + _has_unknown(dataset) + _has_void(dataset)
    return _ENTRY_IN * (1 + len(key.colours) + special)


def draw_key(
    axes: Axes,
    dataset: xr.Dataset,
    rows: Sequence[Mapping[str, Any]],
    key: MapKey,
    *,
    smoothed: bool,
) -> None:
    """Draw the key: colour, name and area percent of what the map shows."""
    column = "area_percent_smoothed" if smoothed else "area_percent"
    percents = {str(row["mineral"]): row.get(column) for row in rows}
    entries = [
        (colour, short_label(label), _percent_text(percents.get(label)))
        for label, colour in key.colours.items()
    ]
    if key.others:
        count = len(key.others)
        name = f"other ({count} minerals)"
        rest = [value for label in key.others if (value := percents[label]) is not None]
        entries.append((OTHER_COLOUR, name, _percent_text(sum(rest) if rest else None)))
    if _has_unknown(dataset):
        entries.append((UNKNOWN_COLOUR, "unknown", _percent_text(percents.get("unknown"))))
    if _has_void(dataset):
        entries.append((VOID_COLOUR, "void or too few counts", ""))
    heading = "area % without void" + (", smoothed" if smoothed else "")
    _draw_entries(axes, entries, heading=heading)


def _draw_entries(axes: Axes, entries: Sequence[tuple[str, str, str]], *, heading: str) -> None:
    axes.axis("off")
    axes.set(xlim=(0, KEY_WIDTH_IN), ylim=(_ENTRY_IN * (len(entries) + 1), 0))
    middle = _ENTRY_IN / 2
    axes.text(KEY_WIDTH_IN, middle, heading, ha="right", va="center", fontsize=7.5, color=FAINT_INK)
    for number, (colour, name, percent) in enumerate(entries, start=1):
        y = number * _ENTRY_IN + middle
        axes.add_patch(
            Rectangle(
                (0.02, y - 0.07), 0.22, 0.14, facecolor=colour, edgecolor=FAINT_INK, linewidth=0.5
            )
        )
        axes.text(0.32, y, name, va="center", fontsize=8.5)
        axes.text(KEY_WIDTH_IN, y, percent, ha="right", va="center", fontsize=8.5)


def _painted(dataset: xr.Dataset, key: MapKey, *, smoothed: bool) -> NDArray[np.uint8]:
    """Colours, shape (y, x, 3)."""
    classes = np.asarray(dataset["mineral_smoothed" if smoothed else "mineral"]).astype(np.intp)
    labels = [str(label) for label in json.loads(dataset.attrs["long_names"])]
    if classes.size and not VOID <= classes.min() <= classes.max() < len(labels):
        raise InvalidValueError(
            f"The map holds classes {classes.min()} to {classes.max()}.",
            expected=f"{VOID} (void) to {len(labels) - 1}, as there are {len(labels)} labels",
        )
    # VOID is -1, so that the last colour of the table is that of void.
    hexes = [*(key.colour(label) for label in labels), VOID_COLOUR]
    table = np.array([_bytes_of(colour) for colour in hexes], dtype=np.uint8)
    painted = table[classes]
    painted[np.asarray(dataset["unknown"]) & (classes != VOID)] = _bytes_of(UNKNOWN_COLOUR)
    return painted


def _bytes_of(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _has_unknown(dataset: xr.Dataset) -> bool:
    return bool(np.any(np.asarray(dataset["unknown"]) & (np.asarray(dataset["mineral"]) != VOID)))


def _has_void(dataset: xr.Dataset) -> bool:
    return bool(np.any(np.asarray(dataset["mineral"]) == VOID))


def _percent_text(percent: float | None) -> str:
    if percent is None:
        return ""
    return "< 0.1" if 0 < percent < 0.05 else f"{percent:.1f}"
