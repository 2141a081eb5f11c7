"""Scans as arrays of dask and xarray, and as signals of HyperSpy's; nothing is read before use.

One chunk is a block of rows: a file that is read row after row is then read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lithoscope.errors import InvalidValueError, LithoscopeError

if TYPE_CHECKING:
    import dask.array
    import xarray

    from lithoscope.core.scan import Scan


def to_dask(
    scan: Scan, *, rows: int | None = None, dtype: DTypeLike | None = None
) -> dask.array.Array:
    """Return the counts of a scan, shape (y, x, channel), one chunk a block of rows.

    Parameters
    ----------
    scan
        The scan.
    rows
        Rows in a chunk; some tens of MB of them if left out.
    dtype
        Type of the array. If left out, that of the first row for real numbers, and uint32 for
        whole ones, however few they are there: other blocks may hold more.

    Raises
    ------
    InvalidValueError
        If `rows` is below 1; when it is computed, if counts do not fit the type.
    """
    import dask
    import dask.array

    if rows is None:
        rows = scan.rows_in_block
    if rows < 1:
        raise InvalidValueError(f"Chunks of {rows} rows.", expected="1 or more rows")
    kind = np.dtype(dtype) if dtype is not None else _type_of(scan)
    height, width = scan.shape
    read = dask.delayed(_read, pure=False)
    chunks = []
    for first in range(0, height, rows):
        last = min(first + rows, height)
        shape = (last - first, width, scan.axis.n_channels)
        chunks.append(dask.array.from_delayed(read(scan, first, last, kind), shape, dtype=kind))
    return dask.array.concatenate(chunks)


def to_xarray(
    scan: Scan, *, rows: int | None = None, dtype: DTypeLike | None = None
) -> xarray.DataArray:
    """Return the counts of a scan with coordinates ``y`` and ``x`` in mm and ``energy_keV``.

    Where the scan knows them, ``live_time_s`` (y, x) is a coordinate too. The parameters and
    errors are those of `to_dask`; without a step, y and x count pixels.
    """
    import xarray

    units = {"units": "pixel" if scan.pixel_size_mm is None else "mm"}
    y, x = scan.coordinates_mm
    coordinates: dict[str, Any] = {
        "y": ("y", y, units),
        "x": ("x", x, units),
        "energy_keV": ("energy_keV", scan.axis.energies_keV, {"units": "keV"}),
    }
    if scan.live_time_s is not None:
        coordinates["live_time_s"] = (("y", "x"), scan.live_time_s, {"units": "s"})
    return xarray.DataArray(
        to_dask(scan, rows=rows, dtype=dtype),
        coordinates,
        ("y", "x", "energy_keV"),
        name="counts",
        attrs={"title": scan.title},
    )


def to_hyperspy(scan: Scan, *, rows: int | None = None, dtype: DTypeLike | None = None) -> Any:
    """Return the counts of a scan as a lazy signal, with axes y and x in mm and Energy in keV.

    The parameters are those of `to_dask`.

    Raises
    ------
    LithoscopeError
        If HyperSpy is not installed.
    """
    try:
        import hyperspy.api as hs
    except ImportError:
        raise LithoscopeError(
            "HyperSpy is not installed.",
            expected="HyperSpy, which Lithoscope itself does not need",
            remedy="pip install hyperspy",
        ) from None
    counts = to_dask(scan, rows=rows, dtype=dtype)
    step_y, step_x = scan.pixel_size_mm or (1.0, 1.0)
    units = "px" if scan.pixel_size_mm is None else "mm"
    facts = (
        ("y", 0.0, step_y, units),
        ("x", 0.0, step_x, units),
        ("Energy", scan.axis.offset_keV, scan.axis.gain_keV, "keV"),
    )
    axes = [
        {
            "name": name,
            "size": size,
            "offset": offset,
            "scale": scale,
            "units": unit,
            "navigate": name != "Energy",
        }
        for size, (name, offset, scale, unit) in zip(counts.shape, facts, strict=True)
    ]
    metadata = {"General": {"title": scan.title}}
    return hs.signals.Signal1D(counts, axes=axes, metadata=metadata).as_lazy()


def _type_of(scan: Scan) -> np.dtype[Any]:
    found = scan.rows(0, 1).dtype
    return found if found.kind == "f" else np.dtype(np.uint32)


def _read(scan: Scan, first: int, last: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return rows in a type that holds them; nothing wraps."""
    counts = scan.rows(first, last)
    if kind.kind in "ui" and counts.size and counts.max() > np.iinfo(kind).max:
        raise InvalidValueError(
            f"Rows {first} to {last - 1} hold up to {counts.max()} counts in a channel.",
            expected=f"at most {np.iinfo(kind).max}, which {kind} can hold",
            remedy="ask for a larger type, such as to_dask(dtype='uint64')",
        )
    return counts.astype(kind, copy=False)
