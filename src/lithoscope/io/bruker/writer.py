"""Writes .bcf maps, for phantoms and tests: any counts, streamed, in every packing."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.io.aside import written_aside
from lithoscope.io.bruker.container_writer import CHUNK_BYTES, SfsWriter
from lithoscope.io.bruker.header_writer import header_xml
from lithoscope.io.bruker.map_facts import MapFacts
from lithoscope.io.bruker.packed import MAX_COUNT
from lithoscope.io.bruker.pixel_writer import (
    CHANNELS_OF_12_BITS,
    ENCODINGS,
    Encoding,
    pack_row,
)

# Their number is the last character of the stream's name, and RosettaSciIO takes no other.
_MAX_DETECTORS = 10
_FIRST_ROW = 0x1A0


def write_bcf(
    path: str | Path,
    *,
    rows: Iterable[NDArray[Any]],
    shape: tuple[int, int],
    axis: EnergyAxis,
    instrument: Instrument,
    pixel_size_mm: tuple[float, float],
    title: str,
    detectors: int = 1,
    encoding: Encoding = "auto",
    chunk_bytes: int = CHUNK_BYTES[0],
    compressed: bool = False,
    live_time_s: float | None = None,
    pixel_times: ArrayLike | None = None,
    missing: ArrayLike | None = None,
) -> None:
    """Write a map as an M4 Tornado would; its title says that it is synthetic.

    Counts, axis, steps and title come back from `open_scan` as they were, and the instrument as
    far as a header can hold it. What it cannot: the lens's transmission, yield and solid angle of
    the tube, the scattering angle, tail and shelf of the detector, that there is no window (read
    as the usual one), gases below 50 mbar (read as vacuum), and compounds (read as layers of their
    elements, of the same mass per area).

    Parameters
    ----------
    path
        The file; it is written aside and renamed.
    rows
        Blocks of counts from top to bottom, shape (row, x, channel), or
        (row, x, detector, channel) where there are several detectors. No more than one block is
        held.
    shape
        Rows and columns (y, x) of the map.
    axis
        The energy axis of every pixel, of all detectors.
    instrument
        What it was "recorded" with.
    pixel_size_mm
        Step along (y, x) in mm.
    title
        Name of the map; "(synthetic)" is put after it.
    detectors
        Number of detectors, 1 to 10, each with a stream of its own.
    encoding
        How pixels are stored: ``pulses16``, ``pulses12``, ``runs``, ``runs+pulses`` (an eighth of
        the events as pulses after the runs), or ``auto``, which takes the shortest for each pixel.
        Pixels of more than 65 535 events become runs in any case.
    chunk_bytes
        Size of the container's chunks, 4096 or 65536.
    compressed
        Whether the container's files are compressed.
    live_time_s
        Live time of all pixels together in s; left out where ``None``.
    pixel_times
        Real time of each pixel in s, shape (y, x), kept to 1 µs; left out where ``None``.
    missing
        Which pixels are not stored, shape (y, x); they are read back as zeros.

    Raises
    ------
    InvalidValueError
        If an argument cannot be, or the counts do not fit the map.
    OutputError
        If the file cannot be written.
    """
    _check_choices(encoding, chunk_bytes, detectors, axis)
    times = None if pixel_times is None else np.asarray(pixel_times, dtype=np.float64)
    facts = MapFacts(title, shape, axis, instrument, pixel_size_mm, live_time_s, times)
    stored = np.ones(shape, dtype=bool) if missing is None else ~_mask(missing, shape)
    with written_aside(Path(path)) as aside, aside.open("wb") as stream:
        container = SfsWriter(stream, chunk_bytes=chunk_bytes, compressed=compressed)
        counts = _rows(rows, (detectors, *shape, axis.n_channels))
        sums = _write_spectra(container, counts, stored, encoding, (detectors, axis.n_channels))
        header = container.open_file("HeaderData")
        header.write(header_xml(facts, sums))
        header.close()
        container.finish()


def _write_spectra(
    container: SfsWriter,
    rows: Iterator[NDArray[np.int64]],
    stored: NDArray[np.bool_],
    encoding: Encoding,
    shape: tuple[int, int],
) -> NDArray[np.int64]:
    """Write the stream of each detector; return the sum spectra, shape (detector, channel)."""
    sums = np.zeros(shape, dtype=np.int64)
    files = [container.open_file(f"SpectrumData{number}") for number in range(len(sums))]
    for file in files:
        head = struct.pack("<iiHII", *stored.shape, 0, shape[1], 1)
        file.write(head.ljust(_FIRST_ROW, b"\0"))
    for number, (row, kept) in enumerate(zip(rows, stored, strict=True)):
        if row[:, ~kept].any():
            raise InvalidValueError(
                f"Row {number} has counts in pixels that are said to be missing.",
                expected="zeros in missing pixels",
            )
        for file, counts in zip(files, row[:, kept], strict=True):
            file.write(pack_row(counts, np.flatnonzero(kept), encoding))
        sums += row.sum(axis=1)
    for file in files:
        file.close()
    return sums


def _rows(
    blocks: Iterable[NDArray[Any]], shape: tuple[int, int, int, int]
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of blocks, each of shape (detector, x, channel), having checked them."""
    detectors, height, width, n_channels = shape
    spectra = (width, n_channels) if detectors == 1 else (width, detectors, n_channels)
    number = 0
    for block in blocks:
        counts = _checked_block(np.asarray(block), spectra, height - number)
        for row in counts.reshape(-1, width, detectors, n_channels):
            yield row.transpose(1, 0, 2).astype(np.int64)
        number += len(counts)
    if number != height:
        raise InvalidValueError(
            f"The blocks of counts hold {number} rows of a map of {height}.",
            expected="as many rows as the map has",
        )


