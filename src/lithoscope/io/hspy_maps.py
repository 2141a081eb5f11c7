"""A stack of maps as a .hspy file, which HyperSpy opens as a signal of two dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.hspy_writer import NavigatedAxis, axis_attributes, new_signal


def write_hspy_maps(
    path: Path,
    maps: Iterable[NDArray[Any]],
    *,
    axes: tuple[NavigatedAxis, NavigatedAxis],
    title: str,
    lists: Mapping[str, Sequence[str]],
) -> None:
    """Write maps one by one, as float32.

    Parameters
    ----------
    path
        The file.
    maps
        As many as there are names in ``lists["layers"]``, shape (y, x) each.
    axes
        Of y and x.
    title
        Of the signal.
    lists
        Texts that go to ``metadata.Lithoscope`` by name; ``layers`` names the maps.
    """
    import h5py

    shape = (len(lists["layers"]), axes[0].size, axes[1].size)
    stack = NavigatedAxis("layer", shape[0])
    attributes = [
        axis_attributes(*stack, navigate=True),
        *({**axis_attributes(*axis, navigate=False), "is_binned": False} for axis in axes),
    ]
    with h5py.File(path, "w") as file:
        signal = new_signal(file, title or "mineral map", attributes)
        metadata = signal["metadata"]
        metadata.create_group("Signal").attrs["signal_type"] = ""
        texts = metadata.create_group("Lithoscope")
        for name, values in lists.items():
            texts.create_dataset(f"_list_{name}", data=list(values), dtype=h5py.string_dtype())
        data = signal.create_dataset(
            *("data", shape, np.float32),
            chunks=(1, *shape[1:]),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        for place, layer in enumerate(maps):
            data[place] = layer
