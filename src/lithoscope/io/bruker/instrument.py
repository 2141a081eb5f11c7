"""From Bruker's header to an instrument, and what the header lacks or contradicts."""

from __future__ import annotations

import dataclasses
import math

import xraylib

from lithoscope.core.elements import MAX_ATOMIC_NUMBER
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import (
    Atmosphere,
    Detector,
    Geometry,
    Instrument,
    Layer,
    Polycapillary,
    Tube,
)
from lithoscope.errors import InstrumentError
from lithoscope.io.bruker.header import BrukerHeader, Calibration
from lithoscope.io.bruker.header_parts import DetectorHeader, HeaderLayer, XrfHeader
from lithoscope.physics.constants import FWHM_PER_SIGMA, SILICON_PAIR_ENERGY_KEV

_MN_KA_KEV = 5.895
_SANE_FWHM_KEV = (0.1, 0.3)

# M4 chambers are pumped to 2 to 20 mbar, and their headers still say "Air".
_VACUUM_MBAR = 50.0
_NORMAL_MBAR = 1013.0
_GASES = {"vacuum": "vacuum", "air": "air", "helium": "helium", "he": "helium"}
_LENSES = ("lens", "polycapillary")

# An instrument has one detector, or two that face each other; others see what these see.
_MAX_DETECTORS = 2

# Nitrogen and oxygen are listed as elements of a polymer window; polyimide has 1.42 g/cm3.
_GAS_DENSITY = 0.1
_POLYMER_DENSITY = 1.42


def instrument_from_header(
    header: BrukerHeader, *, name: str, default: Instrument
) -> tuple[Instrument, list[str]]:
    """Make an instrument of what a header tells.

    Layers have the density of their element. The detector's own contact layers (0.2 µm of light
    elements) are left out. Resolution comes from ``sigma^2 = SigmaAbs + SigmaLin E``. The header
    gives the angles of beam and detector to the surface, but not the one between them: acrylic on
    an XS-52 (50 and 50 degrees) scatters as by 130 degrees, so they do not lie in one plane.

    Parameters
    ----------
    header
        A header with an XRF part.
    name
        What to call the instrument.
    default
        Stands in for what headers do not tell (the lens's transmission, the tube's yield, the
        scattering angle, the lines of the machine's own parts) and for what this one lacks.

    Returns
    -------
    instrument : Instrument
    notes : list of str
        One line for each thing that the header contradicts or lacks.

    Raises
    ------
    InstrumentError
        If the header has no XRF part, or what it says cannot exist.
    """
    spectrum = header.spectra[0]
    if spectrum.xrf is None:
        raise InstrumentError(
            f"The header of '{header.title or name}' describes no X-ray source.",
            expected="a header with a TRTXrfHeader, which only XRF machines write",
            remedy="name the instrument with --instrument",
        )
    notes: list[str] = []
    return (
        Instrument(
            name=name,
            tube=_tube(spectrum.xrf, default.tube, notes),
            optic=_optic(spectrum.xrf, default.optic, notes),
            geometry=dataclasses.replace(
                _geometry(spectrum.xrf, default.geometry, notes),
                detectors=min(len(header.spectra), _MAX_DETECTORS),
            ),
            atmosphere=_atmosphere(spectrum.xrf, default.atmosphere, notes),
            detector=_detector(spectrum.detector, spectrum.calibration, default.detector, notes),
            axis=_axis(spectrum.calibration, default.axis, notes),
            stray_lines=default.stray_lines,
        ),
        notes,
    )


def density_in_header_g_cm3(atomic_number: int) -> float:
    """Return the density in g/cm³ with which an element's thickness in a header is meant.

    That of the element; elements that are gases stand in headers as parts of a polymer.
    """
    density = float(xraylib.ElementDensity(atomic_number))
    return _POLYMER_DENSITY if density < _GAS_DENSITY else density


def _known(name: str, value: float | None, default: float, notes: list[str]) -> float:
    """Return a value of the header, or the default with a note."""
    if value is None:
        notes.append(f"the header gives no {name}; {default:g} is assumed")
        return default
    return value


def _tube(xrf: XrfHeader, default: Tube, notes: list[str]) -> Tube:
    if xrf.anode is None or not 1 <= xrf.anode <= MAX_ATOMIC_NUMBER:
        raise InstrumentError(
            f"The header's tube has an anode of atomic number {xrf.anode}.",
            expected=f"1 to {MAX_ATOMIC_NUMBER}, such as 45 for rhodium",
            remedy="name the instrument with --instrument",
        )
    if xrf.voltage_kV is None:
        raise InstrumentError(
            "The header gives no tube voltage.",
            expected="Voltage in the TRTXrfHeader",
            remedy="name the instrument with --instrument",
        )
    current = _known("tube current in µA", xrf.current_uA, default.current_mA * 1000, notes)
    window = _layers(xrf.tube_window, "tube window", notes)
    if not window:
        notes.append(f"the header gives no tube window; {_listed(default.window)} is assumed")
    return dataclasses.replace(
        default,
        anode=xraylib.AtomicNumberToSymbol(xrf.anode),
        voltage_kV=xrf.voltage_kV,
        electron_angle_deg=_known(
            "angle of the tube's electrons",
            xrf.tube_incidence_deg,
            default.electron_angle_deg,
            notes,
        ),
        take_off_angle_deg=_known(
            "take-off angle of the tube", xrf.tube_take_off_deg, default.take_off_angle_deg, notes
        ),
        current_mA=current / 1000,
        window=window or default.window,
        filters=_layers(xrf.filters, "filter", notes),
    )


