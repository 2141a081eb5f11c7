"""Scans in our layout of zarr: a group with an array ``counts`` (y, x, channel).

The group's attributes are ``offset_keV`` (the energy of channel 0), ``gain_keV`` (the width of a
channel), and, where they are known, ``pixel_size_mm`` [y, x], ``live_time_s`` of a pixel, and
``title``. A folder that ends in .zarr is read, and so is a zip file of one.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.io.axes import axis_of_file
from lithoscope.io.formats import checked_counts
from lithoscope.io.stored_arrays import check_array, open_zarr_group

_LAYOUT = (
    "a zarr group with an array 'counts' (y, x, channel) and the attributes offset_keV and "
    "gain_keV; pixel_size_mm [y, x], live_time_s and title are optional"
)


def open_zarr_scan(path: Path, *, energy_axis: EnergyAxis | None = None) -> Scan:
    """Open counts of shape (y, x, channel); chunks are loaded as their rows are read.

    Parameters
    ----------
    path
        The folder or zip file.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    ScanError
        If the file is damaged, has another layout, or has no energy calibration.
    """
    data, attributes = _open(path)
    if data is None or len(data.shape) != 3 or 0 in data.shape or data.dtype.kind not in "uif":
        found = "no array 'counts'" if data is None else f"'counts' of {data.shape}, {data.dtype}"
        raise ScanError(f"{path} holds {found}.", expected=_LAYOUT, remedy="save it anew")
    check_array(data, path, ScanError)
    axis = axis_of_file(
        offset_keV=_number(attributes.get("offset_keV")),
        gain_keV=_number(attributes.get("gain_keV")),
        n_channels=data.shape[2],
        given=energy_axis,
        path=path,
        error=ScanError,
    )
    live_time = _number(attributes.get("live_time_s"))
    return Scan(
        shape=data.shape[:2],
        axis=axis,
        read_rows=lambda first, last: _rows(data, first, last, path),
        pixel_size_mm=_pixel_size_mm(attributes, path),
        title=str(attributes.get("title", "")) or path.stem,
        metadata={} if live_time is None else {"live_time_s": live_time},
    )


def _open(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the array, ``None`` where there is none, and the attributes."""
    try:
        group = open_zarr_group(path)
        return (group["counts"] if "counts" in group.array_keys() else None), dict(group.attrs)
    # zarr raises anything when its files are damaged.
    except Exception as problem:
        raise _unreadable(path, "it", problem) from None


def _rows(data: Any, first: int, last: int, path: Path) -> NDArray[Any]:
    try:
        counts = np.asarray(data[first:last])
    # zarr raises anything when its files are damaged.
    except Exception as problem:
        raise _unreadable(path, f"rows {first} to {last - 1}", problem) from None
    return checked_counts(counts, path, ScanError)


def _unreadable(path: Path, what: str, problem: Exception) -> ScanError:
    return ScanError(
        f"{path} is damaged or no zarr group: {what} cannot be read ({str(problem)[:200]}).",
        expected=_LAYOUT,
        remedy="save it anew",
    )


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _pixel_size_mm(attributes: dict[str, Any], path: Path) -> tuple[float, float] | None:
    if "pixel_size_mm" not in attributes:
        return None
    stated = attributes["pixel_size_mm"]
    steps = [_number(step) for step in stated] if isinstance(stated, list) else []
    if len(steps) != 2 or steps[0] is None or steps[1] is None or min(steps[0], steps[1]) <= 0:
        raise ScanError(
            f"{path} has the pixel_size_mm {str(stated)[:60]}.",
            expected="two positive steps [y, x] in mm",
        )
    return steps[0], steps[1]
