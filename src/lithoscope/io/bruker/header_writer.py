"""The header of a .bcf that Lithoscope writes: an XRF machine's, as RosettaSciIO needs it too."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.map_facts import MapFacts
from lithoscope.io.bruker.xrf_writer import detector_header, plain, resolution, xrf_header

_DECLARATION = b'<?xml version="1.0" encoding="WINDOWS-1252" standalone="yes"?>'
# When a file was written is left out: the same counts shall give the same file.
_DATE, _TIME = "1.1.2000", "0:0:0"
_MICROSECONDS, _MILLISECONDS, _MICROMETRES = 1e6, 1e3, 1e3
_NO_TIME_S = 1e-6
_EV = 1e3


def header_xml(facts: MapFacts, sums: NDArray[np.int64]) -> bytes:
    """Return the XML of ``HeaderData``.

    Parameters
    ----------
    facts
        What is known of the map.
    sums
        Sum spectrum of each detector, shape (detector, channel).
    """
    root = ET.Element("TRTSpectrumDatabase")
    ET.SubElement(root, "RTHeader")
    database = _instance(root, "TRTSpectrumDatabase", name=facts.title)
    head = ET.SubElement(database, "Header")
    _fill(head, Date=_DATE, Time=_TIME, FileVersion="2")
    step_y, step_x = (plain(_MICROMETRES * step) for step in facts.pixel_size_mm)
    _fill(_instance(database, "TRTSEMData"), DX=step_x, DY=step_y)
    _instance(database, "TRTSEMStageData")
    _add_scan_head(database, facts)
    _add_image(database, facts, name=None, times=None)
    _add_image(database, facts, name="PixelTimes", times=facts.pixel_times)
    _fill(
        database,
        LineCounter=",".join(["1"] * facts.shape[0]),
        ChCount=str(facts.axis.n_channels),
        DetectorCount=str(len(sums)),
    )
    for number, spectrum in enumerate(sums):
        _add_spectrum(ET.SubElement(database, f"SpectrumData{number}"), facts, spectrum)
    text = ET.tostring(root, encoding="unicode")
    return _DECLARATION + text.encode("cp1252", "xmlcharrefreplace")


def _instance(parent: ET.Element, kind: str, *, name: str | None = None) -> ET.Element:
    attributes = {"Type": kind} if name is None else {"Type": kind, "Name": name}
    return ET.SubElement(parent, "ClassInstance", attributes)


def _fill(parent: ET.Element, **texts: str) -> None:
    for tag, text in texts.items():
        ET.SubElement(parent, tag).text = text


def _add_scan_head(database: ET.Element, facts: MapFacts) -> None:
    """Add how the map was scanned; RosettaSciIO works the real time out from it."""
    height, width = facts.shape
    per_pixel = (facts.real_time_s or _NO_TIME_S) / (height * width)
    _fill(
        _instance(database, "TRTDSPConfiguration"),
        ImageWidth=str(width),
        ImageHeight=str(height),
        PixelAverage="1",
        LineAverage="1",
        PixelTime=plain(_MICROSECONDS * per_pixel),
    )


def _add_image(
    database: ET.Element,
    facts: MapFacts,
    *,
    name: str | None,
    times: NDArray[np.float64] | None,
) -> None:
    """Add an image of the map; the one without a name tells RosettaSciIO the map's size."""
    image = _instance(database, "TRTImageData", name=name)
    _fill(
        image,
        ItemSize="4",
        Width=str(facts.shape[1]),
        Height=str(facts.shape[0]),
        PlaneCount="0" if times is None else "1",
    )
    if times is not None:
        raw = np.rint(_MICROSECONDS * times).astype("<u4").tobytes()
        plane = ET.SubElement(image, "Plane0")
        _fill(plane, Data=base64.b64encode(raw).decode(), Size=str(len(raw)))


def _add_spectrum(parent: ET.Element, facts: MapFacts, counts: NDArray[np.int64]) -> None:
    spectrum = _instance(parent, "TRTSpectrum")
    headers = ET.SubElement(spectrum, "TRTHeaderedClass")
    hardware = _instance(headers, "TRTSpectrumHardwareHeader")
    if facts.live_time_s is not None and facts.real_time_s is not None:
        _fill(
            hardware,
            RealTime=plain(_MILLISECONDS * facts.real_time_s),
            LifeTime=plain(_MILLISECONDS * facts.live_time_s),
        )
    _fill(hardware, Amplification=plain(_EV * facts.axis.gain_keV * facts.axis.n_channels))
    headers.append(detector_header(facts.instrument.detector))
    headers.append(xrf_header(facts.instrument))
    constant, slope = resolution(facts.instrument.detector)
    _fill(
        _instance(spectrum, "TRTSpectrumHeader"),
        Date=_DATE,
        Time=_TIME,
        ChannelCount=str(facts.axis.n_channels),
        CalibAbs=plain(facts.axis.offset_keV),
        CalibLin=plain(facts.axis.gain_keV),
        SigmaAbs=plain(constant),
        SigmaLin=plain(slope),
    )
    _fill(spectrum, Channels=",".join(map(str, counts.tolist())))
