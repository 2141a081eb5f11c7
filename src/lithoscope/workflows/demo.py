"""The two scans that show what Lithoscope does: a real one, and one whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from lithoscope.io import load_instrument
from lithoscope.minerals.rocks import Rock
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, TextureRecipe
from lithoscope.workflows.map_files import map_file
from lithoscope.workflows.map_minerals import map_minerals
from lithoscope.workflows.mineral_map import MineralMap

# A spodumene pegmatite, area shares; after London (2008), Pegmatites, table 2-1, rounded.
PEGMATITE = {
    "albite": 0.30,
    "quartz": 0.27,
    "spodumene": 0.18,
    "orthoclase": 0.13,
    "muscovite": 0.07,
    "schorl": 0.02,
    "fluorapatite": 0.015,
    "cassiterite": 0.01,
    "columbite-(fe)": 0.005,
}
_SCAN = ScanRecipe(shape=(64, 64), step_um=50.0, spot_um=20.0, counts=2000.0, detectors=1)
# Far finer than a real one, so that a small map shows all of it.
_TEXTURE = TextureRecipe(grain_um=400.0, graphic_share=0.1, cracks=1)
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
    rock = Rock("spodumene pegmatite", {name: (share, share) for name, share in PEGMATITE.items()})
    recipe = PhantomRecipe(rock, _TEXTURE, _SCAN, _SEED)
    return Phantom(recipe, load_instrument("m4-tornado"))


def map_pegmatite_demo(folder: Path, *, progress: Progress = lambda done, total: None) -> DemoScore:
    """Simulate and map the pegmatite, and compare the map with its truth."""
    phantom = pegmatite_phantom()
    result = map_minerals(
        phantom.scan(),
        provenance={"input": "simulated", "command": "lithoscope demo"},
        progress=progress,
    )
    files = result.save(folder)
    labels = json.loads(result.dataset.attrs["long_names"])
    members = [set(label.split("/")) for label in labels]
    truth = np.array([*phantom.mineral_names, "void"])[phantom.truth["mineral"].values]

    def right(layer: str) -> float:
        named = result.dataset[layer].values
        hits = [
            code >= 0 and name in members[code]
            for code, name in zip(named.ravel(), truth.ravel(), strict=True)
        ]
        return float(np.mean(hits))

    return DemoScore(
        result=result,
        files=files,
        accuracy=right("mineral"),
        accuracy_smoothed=right("mineral_smoothed"),
        pixels=truth.size,
        counts=_SCAN.counts,
    )
