"""A .bcf map as a scan, or as one scan a detector."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.scan import Scan
from lithoscope.errors import LithoscopeError, ScanError
from lithoscope.io.axes import axis_of_file
from lithoscope.io.bruker.container import SfsContainer
from lithoscope.io.bruker.header import BrukerHeader, parse_header
from lithoscope.io.bruker.header_files import header_of_container
from lithoscope.io.bruker.header_notes import notes_of_map
from lithoscope.io.bruker.hypermap import SpectrumMap
from lithoscope.io.bruker.instrument import instrument_from_header
from lithoscope.io.bruker.row_stream import RowStream
from lithoscope.io.bruker.salvage import SalvagedRows, losses_in_lines
from lithoscope.io.instruments import header_default

_STREAM = re.compile(r"EDSDatabase/SpectrumData(\d{1,4})")
_KNOWN_ENTRY = re.compile(r"EDSDatabase/(HeaderData|Spectrum(Data|Positions)\d{1,4})|EBSDData/.*")
_MAX_DETECTORS = 16
# Stands in for a header that is lost.
_EMPTY_HEADER = b'<TRTSpectrum><ClassInstance Type="TRTSpectrum"/></TRTSpectrum>'


@dataclass(frozen=True, eq=False)
class _BcfMap:
    """An open .bcf map: its header, the rows of each detector by number, what was noticed."""

    path: Path
    header: BrukerHeader
    header_lost: bool
    streams: dict[int, RowStream]
    notes: tuple[str, ...]


def open_bcf(
    path: Path,
    *,
    energy_axis: EnergyAxis | None = None,
    detectors: Literal["sum", "separate"] | int = "sum",
    salvage: bool = False,
) -> Scan | tuple[Scan, ...]:
    """Open a .bcf map; rows are unpacked as they are read.

    Parameters
    ----------
    path
        The file.
    energy_axis
        Offset and gain to use instead of the file's.
    detectors
        ``sum`` for all detectors together, ``separate`` for one scan each, or a number for the
        scan of that detector.
    salvage
        Read what is left of a damaged file: all rows are tried out, and what is missing is zero
        and said in the scan's warnings. A lost header needs `energy_axis`, whose number of
        channels is then taken too.

    Returns
    -------
    Scan or tuple of Scan

    Raises
    ------
    ScanError
        If the file is no sound .bcf, has no energy calibration, or not that detector. Damage
        inside the spectra is found when their rows are read.
    """
    bcf = _opened(path, energy_axis, salvage)
    numbers = sorted(bcf.streams)
    if detectors == "sum":
        return _scan(bcf, numbers, energy_axis)
    if detectors == "separate":
        return tuple(_scan(bcf, [number], energy_axis) for number in numbers)
    if detectors not in bcf.streams:
        raise ScanError(
            f"{path} has no detector {detectors}.",
            expected=f"'sum', 'separate', or one of {', '.join(map(str, numbers))}",
        )
    return _scan(bcf, [detectors], energy_axis)


def _opened(path: Path, energy_axis: EnergyAxis | None, salvage: bool) -> _BcfMap:
    container = SfsContainer(path, salvage=salvage)
    notes: list[str] = []
    header_lost = False
    try:
        header = header_of_container(container)
    except ScanError as error:
        if not salvage or energy_axis is None:
            raise
        header = parse_header(_EMPTY_HEADER, where=str(path), error=ScanError)
        header_lost = True
        notes.append(f"the header is lost, and all it told: {error.problem}")
    streams = _streams(container, notes)
    if not header_lost:
        _check_none_is_missing(container, len(header.spectra), streams, notes)
    shape = next(iter(streams.values())).shape
    if header.map_shape not in (None, shape) and not salvage:
        container.fail(f"its header tells of {header.map_shape} pixels, its spectra of {shape}")
    if any(stream.lacks_rows for stream in streams.values()) and not salvage:
        container.fail(f"its spectra end too early for {shape[0]} rows")
    return _BcfMap(path, header, header_lost, streams, tuple(notes))


def _streams(container: SfsContainer, notes: list[str]) -> dict[int, RowStream]:
    """Open the stream of each detector, all of one map."""
    matches = [match for name in container.entries if (match := _STREAM.fullmatch(name))]
    if not 0 < len(matches) <= _MAX_DETECTORS:
        container.fail(f"it holds the spectra of {len(matches)} detectors")
    rows = SalvagedRows if container.salvage else RowStream
    streams: dict[int, RowStream] = {}
    for match in sorted(matches, key=lambda match: int(match[1])):
        try:
            streams[int(match[1])] = rows(container.stream(match[0]), container.fail)
        except ScanError as error:
            if not container.salvage:
                raise
            notes.append(f"detector {int(match[1])} is lost: {error.problem}")
    if not streams:
        container.fail("none of its detectors can be read")
    shapes = sorted({stream.shape for stream in streams.values()})
    if len(shapes) > 1:
        container.fail(f"its detectors have maps of different sizes, {shapes}")
    chunks = np.concatenate([stream.stream.chunks for stream in streams.values()])
    if np.unique(chunks).size < chunks.size:
        if not container.salvage:
            container.fail("its detectors share some of their data")
        notes.append("detectors share some of their data, whose counts are there twice")
    return streams


def _check_none_is_missing(
    container: SfsContainer, described: int, streams: Collection[int], notes: list[str]
) -> None:
    missing = [str(number) for number in range(described) if number not in streams]
    if missing and list(streams) == [0] and not _has_unknown_entries(container):
        # Some M4 files keep two detectors as one stream, already summed.
        notes.append(
            f"the header describes {described} detectors, the file holds one stream of spectra: "
            "it is taken as their sum"
        )
        return
    if missing and not container.salvage:
        container.fail(
            f"its header describes {described} detectors, but spectra of number "
            f"{' and '.join(missing)} are not there"
        )
    notes += [f"there are no spectra of detector {number}" for number in missing]


def _has_unknown_entries(container: SfsContainer) -> bool:
    """Whether something lies in the container that may be a detector under another name."""
    return not all(_KNOWN_ENTRY.fullmatch(path) for path in container.entries)


def _scan(bcf: _BcfMap, numbers: Sequence[int], energy_axis: EnergyAxis | None) -> Scan:
    """Make a scan of the sum of some detectors."""
    known = bcf.header.spectra
    # A header may describe fewer detectors than there are: the first stands in for the others.
    spectra = [known[number if number < len(known) else 0] for number in numbers]
    header = dataclasses.replace(bcf.header, spectra=tuple(spectra))
    axis = _axis(bcf, header, energy_axis)
    streams = [bcf.streams[number] for number in numbers]
    shape = streams[0].shape
    notes = [*bcf.notes, *_losses(bcf, numbers, axis.n_channels)]
    if all(stream.is_empty for stream in streams):
        notes.append("none of its pixels is stored")
    if max(numbers) >= len(known):
        notes.append(f"the header describes {len(known)} detectors, and not number {max(numbers)}")
    instrument, assumed = _instrument(header)
    if not bcf.header_lost:
        notes += notes_of_map(header, shape, numbers) + assumed
    title = header.title.strip() or bcf.path.stem
    return Scan(
        shape=shape,
        axis=axis,
        read_rows=SpectrumMap(streams, axis.n_channels).read,
        pixel_size_mm=_pixel_size_mm(header),
        title=title if len(numbers) == len(bcf.streams) else f"{title}, detector {numbers[0]}",
        instrument=instrument,
        electron_beam=not (header.has_xrf or bcf.header_lost),
        live_time_s=_live_time_s(header, shape),
        detectors=len(numbers),
        warnings=tuple(notes),
        sum_spectrum=_sum_spectrum(header, axis.n_channels),
        metadata=_metadata(header),
    )


def _axis(bcf: _BcfMap, header: BrukerHeader, given: EnergyAxis | None) -> EnergyAxis:
    calibration = header.spectra[0].calibration
    n_channels = max(spectrum.calibration.n_channels or 0 for spectrum in header.spectra)
    if bcf.header_lost and given is not None:
        n_channels = given.n_channels
    stream = next(iter(bcf.streams.values()))
    if not n_channels:
        stream.fail("its header does not say how many channels there are")
    stream.check_channels(n_channels)
    return axis_of_file(
        offset_keV=calibration.offset_keV,
        gain_keV=calibration.gain_keV,
        n_channels=n_channels,
        given=given,
        path=bcf.path,
        error=ScanError,
    )


def _losses(bcf: _BcfMap, numbers: Sequence[int], n_channels: int) -> list[str]:
    """Find out what is missing of streams that are salvaged, and say so."""
    lines = []
    for number in numbers:
        stream = bcf.streams[number]
        if isinstance(stream, SalvagedRows):
            stream.survey(n_channels)
            where = f"detector {number}: " if len(bcf.streams) > 1 else ""
            lines += losses_in_lines(stream.losses, where)
    return lines


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


def _live_time_s(header: BrukerHeader, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    """Return the time spent on each pixel, less the share that is known to be dead time."""
    if header.pixel_times_s is None or header.pixel_times_s.shape != shape:
        return None
    shares = [spectrum.hardware.live_share or 1.0 for spectrum in header.spectra]
    return header.pixel_times_s * float(np.mean(shares))


def _sum_spectrum(header: BrukerHeader, n_channels: int) -> NDArray[np.int64] | None:
    sums = [spectrum.counts for spectrum in header.spectra]
    if any(counts.shape != (n_channels,) or not counts.any() for counts in sums):
        return None
    total: NDArray[np.int64] = np.sum(sums, axis=0, dtype=np.int64)
    return total if (total >= 0).all() else None


def _metadata(header: BrukerHeader) -> dict[str, Any]:
    spectrum = header.spectra[0]
    hardware, xrf = spectrum.hardware, spectrum.xrf
    facts = {
        "detector_type": spectrum.detector.type or None,
        "real_time_s": hardware.real_time_s,
        "live_time_s": hardware.live_time_s,
        "zero_peak_channel": hardware.zero_peak_channel,
        "zero_peak_frequency_hz": hardware.zero_peak_frequency_hz,
        "stage_um": header.stage_um,
        "spot_size_um": None if xrf is None else xrf.spot_size_um,
        "xrf_header": None if xrf is None else xrf.facts,
        "hardware_header": hardware.facts or None,
        "detector_header": spectrum.detector.facts or None,
        "spectrum_header": spectrum.facts or None,
    }
    return {name: value for name, value in facts.items() if value is not None}
