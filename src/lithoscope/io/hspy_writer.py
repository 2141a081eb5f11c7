"""HyperSpy's .hspy files, written piece by piece: more counts than memory holds.

The layout is the one that `lithoscope.io.hyperspy_files` reads. Files hold no time, path or host,
so that the same counts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lithoscope.core.energy import EnergyAxis

# The format that HyperSpy 2 reads; the same as RosettaSciIO 0.15 writes.
_FORMAT_VERSION = "3.3"
# The fastest level makes files of sparse counts an eighth larger, and saves little time.
_GZIP_LEVEL = 4


class NavigatedAxis(NamedTuple):
    """An axis along which spectra lie: so many of them, so far apart."""

    name: str
    size: int
    step: float = 1.0
    units: str = ""


@contextmanager
def hspy_counts(
    path: Path,
    *,
    navigated: Sequence[NavigatedAxis],
    axis: EnergyAxis,
    dtype: np.dtype[Any],
    chunks: tuple[int, ...],
    title: str,
    live_time_s: float | None = None,
    minerals: Sequence[str] = (),
    notes: Iterable[tuple[str, str]] = (),
) -> Iterator[Any]:
    """Make a .hspy file and give its array of counts, which is filled while the block lasts.

    Parameters
    ----------
    path
        The file.
    navigated
        The axes along which spectra lie.
    axis
        Energy axis of every spectrum, the last axis of the array.
    dtype
        Of the counts.
    chunks
        Shape of what is packed together.
    title
        Of the signal.
    live_time_s
        Live time of a spectrum in s; left out where ``None``.
    minerals
        The mineral of each spectrum; they go to ``metadata.Sample.mineral``.
    notes
        Further text, which goes to ``original_metadata`` by name.
    """
    import h5py

    with h5py.File(path, "w") as file:
        places = [axis_attributes(*place, navigate=True) for place in navigated]
        signal = new_signal(file, title, [*places, energy_attributes(axis)], notes)
        _write_metadata(signal["metadata"], live_time_s, minerals)
        yield signal.create_dataset(
            "data",
            (*(place.size for place in navigated), axis.n_channels),
            dtype,
            chunks=chunks,
            compression="gzip",
            compression_opts=_GZIP_LEVEL,
            shuffle=True,
        )


def new_signal(
    file: Any,
    title: str,
    axes: Sequence[dict[str, Any]],
    notes: Iterable[tuple[str, str]] = (),
) -> Any:
    """Begin the one signal of an open file: all but its data, and further metadata."""
    file.attrs.update({"file_format": "HyperSpy", "file_format_version": _FORMAT_VERSION})
    signal = file.create_group(f"Experiments/{title.replace('/', '-')}")
    # RosettaSciIO reads which package made a signal.
    signal.attrs.update({"package": "lithoscope", "package_version": ""})
    for number, attributes in enumerate(axes):
        signal.create_group(f"axis-{number}").attrs.update(attributes)
    signal.create_group("attributes").attrs.update({"_lazy": False, "ragged": False})
    signal.create_group("learning_results")
    signal.create_group("original_metadata").attrs.update(dict(notes))
    metadata = signal.create_group("metadata")
    metadata.create_group("General").attrs["title"] = title
    # Without it HyperSpy takes the signal for one of an older version.
    metadata.create_group("_HyperSpy")
    return signal


def energy_attributes(axis: EnergyAxis) -> dict[str, Any]:
    """Return what HyperSpy stores of an energy axis."""
    return axis_attributes(
        "Energy", axis.n_channels, axis.gain_keV, "keV", offset=axis.offset_keV, navigate=False
    )


def axis_attributes(
    name: str, size: int, scale: float, units: str, *, navigate: bool, offset: float = 0.0
) -> dict[str, Any]:
    """Return what is stored of an axis; one that is not navigated is binned."""
    return {
        "_type": "UniformDataAxis",
        "name": name,
        "offset": offset,
        "scale": scale,
        "size": size,
        "units": units,
        "navigate": navigate,
        "is_binned": not navigate,
    }


def _write_metadata(metadata: Any, live_time_s: float | None, minerals: Sequence[str]) -> None:
    import h5py

    metadata.create_group("Signal").attrs.update({"signal_type": "", "quantity": "X-rays (Counts)"})
    if live_time_s is not None:
        detector = metadata.create_group("Acquisition_instrument/XRF/Detector/EDS")
        detector.attrs["live_time"] = live_time_s
    if minerals:
        names = metadata.create_group("Sample")
        names.create_dataset("_list_mineral", data=list(minerals), dtype=h5py.string_dtype())