def _checked_block(counts: NDArray[Any], spectra: tuple[int, ...], rows_left: int) -> NDArray[Any]:
    if counts.ndim != 1 + len(spectra) or counts.shape[1:] != spectra or len(counts) > rows_left:
        raise InvalidValueError(
            f"A block of counts of shape {counts.shape}, where {rows_left} rows are left.",
            expected=f"counts of shape (row, {', '.join(map(str, spectra))})",
        )
    if counts.dtype.kind not in "ui":
        raise InvalidValueError(
            f"Counts of type {counts.dtype}.",
            expected="whole numbers",
            remedy="draw them from the expected ones with numpy.random.Generator.poisson",
        )
    if counts.size and not 0 <= counts.min() <= counts.max() <= MAX_COUNT:
        raise InvalidValueError(
            f"Counts of {counts.min()} to {counts.max()}.",
            expected=f"0 to {MAX_COUNT} in each channel",
        )
    return counts


def _mask(missing: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.asarray(missing)
    if mask.shape != tuple(shape) or mask.dtype != bool:
        raise InvalidValueError(
            f"missing of shape {mask.shape} and type {mask.dtype}.",
            expected=f"True or False for each pixel, shape {tuple(shape)}",
        )
    return mask


def _check_choices(encoding: str, chunk_bytes: int, detectors: int, axis: EnergyAxis) -> None:
    if encoding not in ENCODINGS:
        raise InvalidValueError(
            f"The encoding '{encoding}'.", expected=f"one of {', '.join(ENCODINGS)}"
        )
    if encoding == "pulses12" and axis.n_channels > CHANNELS_OF_12_BITS:
        raise InvalidValueError(
            f"Pulses of 12 bits for {axis.n_channels} channels.",
            expected=f"at most {CHANNELS_OF_12_BITS} channels",
            remedy="choose the encoding 'pulses16' or 'auto'",
        )
    if chunk_bytes not in CHUNK_BYTES:
        raise InvalidValueError(
            f"Chunks of {chunk_bytes} bytes.", expected=" or ".join(map(str, CHUNK_BYTES))
        )
    if not 1 <= detectors <= _MAX_DETECTORS:
        raise InvalidValueError(f"{detectors} detectors.", expected=f"1 to {_MAX_DETECTORS}")
