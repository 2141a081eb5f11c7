"""A .spx spectrum."""

from __future__ import annotations

import warnings
from pathlib import Path

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import LithoscopeError, SpectrumError
from lithoscope.io.axes import axis_of_file
from lithoscope.io.bruker.header import BrukerHeader
from lithoscope.io.bruker.header_files import read_bruker_header
from lithoscope.io.bruker.instrument import instrument_from_header
from lithoscope.io.instruments import header_default


def open_spx(path: Path, *, energy_axis: EnergyAxis | None = None) -> Spectrum:
    """Read a .spx spectrum with its whole counts, and its instrument where X-rays excited it.

    Parameters
    ----------
    path
        The file.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    SpectrumError
        If the file is damaged, or has no counts or no energy calibration.
    """
    header = read_bruker_header(path)
    spectrum = header.spectra[0]
    if spectrum.counts.size == 0:
        raise SpectrumError(f"{path} has no counts.", expected="a spectrum with its Channels")
    axis = axis_of_file(
        offset_keV=spectrum.calibration.offset_keV,
        gain_keV=spectrum.calibration.gain_keV,
        n_channels=spectrum.counts.size,
        given=energy_axis,
        path=path,
        error=SpectrumError,
    )
    live_time = spectrum.hardware.live_time_s
    return Spectrum(
        spectrum.counts,
        axis,
        live_time_s=live_time if live_time is not None and live_time > 0 else None,
        title=header.title.strip() or path.stem,
        instrument=_instrument(header, path),
    )


def _instrument(header: BrukerHeader, path: Path) -> Instrument | None:
    """Return the instrument of the header; one that cannot be is left to the user."""
    if not header.has_xrf:
        return None
    try:
        return instrument_from_header(header, name=header.machine, default=header_default())[0]
    except LithoscopeError as error:
        warnings.warn(
            f"{path}: the instrument in the header cannot be used: {error.problem}", stacklevel=4
        )
        return None
