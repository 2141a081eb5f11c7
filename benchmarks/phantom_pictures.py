"""Pictures of the truth of four phantoms, for docs/phantoms.md.

python -m benchmarks.phantom_pictures [OUT.png] [ROCK,ROCK,ROCK,ROCK] [SEED]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from lithoscope.figures.layout import MARGIN_IN, TITLE_IN, blank_figure, place_axes
from lithoscope.figures.map_key import MapKey
from lithoscope.figures.map_panel import MapFrame
from lithoscope.figures.mineral_map import KEY_WIDTH_IN, draw_key, draw_mineral_map, key_height_in
from lithoscope.figures.save import save_figure
from lithoscope.figures.style import figure_style
from lithoscope.io import load_instrument
from lithoscope.minerals.rocks import find_rock
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, texture_of_rock

ROCKS = "granite,lct pegmatite,gneiss,porphyry copper ore"
OUT = Path(__file__).parents[1] / "docs" / "images" / "phantoms.png"
MAP_IN, PANEL_TITLE_IN = 3.6, 0.3
SCAN = ScanRecipe(shape=(256, 256), step_um=25.0, spot_um=20.0, bragg=False)


def truth_of(rock_name: str, seed: int) -> tuple[xr.Dataset, list[dict[str, Any]]]:
    """Return the dominant minerals of a phantom as a map, and the table of its key."""
    rock = find_rock(rock_name)
    recipe = PhantomRecipe(rock, texture_of_rock(rock, SCAN.extent_um), SCAN, seed)
    phantom = Phantom(recipe, load_instrument("m4-tornado"))
    mineral = phantom.truth["mineral"]
    dataset = xr.Dataset(
        {
            "mineral": mineral,
            "mineral_smoothed": mineral,
            "unknown": (("y", "x"), np.zeros(mineral.shape, dtype=bool)),
        },
        attrs={"long_names": json.dumps(phantom.mineral_names), "units": "mm"},
    )
    rows = [
        {"mineral": name, "area_percent": 100 * share}
        for name, share in phantom.area_shares().items()
    ]
    print(rock_name, "asked", {n: round(100 * s, 2) for n, s in phantom.shares.items()})
    print(rock_name, "found", {row["mineral"]: round(row["area_percent"], 2) for row in rows})
    return dataset, rows


def four_panels(truths: dict[str, tuple[xr.Dataset, list[dict[str, Any]]]]) -> Figure:
    """Draw maps in two columns, each with its key."""
    with figure_style():
        cell_width = MAP_IN + KEY_WIDTH_IN + 3 * MARGIN_IN
        cell_height = MAP_IN + PANEL_TITLE_IN + 0.5
        lines = -(-len(truths) // 2)
        figure = blank_figure(
            2 * cell_width + MARGIN_IN,
            lines * cell_height + TITLE_IN + MARGIN_IN,
            title=f"Phantoms of {SCAN.shape[0]} x {SCAN.shape[1]} pixels of {SCAN.step_um:g} µm: "
            "the mineral with the largest share of each pixel",
        )
        for number, (name, (dataset, rows)) in enumerate(truths.items()):
            left = 2 * MARGIN_IN + number % 2 * cell_width
            top = MARGIN_IN + TITLE_IN + PANEL_TITLE_IN + number // 2 * cell_height
            axes = place_axes(figure, left_in=left, top_in=top, width_in=MAP_IN, height_in=MAP_IN)
            axes.set_title(name)
            key = MapKey.of(rows)
            draw_mineral_map(axes, dataset, key, MapFrame.of(dataset), smoothed=False)
            key_axes = place_axes(
                figure,
                left_in=left + MAP_IN + MARGIN_IN,
                top_in=top,
                width_in=KEY_WIDTH_IN,
                height_in=key_height_in(dataset, key),
            )
            draw_key(key_axes, dataset, rows, key, smoothed=False)
        return figure


def main() -> None:
    """Draw and save."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    rocks = (sys.argv[2] if len(sys.argv) > 2 else ROCKS).split(",")
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    save_figure(
        four_panels({rock: truth_of(rock, seed + number) for number, rock in enumerate(rocks)}), out
    )


if __name__ == "__main__":
    main()
