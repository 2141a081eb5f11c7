"""Scans, spectra and instruments: from files, and back."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lithoscope.io.bruker.header_files import read_mosaic, read_overview
    from lithoscope.io.bruker.writer import write_bcf
    from lithoscope.io.instruments import load_instrument, shipped_instruments
    from lithoscope.io.row_writers import write_hspy_scan, write_zarr_scan
    from lithoscope.io.scans import open_scan
    from lithoscope.io.spectra import open_spectra, save_spectrum
    from lithoscope.io.zero_peak import live_time_from_zero_peak

# Instruments bring pydantic, which those who only read files do not need.
_HOMES = {
    "live_time_from_zero_peak": "lithoscope.io.zero_peak",
    "load_instrument": "lithoscope.io.instruments",
    "open_scan": "lithoscope.io.scans",
    "open_spectra": "lithoscope.io.spectra",
    "read_mosaic": "lithoscope.io.bruker.header_files",
    "read_overview": "lithoscope.io.bruker.header_files",
    "save_spectrum": "lithoscope.io.spectra",
    "shipped_instruments": "lithoscope.io.instruments",
    "write_bcf": "lithoscope.io.bruker.writer",
    "write_hspy_scan": "lithoscope.io.row_writers",
    "write_zarr_scan": "lithoscope.io.row_writers",
}

__all__ = [
    "live_time_from_zero_peak",
    "load_instrument",
    "open_scan",
    "open_spectra",
    "read_mosaic",
    "read_overview",
    "save_spectrum",
    "shipped_instruments",
    "write_bcf",
    "write_hspy_scan",
    "write_zarr_scan",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lithoscope.io' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
