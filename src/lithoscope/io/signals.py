"""Signals that others hold in memory: HyperSpy's objects, and the dictionaries of RosettaSciIO.

Neither package is imported: a signal is known by what it has, ``data`` and ``axes_manager`` or the
keys ``data`` and ``axes``. Lazy data (dask) is computed by the rows that are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.io.axes import axis_of_file, to_keV, to_mm
from lithoscope.io.formats import checked_counts

_EXPECTED = (
    "a Scan of open_scan, a signal of HyperSpy's with two navigated axes and one of energy, or a "
    "dictionary of RosettaSciIO's"
)
_KINDS_OF_MACHINE = ("SEM", "TEM")


def as_scan(signal: Any) -> Scan:
    """Return a signal of HyperSpy's, or a dictionary of RosettaSciIO's, as a scan.

    Parameters
    ----------
    signal
        Counts of shape (y, x, channel) with their axes, energy last, in eV or keV. A `Scan` is
        returned as it is.

    Raises
    ------
    ScanError
        If it is none of these, no map of spectra, or its energy axis has no calibration.
    """
    if isinstance(signal, Scan):
        return signal
    data, axes, metadata = _parts(signal)
    title = str(_held(metadata, "General", "title") or "")
    what = Path(title or "the signal")
    if len(data.shape) != 3 or 0 in data.shape or len(axes) != 3:
        raise ScanError(
            f"A signal of shape {tuple(data.shape)} is no map of spectra.",
            expected="counts of shape (y, x, channel)",
            remedy="for single spectra use classify_spectra",
        )
    if [bool(axis.get("navigate")) for axis in axes] != [True, True, False]:
        raise ScanError(
            "The signal's last axis is not its only axis of energy.",
            expected="two navigated axes and one signal axis",
            remedy="in HyperSpy: signal.as_signal1D('Energy')",
        )
    energy = axes[2]
    unit = _text(energy.get("units"))
    return Scan(
        shape=(int(data.shape[0]), int(data.shape[1])),
        axis=axis_of_file(
            offset_keV=to_keV(_number(energy, "offset"), unit),
            gain_keV=to_keV(_number(energy, "scale"), unit),
            n_channels=int(data.shape[2]),
            given=None,
            path=what,
            error=ScanError,
        ),
        read_rows=lambda first, last: _rows(data, first, last, what),
        pixel_size_mm=_steps_mm(axes[0], axes[1]),
        title=title,
        electron_beam=any(
            _held(metadata, "Acquisition_instrument", kind) is not None
            for kind in _KINDS_OF_MACHINE
        ),
    )


def _parts(signal: Any) -> tuple[Any, list[dict[str, Any]], Any]:
    """Return data, axes in the order of the data, and metadata."""
    if isinstance(signal, Mapping) and {"data", "axes"} <= set(signal):
        axes = [dict(axis) for axis in signal["axes"]]
        last = len(axes) - 1
        for place, axis in enumerate(axes):
            axis.setdefault("navigate", place < last)
        return signal["data"], axes, signal.get("metadata", {})
    manager = getattr(signal, "axes_manager", None)
    if manager is None or not hasattr(signal, "data"):
        raise ScanError(f"A {type(signal).__name__} is no scan.", expected=_EXPECTED)
    held = (*manager.navigation_axes, *manager.signal_axes)
    axes = [
        {name: getattr(axis, name, None) for name in ("offset", "scale", "units", "navigate")}
        for axis in sorted(held, key=lambda axis: axis.index_in_array)
    ]
    metadata = getattr(signal, "metadata", {})
    return (
        signal.data,
        axes,
        metadata.as_dictionary() if hasattr(metadata, "as_dictionary") else metadata,
    )


def _held(metadata: Any, *keys: str) -> Any:
    for key in keys:
        metadata = metadata.get(key) if isinstance(metadata, Mapping) else None
    return metadata


def _rows(data: Any, first: int, last: int, what: Path) -> NDArray[Any]:
    rows = data[first:last]
    counts = np.asarray(rows.compute() if hasattr(rows, "compute") else rows)
    if counts.dtype.kind not in "uif":
        raise ScanError(f"{what} holds data of type {counts.dtype}.", expected="counts")
    return checked_counts(counts, what, ScanError)


def _steps_mm(*axes: Mapping[str, Any]) -> tuple[float, float] | None:
    steps = [to_mm(_number(axis, "scale"), _text(axis.get("units"))) for axis in axes]
    known = [step for step in steps if step is not None and math.isfinite(step) and step > 0]
    return (known[0], known[1]) if len(known) == 2 else None


def _number(axis: Mapping[str, Any], name: str) -> float:
    try:
        return float(axis[name])
    except (KeyError, TypeError, ValueError):
        return math.nan


def _text(value: Any) -> str:
    """Return a unit; HyperSpy's traits write one that is not set as ``<undefined>``."""
    return value if isinstance(value, str) else ""
