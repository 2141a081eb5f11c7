"""The two scans that show what Lithoscope does: a real one, and one whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.synthesis.phantom import PEGMATITE, Phantom, phantom_scan
from lithoscope.workflows.map_files import map_file
from lithoscope.workflows.map_minerals import map_minerals
from lithoscope.workflows.mineral_map import MineralMap

_SHAPE = (64, 64)
_GRAIN_PIXELS = 24.0
_COUNTS = 2000.0
_PIXEL_MM = 0.05
_SEED = 7

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class DemoScore:
    """The mapped pegmatite, and how much of it is right.

    Parameters
    ----------
    result, files
        The map and where it was saved.
    accuracy, accuracy_smoothed
        Share of pixels whose group holds the true mineral, before and after smoothing.
    pixels
        Number of pixels.
    counts
        Mean counts of a pixel.
    """

    result: MineralMap
    files: dict[str, Path]
    accuracy: float
    accuracy_smoothed: float
    pixels: int
    counts: float


def map_real_demo(
    folder: Path, *, progress: Progress = lambda done, total: None
) -> tuple[MineralMap, dict[str, Path]]:
    """Map the real scan that ships: Laguna Salinas, on the PIXL breadboard."""
    source = resources.files("lithoscope") / "demo_data" / "laguna_salinas.hspy"
    with resources.as_file(source) as path:
        return map_file(path, folder, command="lithoscope demo", progress=progress)


def pegmatite_phantom() -> Phantom:
    """Simulate the demo's pegmatite: 64 x 64 pixels on an M4 Tornado."""
    library = load_library()
    return phantom_scan(
        minerals={name: library.get(name) for name in PEGMATITE},
        shares=PEGMATITE,
        instrument=load_instrument("m4-tornado"),
        shape=_SHAPE,
        grain_pixels=_GRAIN_PIXELS,
        counts=_COUNTS,
        pixel_size_mm=_PIXEL_MM,
        seed=_SEED,
        title="Simulated spodumene pegmatite (synthetic)",
    )


def map_pegmatite_demo(folder: Path, *, progress: Progress = lambda done, total: None) -> DemoScore:
    """Simulate and map the pegmatite, and compare the map with its truth."""
    phantom = pegmatite_phantom()
    result = map_minerals(
        phantom.scan,
        provenance={"input": "simulated", "command": "lithoscope demo"},
        progress=progress,
    )
    files = result.save(folder)
    labels = json.loads(result.dataset.attrs["long_names"])
    members = [set(label.split("/")) for label in labels]

    def right(layer: str) -> float:
        named = result.dataset[layer].values
        hits = [
            code >= 0 and truth in members[code]
            for code, truth in zip(named.ravel(), phantom.truth.ravel(), strict=True)
        ]
        return float(np.mean(hits))

    return DemoScore(
        result=result,
        files=files,
        accuracy=right("mineral"),
        accuracy_smoothed=right("mineral_smoothed"),
        pixels=phantom.truth.size,
        counts=_COUNTS,
    )
