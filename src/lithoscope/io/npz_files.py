"""Our .npz files: ``counts`` and ``energy_keV``, and what else is known.

``counts`` has the shape (channel,), (spectrum, channel) or (y, x, channel), ``energy_keV`` holds
the channel centres; without it, an energy axis has to be given. ``live_time_s``, ``mineral`` and
``pixel_size_mm`` (y, x) are optional.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import RowReader, Scan
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import FileFormatError, ScanError, SpectrumError
from lithoscope.io.aside import written_aside
from lithoscope.io.axes import axis_from_centres, axis_of_file
from lithoscope.io.formats import checked_counts
from lithoscope.io.npz_archive import DeclaredArray, NpzArchive

_LAYOUT = (
    "a .npz with 'counts' (channel | spectrum, channel | y, x, channel) and 'energy_keV' (channel "
    "centres); 'live_time_s', 'mineral', 'pixel_size_mm' are optional"
)
_NUMBERS, _WORDS = "uif", "U"


def open_npz_scan(path: Path, *, energy_axis: EnergyAxis | None = None) -> Scan:
    """Open counts of shape (y, x, channel); rows are decompressed as they are read.

    Raises
    ------
    ScanError
        If the file is damaged, has another layout, or its energies are not linear.
    """
    archive, header, axis = _open(path, ScanError, energy_axis)
    if len(header.shape) != 3 or 0 in header.shape:
        raise ScanError(
            f"{path} holds counts of shape {header.shape}, which is no map.",
            expected="counts of shape (y, x, channel)",
            remedy="for single spectra use: lithoscope classify",
        )
    shape = (header.shape[0], header.shape[1])
    return Scan(
        shape=shape,
        axis=axis,
        read_rows=_row_reader(archive, header),
        pixel_size_mm=_pixel_size_mm(archive),
        title=_title(archive) or path.stem,
        live_time_s=_live_time_s(archive, shape),
    )


def open_npz_spectra(path: Path, *, energy_axis: EnergyAxis | None = None) -> list[Spectrum]:
    """Read counts of shape (channel,) or (spectrum, channel).

    Raises
    ------
    SpectrumError
        If the file is damaged, has another layout, or its energies are not linear.
    """
    archive, header, axis = _open(path, SpectrumError, energy_axis)
    if len(header.shape) not in (1, 2) or 0 in header.shape:
        raise SpectrumError(
            f"{path} holds counts of shape {header.shape}.",
            expected="counts of shape (channel,) or (spectrum, channel)",
            remedy="for a map of spectra use: lithoscope map",
        )
    counts = np.atleast_2d(archive.read("counts", _NUMBERS))
    live_times = _one_each(archive, "live_time_s", _NUMBERS, len(counts))
    titles = _one_each(archive, "mineral", _WORDS, len(counts))
    return [
        Spectrum(
            spectrum,
            axis,
            live_time_s=None if live_times is None else float(live_times[index]),
            title=path.stem if titles is None else str(titles[index]),
        )
        for index, spectrum in enumerate(counts)
    ]


def open_npz_labelled(path: Path) -> tuple[EnergyAxis, NDArray[Any], RowReader]:
    """Open counts of shape (spectrum, channel) with one name of a mineral each.

    Returns
    -------
    axis : EnergyAxis
    names : ndarray, shape (spectrum,)
    read : callable
        Gives the counts of spectra `first` to ``last - 1``.

    Raises
    ------
    SpectrumError
        If the file is damaged, has another layout, or its energies are not linear.
    """
    archive, header, axis = _open(path, SpectrumError, None)
    if len(header.shape) != 2 or 0 in header.shape:
        raise archive.failure(f"holds counts of shape {header.shape}, not (spectrum, channel)")
    names = _one_each(archive, "mineral", _WORDS, header.shape[0])
    if names is None:
        raise archive.failure("has no 'mineral', the name of each spectrum's mineral")
    return axis, names, _row_reader(archive, header, SpectrumError)


def write_npz(spectrum: Spectrum, path: Path) -> None:
    """Write one spectrum; its title goes to ``mineral``."""
    arrays: dict[str, Any] = {
        "counts": spectrum.counts,
        "energy_keV": spectrum.axis.energies_keV,
        "mineral": np.array(spectrum.title),
    }
    if spectrum.live_time_s is not None:
        arrays["live_time_s"] = np.array(spectrum.live_time_s)
    with written_aside(path) as aside, aside.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _open(
    path: Path, error: type[FileFormatError], energy_axis: EnergyAxis | None
) -> tuple[NpzArchive, DeclaredArray, EnergyAxis]:
    archive = NpzArchive(path, error=error, layout=_LAYOUT)
    if "counts" not in archive.names:
        held = ", ".join(sorted(archive.names)) or "no arrays"
        raise archive.failure(f"has no 'counts'; it holds {held}")
    counts = archive.declared("counts", _NUMBERS)
    if not counts.shape:
        raise archive.failure("holds a single number instead of counts")
    if "energy_keV" not in archive.names:
        axis = axis_of_file(
            offset_keV=None,
            gain_keV=None,
            n_channels=counts.shape[-1],
            given=energy_axis,
            path=path,
            error=error,
        )
        return archive, counts, axis
    energies = archive.read("energy_keV", _NUMBERS)
    if energies.shape != counts.shape[-1:]:
        raise archive.failure(
            f"holds counts of shape {counts.shape} and energy_keV of shape {energies.shape}"
        )
    return archive, counts, axis_from_centres(energies, given=energy_axis, path=path, error=error)


def _row_reader(
    archive: NpzArchive, header: DeclaredArray, error: type[FileFormatError] = ScanError
) -> RowReader:
    if header.fortran_order:
        counts = archive.read("counts", _NUMBERS)
        return lambda first, last: checked_counts(counts[first:last], archive.path, error)
    rows = archive.rows("counts", header)

    def read_rows(first: int, last: int) -> NDArray[Any]:
        return checked_counts(rows.read(first, last), archive.path, error)

    return read_rows


def _live_time_s(archive: NpzArchive, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    """Return the live time of each pixel; a single value stands for all."""
    if "live_time_s" not in archive.names:
        return None
    times = archive.read("live_time_s", _NUMBERS).astype(np.float64)
    if times.shape not in ((), (1,), shape):
        raise archive.failure(f"holds live_time_s of shape {times.shape} for {shape} pixels")
    return np.broadcast_to(times, shape)


def _pixel_size_mm(archive: NpzArchive) -> tuple[float, float] | None:
    if "pixel_size_mm" not in archive.names:
        return None
    steps = archive.read("pixel_size_mm", _NUMBERS)
    if steps.shape != (2,) or not (np.isfinite(steps).all() and (steps > 0).all()):
        raise archive.failure(f"holds pixel_size_mm of {steps.tolist()}, not two positive steps")
    return float(steps[0]), float(steps[1])


def _title(archive: NpzArchive) -> str:
    if "mineral" not in archive.names:
        return ""
    names = np.unique(archive.read("mineral", _WORDS))
    return str(names[0]) if names.size == 1 else ""


def _one_each(archive: NpzArchive, name: str, kinds: str, number: int) -> NDArray[Any] | None:
    """Return an optional array with one value a spectrum; a single value stands for all."""
    if name not in archive.names:
        return None
    values = archive.read(name, kinds)
    if values.shape not in ((), (1,), (number,)):
        raise archive.failure(f"holds {name} of shape {values.shape} for {number} spectra")
    return np.broadcast_to(values, (number,))
