"""From an instrument to the parts of Bruker's header that describe it.

The header has no place for the lens's transmission, the yield and solid angle of the tube, the
scattering angle, the shape of the detector's tail and shelf, and the density of layers.
"""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
import zlib

from lithoscope.core.elements import atomic_number
from lithoscope.core.instrument import Detector, Instrument, Layer
from lithoscope.io.bruker.header_parts import HeaderLayer
from lithoscope.io.bruker.instrument import density_in_header_g_cm3
from lithoscope.physics.constants import FWHM_PER_SIGMA, SILICON_PAIR_ENERGY_KEV

_MAKER = "Bruker "
_SYNTHETIC = "synthetic"
_NO_LAYERS = base64.b64encode(zlib.compress(b"<DetLayers/>")).decode()
_GASES = {"vacuum": "Vacuum", "air": "Air", "helium": "Helium"}


def xrf_header(instrument: Instrument) -> ET.Element:
    """Return a ``TRTXrfHeader``."""
    tube, geometry, atmosphere = instrument.tube, instrument.geometry, instrument.atmosphere
    node = _header("TRTXrfHeader", "RTXrfHeader")
    texts = {
        "ChassisType": instrument.name.removeprefix(_MAKER),
        "TubeType": _SYNTHETIC,
        "Voltage": plain(tube.voltage_kV),
        "Current": plain(1000 * tube.current_mA),
        "Anode": str(atomic_number(tube.anode)),
        "TubeIncidentAngle": plain(tube.electron_angle_deg),
        "TubeTakeOffAngle": plain(tube.take_off_angle_deg),
        "Optic": "Collimator" if instrument.optic is None else "Lens",
        "ExcitationAngle": plain(geometry.incidence_deg),
        "DetectionAngle": plain(geometry.take_off_deg),
        "ExcitationPathLength": plain(atmosphere.excitation_path_mm),
        "DetectionPathLength": plain(atmosphere.detection_path_mm),
        "SolidAngleDetection": plain(geometry.solid_angle_sr),
        "ChamberPressure": plain(atmosphere.pressure_mbar),
        "Atmosphere": _GASES[atmosphere.gas],
    }
    for tag, text in texts.items():
        ET.SubElement(node, tag).text = text
    node.append(_stack("TubeWindow", "Tube window", tube.window))
    names = "/".join(f"{layer.formula} {layer.thickness_um:g} µm" for layer in tube.filters)
    node.append(_stack("ExcitationFilter", names or "Empty", tube.filters))
    return node


def detector_header(detector: Detector) -> ET.Element:
    """Return a ``TRTDetectorHeader``."""
    node = _header("TRTDetectorHeader", "RTDetector")
    texts = {
        "Type": _SYNTHETIC,
        "DetectorThickness": plain(detector.thickness_um / 1000),
        "SiDeadLayerThickness": plain(detector.dead_layer_um),
        "DetLayers": _NO_LAYERS,
        "WindowType": "/".join(layer.formula for layer in detector.window),
    }
    for tag, text in texts.items():
        ET.SubElement(node, tag).text = text
    window = ET.SubElement(node, "WindowLayers")
    for number, layer in enumerate(_elements(detector.window)):
        attributes = {"Atom": str(layer.atomic_number), "Thickness": plain(layer.thickness_um)}
        ET.SubElement(window, f"Layer{number}", attributes)
    return node


def resolution(detector: Detector) -> tuple[float, float]:
    """Return SigmaAbs in keV² and SigmaLin in keV: peaks have the variance ``abs + lin E``."""
    constant = (detector.noise_keV / FWHM_PER_SIGMA) ** 2
    return constant, detector.fano * SILICON_PAIR_ENERGY_KEV


def plain(number: float) -> str:
    """Write a number with all its digits."""
    return repr(float(number))


def _header(kind: str, known_as: str) -> ET.Element:
    node = ET.Element("ClassInstance", Type=kind)
    ET.SubElement(ET.SubElement(node, "TRTKnownHeader"), "Type").text = known_as
    return node


def _stack(tag: str, name: str, layers: tuple[Layer, ...]) -> ET.Element:
    """Return the layers of a tube window or filter as parallel lists."""
    node = ET.Element(tag)
    ET.SubElement(node, "FilterId").text = name
    elements = _elements(layers)
    if elements:
        lists = {
            "AtomicNumber": [str(layer.atomic_number) for layer in elements],
            "Thickness": [plain(layer.thickness_um) for layer in elements],
            "RelativeArea": ["1"] * len(elements),
        }
        ET.SubElement(node, "NofLayer").text = str(len(elements))
        for name, words in lists.items():
            ET.SubElement(node, name).text = ",".join(words)
    return node


def _elements(layers: tuple[Layer, ...]) -> list[HeaderLayer]:
    """Split layers into their elements, each as thick as makes its mass per area right."""
    elements = []
    for layer in layers:
        for symbol, fraction in layer.composition:
            number = atomic_number(symbol)
            ratio = fraction * layer.density_g_cm3 / density_in_header_g_cm3(number)
            elements.append(HeaderLayer(number, layer.thickness_um * ratio))
    return elements
