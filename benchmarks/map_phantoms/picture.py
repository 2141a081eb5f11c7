"""One phantom as it is, as classified, under priors, and smoothed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from benchmarks.map_phantoms.accuracy import maps_of_scan
from benchmarks.map_phantoms.scans import PredictedScan
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.map_key import MapKey
from lithoscope.figures.map_panel import MapFrame
from lithoscope.figures.mineral_map import KEY_WIDTH_IN, draw_key, draw_mineral_map, key_height_in
from lithoscope.figures.save import save_figure
from lithoscope.figures.style import figure_style

_MAP_IN, _STEP_MM = 3.2, 0.02


def write_picture(scan: PredictedScan, labels: LabelSet, path: Path) -> None:
    """Draw four maps beside each other with one key, that of the truth."""
    named = maps_of_scan(scan, len(labels))
    layers = {"truth": scan.truth, "raw": named["raw"], "priors": named["priors"]}
    layers["potts"] = named["potts"]
    rows = _rows(scan.truth, labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    with figure_style():
        width = len(layers) * (_MAP_IN + MARGIN_IN) + KEY_WIDTH_IN + 4 * MARGIN_IN
        figure = blank_figure(
            width,
            _MAP_IN + 2 * TITLE_IN + 4 * MARGIN_IN,
            title=f"Phantom of {scan.rock}: {scan.truth.shape[0]} x {scan.truth.shape[1]} pixels "
            "of 20 µm, 2 000 counts",
        )
        key = MapKey.of(rows)
        for number, (name, classes) in enumerate(layers.items()):
            unknown = np.zeros_like(scan.unknown) if name == "truth" else scan.unknown
            data = _dataset(classes, unknown, labels)
            axes = place_axes(
                figure,
                left_in=2 * MARGIN_IN + number * (_MAP_IN + MARGIN_IN),
                top_in=2 * MARGIN_IN + 2 * TITLE_IN,
                width_in=_MAP_IN,
                height_in=_MAP_IN,
            )
            axes.set_title(name)
            draw_mineral_map(axes, data, key, MapFrame.of(data), smoothed=False)
        key_axes = place_axes(
            figure,
            left_in=3 * MARGIN_IN + len(layers) * (_MAP_IN + MARGIN_IN),
            top_in=2 * MARGIN_IN + 2 * TITLE_IN,
            width_in=KEY_WIDTH_IN,
            height_in=key_height_in(data, key),
        )
        draw_key(key_axes, data, rows, key, smoothed=False)
        save_figure(figure, path)


def _rows(truth: NDArray[np.int64], labels: LabelSet) -> list[dict[str, Any]]:
    counts = np.bincount(truth[truth != VOID], minlength=len(labels))
    return [
        {"mineral": labels.labels[place], "area_percent": 100 * counts[place] / counts.sum()}
        for place in np.argsort(-counts, kind="stable")
        if counts[place]
    ]


def _dataset(
    classes: NDArray[np.integer], unknown: NDArray[np.bool_], labels: LabelSet
) -> xr.Dataset:
    layer = (("y", "x"), classes.astype(np.int16))
    return xr.Dataset(
        {"mineral": layer, "mineral_smoothed": layer, "unknown": (("y", "x"), unknown)},
        coords={
            "y": np.arange(classes.shape[0]) * _STEP_MM,
            "x": np.arange(classes.shape[1]) * _STEP_MM,
        },
        attrs={"long_names": json.dumps(list(labels.labels)), "units": "mm"},
    )