def _layers(layers: tuple[HeaderLayer, ...], what: str, notes: list[str]) -> tuple[Layer, ...]:
    """Make layers of elements; grids, which dim all energies alike, are left out."""
    made = []
    for layer in layers:
        if not 1 <= layer.atomic_number <= MAX_ATOMIC_NUMBER:
            raise InstrumentError(
                f"A layer of the {what} has the atomic number {layer.atomic_number}.",
                expected=f"1 to {MAX_ATOMIC_NUMBER}",
                remedy="name the instrument with --instrument",
            )
        symbol = xraylib.AtomicNumberToSymbol(layer.atomic_number)
        if layer.relative_area < 1:
            notes.append(
                f"the {symbol} grid of the {what} is left out; "
                f"it dims all energies alike by {layer.relative_area:.0%}"
            )
            continue
        density = density_in_header_g_cm3(layer.atomic_number)
        if density == _POLYMER_DENSITY:
            notes.append(
                f"{symbol} in the {what} is given the density of a polymer, {density} g/cm3"
            )
        made.append(Layer(symbol, layer.thickness_um, density))
    return tuple(made)


def _listed(layers: tuple[Layer, ...]) -> str:
    return " and ".join(f"{layer.thickness_um:g} µm {layer.formula}" for layer in layers)


def _optic(xrf: XrfHeader, default: Polycapillary | None, notes: list[str]) -> Polycapillary | None:
    optic = xrf.optic.lower()
    if optic in _LENSES:
        return default
    if optic and "collimator" not in optic and optic not in ("none", "empty"):
        notes.append(f"the optic '{xrf.optic}' is not known; it is taken for a collimator")
    if not optic:
        notes.append("the header names no optic; a collimator is assumed")
    return None


def _geometry(xrf: XrfHeader, default: Geometry, notes: list[str]) -> Geometry:
    incidence = _known(
        "angle of excitation", xrf.excitation_angle_deg, default.incidence_deg, notes
    )
    take_off = _known("angle of detection", xrf.detection_angle_deg, default.take_off_deg, notes)
    # What remains possible given the angles to the surface: both in one plane, on either side.
    low, high = sorted((min(incidence + take_off, 180.0), 180.0 - abs(incidence - take_off)))
    return Geometry(
        incidence_deg=incidence,
        take_off_deg=take_off,
        scattering_angle_deg=min(max(default.scattering_angle_deg, low), high),
        solid_angle_sr=_known(
            "solid angle of the detector", xrf.solid_angle_sr, default.solid_angle_sr, notes
        ),
    )


def _atmosphere(xrf: XrfHeader, default: Atmosphere, notes: list[str]) -> Atmosphere:
    pressure = _known("pressure in mbar", xrf.pressure_mbar, _NORMAL_MBAR, notes)
    gas = _GASES.get(xrf.atmosphere.lower(), "")
    if not gas:
        gas = "air"
        notes.append(f"the atmosphere '{xrf.atmosphere}' is not known; air is assumed")
    if gas != "vacuum" and pressure < _VACUUM_MBAR:
        notes.append(
            f"the header says {xrf.atmosphere or gas} at {pressure:g} mbar; taken for vacuum"
        )
        gas = "vacuum"
    elif gas == "vacuum" and pressure >= _VACUUM_MBAR:
        notes.append(f"the header says vacuum at {pressure:g} mbar; taken for vacuum")
    return Atmosphere(
        gas=gas,
        pressure_mbar=pressure,
        excitation_path_mm=_known(
            "excitation path in mm", xrf.excitation_path_mm, default.excitation_path_mm, notes
        ),
        detection_path_mm=_known(
            "detection path in mm", xrf.detection_path_mm, default.detection_path_mm, notes
        ),
    )


def _detector(
    header: DetectorHeader, calibration: Calibration, default: Detector, notes: list[str]
) -> Detector:
    thickness = _known(
        "thickness of the detector in mm", header.thickness_mm, default.thickness_um / 1000, notes
    )
    window = _layers(header.window, "detector window", notes)
    if not header.window:
        notes.append(f"the header gives no detector window; {_listed(default.window)} is assumed")
        window = default.window
    detector = dataclasses.replace(
        default,
        thickness_um=thickness * 1000,
        dead_layer_um=_known(
            "dead layer of the detector in µm", header.dead_layer_um, default.dead_layer_um, notes
        ),
        window=window,
    )
    resolution = _resolution(calibration, notes)
    if resolution is None:
        return detector
    return dataclasses.replace(detector, noise_keV=resolution[0], fano=resolution[1])


def _resolution(calibration: Calibration, notes: list[str]) -> tuple[float, float] | None:
    """Return noise (FWHM, keV) and Fano factor, unless they give no sane resolution."""
    constant, slope = calibration.sigma_abs, calibration.sigma_lin
    if constant is None or slope is None or constant <= 0 or slope <= 0:
        notes.append("the header gives no resolution; the usual one is assumed")
        return None
    fwhm = FWHM_PER_SIGMA * math.sqrt(constant + slope * _MN_KA_KEV)
    if not _SANE_FWHM_KEV[0] <= fwhm <= _SANE_FWHM_KEV[1]:
        notes.append(
            f"the header gives a resolution of {fwhm * 1000:.0f} eV at Mn Ka; "
            "the usual one is assumed"
        )
        return None
    return FWHM_PER_SIGMA * math.sqrt(constant), slope / SILICON_PAIR_ENERGY_KEV


def _axis(calibration: Calibration, default: EnergyAxis, notes: list[str]) -> EnergyAxis:
    offset, gain = calibration.offset_keV, calibration.gain_keV
    if offset is None or gain is None or gain <= 0 or calibration.n_channels is None:
        notes.append("the header gives no energy calibration; the usual one is assumed")
        return default
    return EnergyAxis(offset, gain, calibration.n_channels)
