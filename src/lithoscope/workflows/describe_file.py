"""Facts about a file of a scan or of spectra, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.scan import Scan
from lithoscope.core.scan_checks import sum_mismatch
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import FileFormatError
from lithoscope.io import open_scan, open_spectra
from lithoscope.io.formats import SCAN_FORMATS, SPECTRUM_FORMATS
from lithoscope.io.zero_peak import zero_peak_channels, zero_peak_frequency_hz

# What lies below is the zero peak, and not counted.
_ZERO_PEAK_END_KEV = 0.8
_QUANTILES = {"min": 0, "p5": 5, "median": 50, "p95": 95, "max": 100}


Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class _Sums:
    """What one pass over a scan gives: counts a pixel without and in the zero peak, (y, x)."""

    counts: NDArray[np.float64]
    zero_peak: NDArray[np.float64] | None
    spectrum: NDArray[np.float64]


def describe_file(
    path: Path,
    energy_axis: EnergyAxis | None = None,
    *,
    salvage: bool = False,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Return what ``lithoscope info`` tells of a file; a scan is read once for it.

    Parameters
    ----------
    path
        A scan, or one or several spectra.
    energy_axis
        Offset and gain to use instead of the file's.
    salvage
        Read what is left of a damaged scan.
    progress
        Called with rows read and rows in all.

    Raises
    ------
    FileFormatError
        If the file is neither, or damaged.
    """
    suffix = path.suffix.lower()
    if suffix in SPECTRUM_FORMATS and suffix not in SCAN_FORMATS:
        return describe_spectra(open_spectra(path, energy_axis=energy_axis))
    try:
        scan = open_scan(path, energy_axis=energy_axis, salvage=salvage)
    except FileFormatError as no_scan:
        if suffix not in SPECTRUM_FORMATS:
            raise
        try:
            return describe_spectra(open_spectra(path, energy_axis=energy_axis))
        except FileFormatError:
            raise no_scan from None
    return describe_scan(scan, progress)


def describe_scan(scan: Scan, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """Return facts of a scan, which is read once."""
    sums = _sums(scan, progress)
    live_time_s, source = _live_time_s(scan, sums)
    warnings = [*scan.warnings, sum_mismatch(scan, sums.spectrum)]
    size = None
    if scan.pixel_size_mm is not None:
        size = [round(n * step, 6) for n, step in zip(scan.shape, scan.pixel_size_mm, strict=True)]
    return {
        "kind": "scan",
        "title": scan.title,
        "rows": scan.shape[0],
        "columns": scan.shape[1],
        "pixel_size_mm": list(scan.pixel_size_mm) if scan.pixel_size_mm else None,
        "size_mm": size,
        **_describe_axis(scan.axis),
        "electron_beam": scan.electron_beam,
        "detectors": scan.detectors,
        "instrument": _describe_instrument(scan.instrument),
        "live_time_s": None if live_time_s is None else _quantiles(live_time_s),
        "live_time_from": source,
        "counts_per_pixel": _quantiles(sums.counts),
        "empty_pixels": int((sums.counts == 0).sum()),
        "warnings": [line for line in warnings if line is not None],
    }


def describe_spectra(spectra: Sequence[Spectrum]) -> dict[str, Any]:
    """Return facts of the spectra in a file."""
    first = spectra[0]
    lowest = first.axis.channel(_ZERO_PEAK_END_KEV)
    times = [spectrum.live_time_s for spectrum in spectra if spectrum.live_time_s is not None]
    counts = np.array([spectrum.counts[lowest:].sum(dtype=np.float64) for spectrum in spectra])
    titles = list(dict.fromkeys(spectrum.title for spectrum in spectra))
    return {
        "kind": "spectra",
        "title": titles[0] if len(titles) == 1 else f"{titles[0]} to {titles[-1]}",
        "spectra": len(spectra),
        **_describe_axis(first.axis),
        "instrument": _describe_instrument(first.instrument),
        "live_time_s": _quantiles(np.array(times)) if times else None,
        "counts_per_spectrum": _quantiles(counts),
        "warnings": [],
    }


def _sums(scan: Scan, progress: Progress) -> _Sums:
    lowest, peak = scan.axis.channel(_ZERO_PEAK_END_KEV), zero_peak_channels(scan.axis)
    counts, zero_peak = np.zeros(scan.shape), np.zeros(scan.shape)
    spectrum = np.zeros(scan.axis.n_channels)
    for first, block in scan.blocks():
        rows = slice(first, first + len(block))
        counts[rows] = block[:, :, lowest:].sum(axis=2, dtype=np.float64)
        if peak is not None:
            zero_peak[rows] = block[:, :, peak].sum(axis=2, dtype=np.float64)
        spectrum += block.sum(axis=(0, 1), dtype=np.float64)
        progress(rows.stop, scan.shape[0])
    return _Sums(counts, zero_peak if peak is not None else None, spectrum)


def _live_time_s(scan: Scan, sums: _Sums) -> tuple[NDArray[np.float64] | None, str | None]:
    """Return the live time of each pixel, and where that is known from."""
    if scan.live_time_s is not None:
        return scan.live_time_s, "file"
    frequency = zero_peak_frequency_hz(scan)
    if frequency is None or sums.zero_peak is None:
        return None, None
    return sums.zero_peak / frequency, "zero peak"


def _quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    found = np.percentile(values, list(_QUANTILES.values())).tolist()
    return dict(zip(_QUANTILES, found, strict=True))


def _describe_axis(axis: EnergyAxis) -> dict[str, Any]:
    return {
        "channels": axis.n_channels,
        "offset_keV": axis.offset_keV,
        "gain_keV": axis.gain_keV,
    }


def _describe_instrument(instrument: Instrument | None) -> str | None:
    if instrument is None:
        return None
    tube, atmosphere = instrument.tube, instrument.atmosphere
    parts = [f"{instrument.name}: {tube.anode}, {tube.voltage_kV:g} kV, {tube.current_mA:g} mA"]
    parts += [f"filter {layer.thickness_um:g} µm {layer.formula}" for layer in tube.filters]
    parts.append(atmosphere.gas)
    return ", ".join(parts)
