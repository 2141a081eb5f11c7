"""Parts of Bruker's header: pulse processing, detector, and X-ray source."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lithoscope.errors import FileFormatError
from lithoscope.io.bruker.xml_tree import (
    number_of,
    numbers_of,
    parse_xml,
    text_of,
    to_number,
)

# A detector has a handful of layers; more is not a header but an attack.
_MAX_LAYER_BYTES = 1 << 16

# Everything that stands in a part, as text: tags that come several times have several texts.
Facts = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class HeaderLayer:
    """A layer as the header lists it: which element, how thick, over which share of the area."""

    atomic_number: int
    thickness_um: float
    relative_area: float = 1.0


@dataclass(frozen=True)
class Hardware:
    """Times and pulse processing of a spectrum."""

    real_time_s: float | None
    live_time_s: float | None
    zero_peak_channel: float | None
    zero_peak_frequency_hz: float | None
    amplification: float | None
    shaping_time: float | None
    facts: Facts = field(default_factory=dict)

    @property
    def live_share(self) -> float | None:
        """Share of the time in which the detector was not dead; ``None`` where it is not known."""
        real, live = self.real_time_s, self.live_time_s
        return live / real if real is not None and live is not None and 0 < live <= real else None


@dataclass(frozen=True)
class DetectorHeader:
    """The detector; `layers` are its own layers under the window."""

    type: str
    thickness_mm: float | None
    dead_layer_um: float | None
    window: tuple[HeaderLayer, ...]
    layers: tuple[HeaderLayer, ...]
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class XrfHeader:
    """Tube, optic, geometry and atmosphere; only X-ray fluorescence machines write it.

    Lengths of paths are in mm, angles in degrees to the sample's surface (those of the tube to
    the anode's), the pressure in mbar.
    """

    chassis: str
    tube: str
    anode: int | None
    voltage_kV: float | None
    current_uA: float | None
    tube_incidence_deg: float | None
    tube_take_off_deg: float | None
    tube_window: tuple[HeaderLayer, ...]
    optic: str
    optic_parameters: tuple[float, ...]
    filter_name: str
    filters: tuple[HeaderLayer, ...]
    spot_size_um: float | None
    excitation_angle_deg: float | None
    detection_angle_deg: float | None
    excitation_path_mm: float | None
    detection_path_mm: float | None
    solid_angle_sr: float | None
    pressure_mbar: float | None
    atmosphere: str
    facts: Facts = field(default_factory=dict)


def read_hardware(node: ET.Element | None) -> Hardware:
    """Read a ``TRTSpectrumHardwareHeader``, whose times are in ms."""
    real, live = number_of(node, "RealTime"), number_of(node, "LifeTime")
    return Hardware(
        real_time_s=None if real is None else real / 1000,
        live_time_s=None if live is None else live / 1000,
        zero_peak_channel=number_of(node, "ZeroPeakPosition"),
        zero_peak_frequency_hz=number_of(node, "ZeroPeakFrequency"),
        amplification=number_of(node, "Amplification"),
        shaping_time=number_of(node, "ShapingTime"),
        facts=facts_of(node),
    )


def read_detector(node: ET.Element | None) -> DetectorHeader:
    """Read a ``TRTDetectorHeader``."""
    return DetectorHeader(
        type=text_of(node, "Type"),
        thickness_mm=number_of(node, "DetectorThickness"),
        dead_layer_um=number_of(node, "SiDeadLayerThickness"),
        window=_layers(None if node is None else node.find("WindowLayers")),
        layers=_layers(_packed_xml(text_of(node, "DetLayers"))),
        facts=facts_of(node),
    )


def facts_of(node: ET.Element | None) -> Facts:
    """Return all texts of a part by their tag, those of its own parts as ``Part/Tag``."""
    facts: dict[str, tuple[str, ...]] = {}
    for child in () if node is None else node:
        named = [(child.tag, child)] if not len(child) else []
        named += [(f"{child.tag}/{part.tag}", part) for part in child]
        for name, leaf in named:
            text = (leaf.text or "").strip()
            if text:
                facts[name] = (*facts.get(name, ()), text)
    return facts


def _packed_xml(text: str) -> ET.Element | None:
    """Unpack an element that stands as base64 of zlib; ``None`` where that fails."""
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(base64.b64decode(text), _MAX_LAYER_BYTES)
        return parse_xml(raw, where="DetLayers", error=FileFormatError)
    except (ValueError, zlib.error, FileFormatError):
        return None


def _layers(node: ET.Element | None) -> tuple[HeaderLayer, ...]:
    layers = []
    for child in () if node is None else node:
        atom = to_number(child.get("Atom", ""))
        thickness = to_number(child.get("Thickness", ""))
        area = to_number(child.get("RelativeArea", "1"))
        if atom is not None and thickness is not None and area is not None:
            layers.append(HeaderLayer(int(atom), thickness, area))
    return tuple(layers)


def _stack(node: ET.Element | None) -> tuple[HeaderLayer, ...]:
    """Layers of a tube window or filter, which stand as parallel lists."""
    atoms, thicknesses = numbers_of(node, "AtomicNumber"), numbers_of(node, "Thickness")
    areas = numbers_of(node, "RelativeArea") or (1.0,) * len(atoms)
    return tuple(
        HeaderLayer(int(atom), thickness, area)
        for atom, thickness, area in zip(atoms, thicknesses, areas, strict=False)
    )


def read_xrf(node: ET.Element | None) -> XrfHeader | None:
    """Read a ``TRTXrfHeader``; ``None`` where there is none."""
    if node is None:
        return None
    anode = number_of(node, "Anode")
    excitation_filter = node.find("ExcitationFilter")
    return XrfHeader(
        chassis=text_of(node, "ChassisType"),
        tube=text_of(node, "TubeType"),
        anode=None if anode is None else int(anode),
        voltage_kV=number_of(node, "Voltage"),
        current_uA=number_of(node, "Current"),
        tube_incidence_deg=number_of(node, "TubeIncidentAngle"),
        tube_take_off_deg=number_of(node, "TubeTakeOffAngle"),
        tube_window=_stack(node.find("TubeWindow")),
        optic=text_of(node, "Optic"),
        optic_parameters=numbers_of(node, "OpticParam"),
        filter_name=text_of(excitation_filter, "FilterId"),
        filters=_stack(excitation_filter),
        spot_size_um=number_of(node, "SpotSize"),
        excitation_angle_deg=number_of(node, "ExcitationAngle"),
        detection_angle_deg=number_of(node, "DetectionAngle"),
        excitation_path_mm=number_of(node, "ExcitationPathLength"),
        detection_path_mm=number_of(node, "DetectionPathLength"),
        solid_angle_sr=number_of(node, "SolidAngleDetection"),
        pressure_mbar=number_of(node, "ChamberPressure"),
        atmosphere=text_of(node, "Atmosphere"),
        facts=facts_of(node),
    )
