"""HyperSpy's .hspy (HDF5) and .zspy (zarr) files.

Both hold ``Experiments/<title>`` with an array ``data`` and, for each of its dimensions, a group
``axis-<i>`` whose attributes give name, offset, scale, units and whether it is navigated. They are
read here directly, so that only the rows asked for are loaded and nothing else is trusted (and
RosettaSciIO 0.15 cannot read .zspy with zarr 3). RosettaSciIO writes single spectra,
`lithoscope.io.hspy_writer` more of them than memory holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import RowReader, Scan
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import FileFormatError, ScanError, SpectrumError
from lithoscope.io.aside import written_aside
from lithoscope.io.axes import axis_of_file, to_keV, to_mm
from lithoscope.io.formats import checked_counts
from lithoscope.io.hspy_writer import energy_attributes
from lithoscope.io.stored_arrays import check_array, open_zarr_group

_LAYOUT = "a file that HyperSpy saved, with one signal whose last axis is an energy"


@dataclass(frozen=True, eq=False)
class _Signal:
    """A signal of a file: its array, still in the file, and what is known of its axes."""

    path: Path
    data: Any
    axes: tuple[Mapping[str, Any], ...]
    title: str
    live_time_s: float | None
    minerals: NDArray[Any] | None = None


def open_hyperspy_scan(path: Path, *, energy_axis: EnergyAxis | None = None) -> Scan:
    """Open a signal with two navigated axes (y, x); rows are loaded as they are read.

    Raises
    ------
    ScanError
        If the file is damaged, holds no such signal or several, or has no energy calibration.
    """
    signal = _only_signal(path, ScanError)
    if len(signal.axes) != 3:
        raise ScanError(
            f"{path} holds data of shape {signal.data.shape}, which is no map.",
            expected="a signal with two navigated axes (y, x) and one of energy",
            remedy="for single spectra and lines of spectra use: lithoscope classify",
        )
    facts = {} if signal.live_time_s is None else {"live_time_s": signal.live_time_s}
    steps = [_step_mm(axis) for axis in signal.axes[:2]]
    return Scan(
        shape=signal.data.shape[:2],
        axis=_energy_axis(signal, energy_axis, ScanError),
        read_rows=lambda first, last: _load(signal, slice(first, last), ScanError),
        pixel_size_mm=None if steps[0] is None or steps[1] is None else (steps[0], steps[1]),
        title=signal.title or path.stem,
        metadata=facts,
    )


def open_hyperspy_spectra(path: Path, *, energy_axis: EnergyAxis | None = None) -> list[Spectrum]:
    """Read a signal of one spectrum, or of a row of spectra.

    Raises
    ------
    SpectrumError
        If the file is damaged, holds no such signal or several, or has no energy calibration.
    """
    signal = _only_signal(path, SpectrumError)
    if len(signal.axes) > 2:
        raise SpectrumError(
            f"{path} holds data of shape {signal.data.shape}.",
            expected="a signal with one navigated axis or none, and one of energy",
            remedy="for a map of spectra use: lithoscope map",
        )
    axis = _energy_axis(signal, energy_axis, SpectrumError)
    counts = np.atleast_2d(_load(signal, slice(None), SpectrumError))
    title = signal.title or path.stem
    return [Spectrum(spectrum, axis, signal.live_time_s, title) for spectrum in counts]


def open_hyperspy_labelled(path: Path) -> tuple[EnergyAxis, NDArray[Any], RowReader]:
    """Open a row of spectra whose metadata name the mineral of each in ``Sample.mineral``.

    Returns
    -------
    axis : EnergyAxis
    names : ndarray, shape (spectrum,)
    read : callable
        Gives the counts of spectra `first` to ``last - 1``.

    Raises
    ------
    SpectrumError
        If the file is damaged, holds no such signal, or names no minerals.
    """
    signal = _only_signal(path, SpectrumError)
    if len(signal.axes) != 2:
        raise SpectrumError(
            f"{path} holds data of shape {signal.data.shape}.",
            expected="a signal with one navigated axis and one of energy",
        )
    if signal.minerals is None or signal.minerals.shape != signal.data.shape[:1]:
        held = "none" if signal.minerals is None else f"{signal.minerals.size}"
        raise SpectrumError(
            f"{path} holds {signal.data.shape[0]} spectra and {held} names of minerals.",
            expected="one name a spectrum in the metadata, under Sample.mineral",
            remedy="signal.metadata.set_item('Sample.mineral', names), and save anew",
        )
    axis = _energy_axis(signal, None, SpectrumError)
    names = signal.minerals
    return axis, names, lambda first, last: _load(signal, slice(first, last), SpectrumError)


def write_hspy(spectrum: Spectrum, path: Path) -> None:
    """Write one spectrum as HyperSpy does."""
    from rsciio.hspy import file_writer

    metadata: dict[str, Any] = {
        "General": {"title": spectrum.title},
        "Signal": {"signal_type": "", "quantity": "X-rays (Counts)"},
    }
    if spectrum.live_time_s is not None:
        detector = {"EDS": {"live_time": spectrum.live_time_s}}
        metadata["Acquisition_instrument"] = {"XRF": {"Detector": detector}}
    signal = {
        "data": spectrum.counts,
        "axes": [energy_attributes(spectrum.axis)],
        "metadata": metadata,
        "original_metadata": {},
        "attributes": {"_lazy": False, "ragged": False},
        "tmp_parameters": {},
        "learning_results": {},
        "package_info": {},
        "models": {},
    }
    with written_aside(path) as aside:
        file_writer(str(aside), signal)


def _only_signal(path: Path, error: type[FileFormatError]) -> _Signal:
    try:
        signals = _signals(path)
    except FileFormatError:
        raise
    # HDF5 and zarr raise anything when their files are damaged.
    except Exception as problem:
        raise error(
            f"{path} cannot be read: {str(problem)[:200]}.",
            expected=_LAYOUT,
            remedy="the file is damaged or not HyperSpy's; save it anew",
        ) from None
    if len(signals) != 1:
        titles = ", ".join(repr(signal.title) for signal in signals) or "none"
        raise error(
            f"{path} holds {len(signals)} signals ({titles}).",
            expected=_LAYOUT,
            remedy="save the one that is meant into a file of its own",
        )
    signal = signals[0]
    _check(signal, error)
    return signal


def _signals(path: Path) -> list[_Signal]:
    experiments = _root(path)["Experiments"]
    signals = []
    for name in experiments:
        group = experiments[name]
        if "data" not in group:
            continue
        data = group["data"]
        axes = tuple(dict(group[f"axis-{i}"].attrs) for i in range(len(data.shape)))
        title = _text(_attribute(group, "metadata/General", "title"))
        live_time = _live_time_s(group)
        signals.append(_Signal(path, data, axes, title, live_time, _minerals(group)))
    return signals


def _minerals(group: Any) -> NDArray[Any] | None:
    """Return the names in ``Sample.mineral``, as HyperSpy stores a list, a tuple or an array."""
    for kind in ("_list_", "_tuple_", ""):
        place = f"metadata/Sample/{kind}mineral"
        if place in group and len(group[place].shape) == 1 and group[place].dtype.kind in "OS":
            return np.array([_text(name) for name in group[place][:]], dtype=str)
    return None


def _root(path: Path) -> Any:
    """Open the file's tree; it stays open for as long as an array of it is held."""
    if path.suffix.lower() == ".hspy":
        import h5py

        return h5py.File(path, "r")
    return open_zarr_group(path)


