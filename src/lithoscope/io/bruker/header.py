"""The header that Bruker writes into .bcf maps and .spx spectra."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import FileFormatError
from lithoscope.io.bruker.header_parts import (
    DetectorHeader,
    Facts,
    Hardware,
    XrfHeader,
    facts_of,
    read_detector,
    read_hardware,
    read_xrf,
)
from lithoscope.io.bruker.images import map_shape, pixel_times_s
from lithoscope.io.bruker.xml_tree import number_of, numbers_of, parse_xml, text_of

_MAX_CHANNELS = 1 << 16


@dataclass(frozen=True)
class Calibration:
    """Energy calibration and resolution of a spectrum.

    Energies are ``offset_keV + gain_keV * channel``; peaks have the variance
    ``sigma_abs + sigma_lin * E`` in keV².
    """

    offset_keV: float | None
    gain_keV: float | None
    n_channels: int | None
    sigma_abs: float | None
    sigma_lin: float | None

    @property
    def ends_keV(self) -> tuple[float, float] | None:
        """Energies of the first and last channel; ``None`` where the calibration is missing."""
        if self.offset_keV is None or self.gain_keV is None or self.n_channels is None:
            return None
        return self.offset_keV, self.offset_keV + self.gain_keV * (self.n_channels - 1)


@dataclass(frozen=True, eq=False)
class SpectrumHeader:
    """What stands with one spectrum: that of an .spx, or a .bcf's sum over one detector."""

    name: str
    calibration: Calibration
    hardware: Hardware
    detector: DetectorHeader
    xrf: XrfHeader | None
    counts: NDArray[np.int64]
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class BrukerHeader:
    """A header of a .bcf or .spx file.

    Parameters
    ----------
    title
        Name of the map or spectrum; empty where it has none.
    spectra
        One a detector stream; never empty.
    step_um
        Step of the map along (y, x) in µm; ``None`` for spectra and where it is not given.
    stage_um
        Position of the stage along (x, y, z) in µm.
    map_shape
        Rows and columns (y, x) of the map.
    line_counter
        How often each row was scanned.
    pixel_times_s
        Time spent on each pixel in s, shape (y, x).
    """

    title: str
    spectra: tuple[SpectrumHeader, ...]
    step_um: tuple[float, float] | None = None
    stage_um: tuple[float, float, float] | None = None
    map_shape: tuple[int, int] | None = None
    line_counter: tuple[int, ...] = ()
    pixel_times_s: NDArray[np.float64] | None = None

    @property
    def has_xrf(self) -> bool:
        """Whether an X-ray fluorescence machine wrote the file."""
        return self.spectra[0].xrf is not None

    @property
    def machine(self) -> str:
        """What the machine is called, such as ``Bruker XS-52``."""
        xrf = self.spectra[0].xrf
        return f"Bruker {xrf.chassis if xrf else ''}".strip()


def parse_header(raw: bytes, *, where: str, error: type[FileFormatError]) -> BrukerHeader:
    """Read the XML of an .spx file, or of ``HeaderData`` in a .bcf.

    Parameters
    ----------
    raw
        The XML.
    where
        What to call it in messages.
    error
        Kind of error to raise.

    Raises
    ------
    FileFormatError
        Of the given kind, if the XML cannot be parsed or holds no spectrum.
    """
    root = parse_xml(raw, where=where, error=error)
    database = root.find("./ClassInstance[@Type='TRTSpectrumDatabase']")
    single = root.find("./ClassInstance[@Type='TRTSpectrum']")
    if database is not None:
        nodes = _numbered_spectra(database)
    else:
        nodes = [] if single is None else [single]
    if not nodes:
        raise error(
            f"{where} holds no spectrum (its root is '{root.tag[:80]}').",
            expected="TRTSpectrum or TRTSpectrumDatabase with SpectrumData0",
            remedy="copy or export the file again",
        )
    owner = nodes[0] if database is None else database
    return BrukerHeader(
        title=owner.get("Name", ""),
        spectra=tuple(_spectrum(node, where, error) for node in nodes),
        step_um=_step_um(database),
        stage_um=_stage_um(database),
        map_shape=map_shape(database),
        line_counter=tuple(map(int, numbers_of(database, "LineCounter"))),
        pixel_times_s=pixel_times_s(database),
    )


def _numbered_spectra(database: ET.Element) -> list[ET.Element]:
    nodes: list[ET.Element] = []
    while True:
        tag = f"./SpectrumData{len(nodes)}/ClassInstance[@Type='TRTSpectrum']"
        node = database.find(tag)
        if node is None:
            return nodes
        nodes.append(node)


def _step_um(database: ET.Element | None) -> tuple[float, float] | None:
    if database is None:
        return None
    stage = database.find("./ClassInstance[@Type='TRTSEMData']")
    step_y, step_x = number_of(stage, "DY"), number_of(stage, "DX")
    if step_y is None or step_x is None or step_y <= 0 or step_x <= 0:
        return None
    return step_y, step_x


def _stage_um(database: ET.Element | None) -> tuple[float, float, float] | None:
    node = None if database is None else database.find("./ClassInstance[@Type='TRTSEMStageData']")
    x, y, z = (number_of(node, axis) for axis in "XYZ")
    return None if x is None or y is None or z is None else (x, y, z)


def _spectrum(node: ET.Element, where: str, error: type[FileFormatError]) -> SpectrumHeader:
    headers = node.find("./TRTHeaderedClass")
    calibration = node.find("./ClassInstance[@Type='TRTSpectrumHeader']")
    counts = _counts(text_of(node, "Channels"), where, error)
    stated = int(number_of(calibration, "ChannelCount") or 0)
    _check_channels(stated, where, error)
    # Where a few are not listed, pulses in them are there all the same.
    n_channels = max(counts.size, stated)
    return SpectrumHeader(
        name=node.get("Name", ""),
        calibration=Calibration(
            offset_keV=number_of(calibration, "CalibAbs"),
            gain_keV=number_of(calibration, "CalibLin"),
            n_channels=n_channels or None,
            sigma_abs=number_of(calibration, "SigmaAbs"),
            sigma_lin=number_of(calibration, "SigmaLin"),
        ),
        hardware=read_hardware(_part(headers, "TRTSpectrumHardwareHeader")),
        detector=read_detector(_part(headers, "TRTDetectorHeader")),
        xrf=read_xrf(_part(headers, "TRTXrfHeader")),
        counts=counts,
        facts=facts_of(calibration),
    )


def _part(headers: ET.Element | None, kind: str) -> ET.Element | None:
    return None if headers is None else headers.find(f"./ClassInstance[@Type='{kind}']")


def _check_channels(number: int, where: str, error: type[FileFormatError]) -> None:
    if not 0 <= number <= _MAX_CHANNELS:
        raise error(f"{where} has {number} channels.", expected=f"at most {_MAX_CHANNELS}")


def _counts(text: str, where: str, error: type[FileFormatError]) -> NDArray[np.int64]:
    words = text.split(",") if text else []
    _check_channels(len(words), where, error)
    try:
        return np.array([int(word) for word in words], dtype=np.int64)
    except (ValueError, OverflowError) as problem:
        raise error(
            f"{where} has a channel that is no count ({problem}).",
            expected="whole numbers, divided by commas",
        ) from None
