"""Writes scans row by row as .hspy and .zarr, in the layouts that are read back.

The layouts are told in `lithoscope.io.hyperspy_files` and `lithoscope.io.zarr_files`. Files hold no
time, path or host, so that the same counts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import InvalidValueError
from lithoscope.io.aside import written_aside, zarr_written_aside
from lithoscope.io.hspy_writer import NavigatedAxis, hspy_counts

# Rows, columns of a chunk: some MB before compression, of which a mineral map packs to a tenth.
_CHUNK_ROWS, _CHUNK_COLUMNS = 4, 64


def write_hspy_scan(
    path: str | Path,
    *,
    rows: Iterable[NDArray[Any]],
    shape: tuple[int, int],
    axis: EnergyAxis,
    pixel_size_mm: tuple[float, float],
    title: str,
    live_time_s: float | None = None,
) -> None:
    """Write a map as HyperSpy saves it; no more than one block is held.

    Parameters
    ----------
    path
        The file; it is written aside and renamed.
    rows
        Blocks of whole counts from top to bottom, shape (row, x, channel).
    shape
        Rows and columns (y, x) of the map.
    axis
        The energy axis of every pixel.
    pixel_size_mm
        Step along (y, x) in mm.
    title
        Name of the map.
    live_time_s
        Live time of a pixel in s; left out where ``None``.

    Raises
    ------
    InvalidValueError
        If the counts do not fit the map.
    OutputError
        If the file cannot be written.
    """
    full = (*shape, axis.n_channels)
    places = zip(("y", "x"), shape, pixel_size_mm, strict=True)
    with (
        written_aside(Path(path)) as aside,
        hspy_counts(
            aside,
            navigated=[NavigatedAxis(*place, "mm") for place in places],
            axis=axis,
            dtype=np.dtype(np.uint32),
            chunks=_chunks(full),
            title=title,
            live_time_s=live_time_s,
        ) as data,
    ):
        for first, block in _blocks(rows, full):
            data[first : first + len(block)] = block


def write_zarr_scan(
    path: str | Path,
    *,
    rows: Iterable[NDArray[Any]],
    shape: tuple[int, int],
    axis: EnergyAxis,
    pixel_size_mm: tuple[float, float],
    title: str,
    live_time_s: float | None = None,
) -> None:
    """Write a map as a zarr folder; no more than one block is held.

    Parameters and errors are those of `write_hspy_scan`; a zarr folder that is there is replaced.
    """
    import zarr

    full = (*shape, axis.n_channels)
    attributes: dict[str, Any] = {
        "offset_keV": axis.offset_keV,
        "gain_keV": axis.gain_keV,
        "pixel_size_mm": list(pixel_size_mm),
        "title": title,
    }
    if live_time_s is not None:
        attributes["live_time_s"] = live_time_s
    with zarr_written_aside(Path(path)) as aside:
        group = zarr.open_group(str(aside), mode="w", zarr_format=2, attributes=attributes)
        data = group.create_array("counts", shape=full, dtype=np.uint32, chunks=_chunks(full))
        for first, block in _blocks(rows, full):
            data[first : first + len(block)] = block


def _chunks(full: tuple[int, int, int]) -> tuple[int, int, int]:
    return min(_CHUNK_ROWS, full[0]), min(_CHUNK_COLUMNS, full[1]), full[2]


def _blocks(
    rows: Iterable[NDArray[Any]], full: tuple[int, int, int]
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield blocks that fill whole chunks, and the first row of each, having checked them."""
    held: list[NDArray[Any]] = []
    done = 0
    for block in rows:
        counts = np.asarray(block)
        left = full[0] - done - len(held)
        if counts.ndim != 3 or counts.shape[1:] != full[1:] or len(counts) > left:
            raise InvalidValueError(
                f"A block of counts of shape {counts.shape}, where {left} rows are left.",
                expected=f"counts of shape (row, {full[1]}, {full[2]})",
            )
        if counts.dtype.kind not in "ui" or (counts.size and counts.min() < 0):
            raise InvalidValueError(
                f"Counts of type {counts.dtype}, or below 0.", expected="whole numbers of 0 or more"
            )
        held.extend(counts)
        while len(held) >= _CHUNK_ROWS:
            yield done, np.stack(held[:_CHUNK_ROWS])
            done += _CHUNK_ROWS
            held = held[_CHUNK_ROWS:]
    if held:
        yield done, np.stack(held)
        done += len(held)
    if done != full[0]:
        raise InvalidValueError(
            f"The blocks of counts hold {done} rows of a map of {full[0]}.",
            expected="as many rows as the map has",
        )