def _attribute(group: Any, place: str, name: str) -> Any:
    return group[place].attrs.get(name) if place in group else None


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _live_time_s(group: Any) -> float | None:
    """Return the live time, which stands under the kind of microscope or ``XRF``."""
    place = "metadata/Acquisition_instrument"
    for machine in group.get(place, ()):
        value = _attribute(group, f"{place}/{machine}/Detector/EDS", "live_time")
        if value is not None and math.isfinite(float(value)) and float(value) > 0:
            return float(value)
    return None


def _check(signal: _Signal, error: type[FileFormatError]) -> None:
    """Refuse what is no counts over energy, and what unpickles when it is read."""
    data, path = signal.data, signal.path
    if data.dtype.kind not in "uif" or not data.shape or 0 in data.shape:
        raise error(
            f"{path} holds data of shape {data.shape} and type {data.dtype}.",
            expected="counts, as whole or real numbers",
        )
    last = len(signal.axes) - 1
    navigated = [bool(axis.get("navigate", i < last)) for i, axis in enumerate(signal.axes)]
    if navigated != [True] * last + [False]:
        raise error(
            f"{path} has axes of which {navigated.count(False)} are not navigated.",
            expected="one that is not navigated, the last: energy",
            remedy="in HyperSpy, set the signal axis to the energy and save anew",
        )
    check_array(data, path, error)


def _energy_axis(
    signal: _Signal, given: EnergyAxis | None, error: type[FileFormatError]
) -> EnergyAxis:
    axis = signal.axes[-1]
    unit = _text(axis.get("units"))
    return axis_of_file(
        offset_keV=to_keV(_number(axis, "offset"), unit),
        gain_keV=to_keV(_number(axis, "scale"), unit),
        n_channels=signal.data.shape[-1],
        given=given,
        path=signal.path,
        error=error,
    )


def _step_mm(axis: Mapping[str, Any]) -> float | None:
    step = to_mm(_number(axis, "scale"), _text(axis.get("units")))
    return step if step is not None and math.isfinite(step) and step > 0 else None


def _number(axis: Mapping[str, Any], name: str) -> float:
    """Return a number of an axis; NaN where it is missing or none."""
    value = axis.get(name)
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan


def _load(signal: _Signal, rows: slice, error: type[FileFormatError]) -> NDArray[Any]:
    try:
        counts = np.asarray(signal.data[rows])
    # HDF5 and zarr raise anything when their files are damaged.
    except Exception as problem:
        raise error(
            f"{signal.path} is damaged: its counts cannot be read ({str(problem)[:200]}).",
            expected=_LAYOUT,
            remedy="save it anew",
        ) from None
    return checked_counts(counts, signal.path, error)
