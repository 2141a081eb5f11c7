"""Labelled spectra as a .hspy file, streamed: more of them than memory holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis

# The format that HyperSpy 2 reads; the same as RosettaSciIO 0.15 writes.
_FORMAT_VERSION = "3.3"


class HspyRows:
    """A .hspy file that is written spectrum by spectrum, and closed at the end of a block.

    Parameters
    ----------
    path
        The file.
    axis
        Energy axis of the spectra.
    names
        The mineral of each; they go to ``metadata.Sample.mineral``.
    dtype
        Of the counts.
    title
        Of the signal.
    notes
        Further text, which goes to ``original_metadata`` by name.
    chunk
        Spectra stored together.
    """

    def __init__(
        self,
        path: Path,
        axis: EnergyAxis,
        names: Sequence[str],
        *,
        dtype: np.dtype[Any],
        title: str,
        notes: Iterable[tuple[str, str]] = (),
        chunk: int = 64,
    ) -> None:
        import h5py

        self._file = h5py.File(path, "w")
        self._file.attrs.update({"file_format": "HyperSpy", "file_format_version": _FORMAT_VERSION})
        signal = self._file.create_group("Experiments").create_group(title.replace("/", "-"))
        # RosettaSciIO reads which package made a signal.
        signal.attrs.update({"package": "lithoscope", "package_version": ""})
        _write_axis(signal, 0, "spectrum", len(names), offset=0.0, scale=1.0, navigate=True)
        _write_axis(
            signal,
            1,
            "Energy",
            axis.n_channels,
            offset=axis.offset_keV,
            scale=axis.gain_keV,
            units="keV",
        )
        metadata = signal.create_group("metadata")
        metadata.create_group("General").attrs["title"] = title
        quantity = {"signal_type": "", "quantity": "X-rays (Counts)"}
        metadata.create_group("Signal").attrs.update(quantity)
        # Without it HyperSpy takes the signal for one of an older version.
        metadata.create_group("_HyperSpy")
        sample = metadata.create_group("Sample")
        sample.create_dataset("_list_mineral", data=list(names), dtype=h5py.string_dtype())
        signal.create_group("original_metadata").attrs.update(dict(notes))
        signal.create_group("learning_results")
        signal.create_group("attributes").attrs.update({"_lazy": False, "ragged": False})
        shape = (len(names), axis.n_channels)
        self._data = signal.create_dataset(
            "data",
            shape=shape,
            dtype=dtype,
            chunks=(min(chunk, len(names)), axis.n_channels),
            compression="gzip",
            compression_opts=4,
            shuffle=True,
        )

    def write(self, first: int, counts: NDArray[Any]) -> None:
        """Write spectra from a number on, shape (spectrum, channel)."""
        self._data[first : first + len(counts)] = counts

    def __enter__(self) -> HspyRows:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _write_axis(
    signal: Any,
    number: int,
    name: str,
    size: int,
    *,
    offset: float,
    scale: float,
    units: str = "",
    navigate: bool = False,
) -> None:
    signal.create_group(f"axis-{number}").attrs.update(
        {
            "_type": "UniformDataAxis",
            "name": name,
            "offset": offset,
            "scale": scale,
            "size": size,
            "units": units,
            "navigate": navigate,
            "is_binned": not navigate,
        }
    )
