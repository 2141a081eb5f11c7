"""A mineral map for others' tools: HyperSpy, image programs, geographic information systems."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import LithoscopeError
from lithoscope.figures.index_map import index_map
from lithoscope.io.hspy_maps import write_hspy_maps
from lithoscope.io.hspy_writer import NavigatedAxis

if TYPE_CHECKING:
    from lithoscope.workflows.mineral_map import MineralMap

EXPORTS = {
    "index": "mineral_index.png",
    "legend": "mineral_index.csv",
    "world": "mineral_index.pgw",
    "hyperspy": "result.hspy",
}


def write_exports(result: MineralMap, folder: Path) -> None:
    """Write the indexed picture with legend and world file, and the maps for HyperSpy."""
    numbered = index_map(
        result.dataset,
        result.percentages(),
        steps_mm=_steps_mm(result),
        smoothed=result.smoothed,
    )
    (folder / EXPORTS["index"]).write_bytes(numbered.png())
    (folder / EXPORTS["legend"]).write_text(numbered.legend(), encoding="utf-8")
    world = numbered.world_file()
    if world is not None:
        (folder / EXPORTS["world"]).write_text(world, encoding="ascii")
    write_hspy_maps(
        folder / EXPORTS["hyperspy"],
        (values for _, values in _maps(result)),
        axes=_axes(result),
        title=result.title,
        lists=_lists(result),
    )


def to_hyperspy(result: MineralMap) -> Any:
    """Return all layers and element maps as one signal; see `MineralMap.to_hyperspy`."""
    try:
        import hyperspy.api as hs
    except ImportError:
        raise LithoscopeError(
            "HyperSpy is not installed.",
            expected="HyperSpy, which Lithoscope itself does not need",
            remedy="pip install hyperspy, or open result.hspy elsewhere",
        ) from None
    stack = np.stack([values for _, values in _maps(result)]).astype(np.float32)
    layer = {"name": "layer", "size": len(stack), "navigate": True}
    places = [
        {"name": axis.name, "size": axis.size, "scale": axis.step, "units": axis.units}
        for axis in _axes(result)
    ]
    metadata = {"General": {"title": result.title}, "Lithoscope": _lists(result)}
    return hs.signals.Signal2D(stack, axes=[layer, *places], metadata=metadata)


def _maps(result: MineralMap) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield layers and element maps with their names, shape (y, x) each."""
    for name, layer in result.dataset.data_vars.items():
        if layer.dims == ("y", "x"):
            yield str(name), layer.values
    if "net_counts" in result.dataset:
        net = result.dataset["net_counts"]
        yield from zip(map(str, net["line"].values), net.values, strict=True)


def _lists(result: MineralMap) -> dict[str, list[str]]:
    return {
        "layers": [name for name, _ in _maps(result)],
        "minerals": json.loads(result.dataset.attrs["long_names"]),
        "answers": json.loads(result.dataset["answer"].attrs["long_names"]),
    }


def _axes(result: MineralMap) -> tuple[NavigatedAxis, NavigatedAxis]:
    steps = _steps_mm(result)
    units = "px" if steps is None else "mm"
    height, width = result.dataset.sizes["y"], result.dataset.sizes["x"]
    step_y, step_x = steps or (1.0, 1.0)
    return NavigatedAxis("y", height, step_y, units), NavigatedAxis("x", width, step_x, units)


def _steps_mm(result: MineralMap) -> tuple[float, float] | None:
    steps = result.dataset.attrs.get("pixel_size_mm")
    return None if steps is None else (float(steps[0]), float(steps[1]))
