"""A .bcf map as a scan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.scan import RowReader, Scan
from lithoscope.errors import LithoscopeError, ScanError
from lithoscope.io.axes import axis_of_file
from lithoscope.io.bruker.container import SfsContainer
from lithoscope.io.bruker.header import BrukerHeader
from lithoscope.io.bruker.header_files import header_of_container
from lithoscope.io.bruker.hypermap import SpectrumRows
from lithoscope.io.bruker.instrument import instrument_from_header
from lithoscope.io.instruments import header_default

_STREAM = re.compile(r"EDSDatabase/SpectrumData\d+")
_MAX_DETECTORS = 16
# Detectors further apart than this blur each other's peaks when they are summed.
_SAME_AXIS_CHANNELS = 0.5


def open_bcf(path: Path, *, energy_axis: EnergyAxis | None = None) -> Scan:
    """Open a .bcf map; rows are unpacked as they are read, and detectors are summed.

    Parameters
    ----------
    path
        The file.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    ScanError
        If the file is no sound .bcf, or has no energy calibration. Damage inside the spectra is
        found when their rows are read.
    """
    container = SfsContainer(path)
    header = header_of_container(container)
    calibration = header.spectra[0].calibration
    if calibration.n_channels is None:
        container.fail("its header does not say how many channels there are")
    axis = axis_of_file(
        offset_keV=calibration.offset_keV,
        gain_keV=calibration.gain_keV,
        n_channels=calibration.n_channels,
        given=energy_axis,
        path=path,
        error=ScanError,
    )
    detectors = _detectors(container, axis.n_channels)
    if header.map_shape not in (None, detectors[0].shape):
        container.fail(
            f"its spectra are said to be of {detectors[0].shape} pixels, its image of "
            f"{header.map_shape}"
        )
    instrument, notes = _instrument(header)
    return Scan(
        shape=detectors[0].shape,
        axis=axis,
        read_rows=_summed(detectors),
        pixel_size_mm=_pixel_size_mm(header),
        title=header.title.strip() or path.stem,
        instrument=instrument,
        electron_beam=not header.has_xrf,
        metadata=_metadata(header, len(detectors), notes + _misfits(header)),
    )


def _detectors(container: SfsContainer, n_channels: int) -> list[SpectrumRows]:
    """Open the stream of each detector, all of one map."""
    names = sorted(name for name in container.entries if _STREAM.fullmatch(name))
    if not 0 < len(names) <= _MAX_DETECTORS:
        container.fail(f"it holds the spectra of {len(names)} detectors")
    detectors = [SpectrumRows(container.stream(name), n_channels, container.fail) for name in names]
    shapes = {detector.shape for detector in detectors}
    if len(shapes) > 1:
        container.fail(f"its detectors have maps of different sizes, {sorted(shapes)}")
    return detectors


def _summed(detectors: list[SpectrumRows]) -> RowReader:
    def read_rows(first: int, last: int) -> NDArray[np.uint32]:
        counts = detectors[0].read(first, last)
        for detector in detectors[1:]:
            counts += detector.read(first, last)
        return counts

    return read_rows


def _pixel_size_mm(header: BrukerHeader) -> tuple[float, float] | None:
    if header.step_um is None:
        return None
    return header.step_um[0] / 1000, header.step_um[1] / 1000


def _instrument(header: BrukerHeader) -> tuple[Instrument | None, list[str]]:
    """Return what the header tells of the instrument; one that cannot be is left to the user."""
    if not header.has_xrf:
        return None, []
    try:
        return instrument_from_header(header, name=header.machine, default=header_default())
    except LithoscopeError as error:
        return None, [f"the instrument in the header cannot be used: {error.problem}"]


def _misfits(header: BrukerHeader) -> list[str]:
    """Say where detectors that are summed have other energy axes than the first."""
    first = header.spectra[0].calibration
    notes = []
    for index, spectrum in enumerate(header.spectra[1:], start=1):
        ours, theirs = first.ends_keV, spectrum.calibration.ends_keV
        if ours is None or theirs is None:
            continue
        misfit = max(abs(ours[0] - theirs[0]), abs(ours[1] - theirs[1]))
        if misfit > _SAME_AXIS_CHANNELS * (ours[1] - ours[0]) / (first.n_channels or 1):
            notes.append(
                f"detector {index} is off detector 0 by up to {1000 * misfit:.1f} eV; "
                "they are summed channel by channel nevertheless"
            )
    return notes


def _metadata(header: BrukerHeader, n_detectors: int, notes: list[str]) -> dict[str, Any]:
    hardware = header.spectra[0].hardware
    facts = {
        "detectors": n_detectors,
        "detector_type": header.spectra[0].detector.type or None,
        "real_time_s": hardware.real_time_s,
        "live_time_s": hardware.live_time_s,
        "zero_peak_channel": hardware.zero_peak_channel,
        "zero_peak_frequency_hz": hardware.zero_peak_frequency_hz,
        "notes": tuple(notes) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}
