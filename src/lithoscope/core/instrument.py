"""The instrument: tube, optic, geometry, atmosphere and detector of a micro-XRF machine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lithoscope.core.composition import Composition
from lithoscope.core.elements import atomic_number
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.formula import composition_from_formula
from lithoscope.errors import InstrumentError

# Anodes for which Ebel (2003) gives what the L lines need; others have no place in micro-XRF.
ANODES = ("Cr", "Cu", "Mo", "Rh", "Ag", "W")


def _require(good: bool, problem: str, expected: str) -> None:
    if not good:
        raise InstrumentError(problem, expected=expected)


def _require_positive(owner: str, **values: float) -> None:
    for name, value in values.items():
        _require(
            bool(np.isfinite(value)) and value > 0,
            f"{name} of the {owner} is {value}.",
            "a positive number",
        )


@dataclass(frozen=True)
class Layer:
    """A foil or window that the radiation passes at right angles.

    Parameters
    ----------
    formula
        Chemical formula, such as ``Be`` or ``C10H8O4``.
    thickness_um
        Thickness in µm.
    density_g_cm3
        Density in g/cm³.
    """

    formula: str
    thickness_um: float
    density_g_cm3: float

    def __post_init__(self) -> None:
        composition_from_formula(self.formula)
        _require_positive(f"{self.formula} layer", density_g_cm3=self.density_g_cm3)
        _require(
            bool(np.isfinite(self.thickness_um)) and self.thickness_um >= 0,
            f"thickness_um of the {self.formula} layer is {self.thickness_um}.",
            "0 or more µm",
        )

    @property
    def composition(self) -> Composition:
        """Element mass fractions of the layer."""
        return composition_from_formula(self.formula)

    @property
    def mass_thickness_g_cm2(self) -> float:
        """Mass per area in g/cm²."""
        return self.density_g_cm3 * self.thickness_um * 1e-4


@dataclass(frozen=True)
class Tube:
    """An X-ray tube.

    Parameters
    ----------
    anode
        Element of the anode, one of `ANODES`.
    voltage_kV
        Acceleration voltage, 4 to 100 kV.
    electron_angle_deg, take_off_angle_deg
        Angles of the electron beam and of the used X-rays to the anode's surface.
    current_mA
        Tube current.
    solid_angle_sr
        Solid angle of the beam that reaches the sample, seen from the anode.
    k_line_factor
        Yield of the anode's K lines over that of Ebel's model, whose constant is uncertain
        (5e13 in Ebel 1999, 6e13 in later codes).
    window, filters
        Layers between the anode and the optic.
    """

    anode: str = "Rh"
    voltage_kV: float = 50.0
    electron_angle_deg: float = 78.0
    take_off_angle_deg: float = 12.0
    current_mA: float = 0.6
    solid_angle_sr: float = 1e-4
    k_line_factor: float = 1.0
    window: tuple[Layer, ...] = (Layer("Be", 100.0, 1.848),)
    filters: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        _require(
            self.anode in ANODES,
            f"anode '{self.anode}' is not known.",
            f"one of {', '.join(ANODES)}",
        )
        _require(
            4 <= self.voltage_kV <= 100,
            f"voltage_kV of the tube is {self.voltage_kV}.",
            "4 to 100 kV",
        )
        _require_positive(
            "tube",
            current_mA=self.current_mA,
            solid_angle_sr=self.solid_angle_sr,
            k_line_factor=self.k_line_factor,
        )
        for name in ("electron_angle_deg", "take_off_angle_deg"):
            _require_angle("tube", name, getattr(self, name))


@dataclass(frozen=True)
class Polycapillary:
    """Transmission of a polycapillary lens over energy.

    ``T(E) = (E / fall)^rise / (1 + (E / fall)^steepness)``, up to a constant: at low energy
    reflection losses take photons away; above some energy the critical angle, 30 keV mrad / E,
    becomes smaller than the bend of the capillaries, channel by channel from the outside in
    (MacDonald 2010, X-Ray Opt. Instrum. 2010, 867049). The form is empirical: of three tried it
    is the one that fits acrylic and metals on a Bruker XS-52 together (``docs/physics.md``).

    Parameters
    ----------
    rise
        Exponent of the rise at low energy.
    fall_keV
        Energy at which high-energy losses set in.
    steepness
        Exponent of the losses; more than `rise`.
    """

    rise: float
    fall_keV: float
    steepness: float

    def __post_init__(self) -> None:
        _require_positive(
            "polycapillary", rise=self.rise, fall_keV=self.fall_keV, steepness=self.steepness
        )
        _require(
            self.steepness > self.rise,
            f"steepness of the polycapillary is {self.steepness}, its rise {self.rise}.",
            "a steepness above the rise, so that the transmission falls at high energy",
        )


def _require_angle(owner: str, name: str, value: float) -> None:
    _require(
        bool(np.isfinite(value)) and 0 < value <= 90,
        f"{name} of the {owner} is {value} degrees.",
        "more than 0 and at most 90 degrees from the surface",
    )


@dataclass(frozen=True)
class Geometry:
    """Directions of beam and detector, as angles to the sample's surface.

    Parameters
    ----------
    incidence_deg, take_off_deg
        Angle of the exciting beam and of the observed radiation to the surface.
    scattering_angle_deg
        Angle by which radiation seen by the detector was deflected; 180 is back the way it came.
    solid_angle_sr
        Solid angle of the detector.
    """

    incidence_deg: float = 51.0
    take_off_deg: float = 51.0
    scattering_angle_deg: float = 102.0
    solid_angle_sr: float = 0.0065

    def __post_init__(self) -> None:
        _require_angle("geometry", "incidence_deg", self.incidence_deg)
        _require_angle("geometry", "take_off_deg", self.take_off_deg)
        _require_positive("geometry", solid_angle_sr=self.solid_angle_sr)
        largest = min(180.0, 180.0 - abs(self.incidence_deg - self.take_off_deg))
        smallest = self.incidence_deg + self.take_off_deg
        low, high = sorted((smallest, largest))
        _require(
            low - 1e-6 <= self.scattering_angle_deg <= high + 1e-6,
            f"scattering_angle_deg is {self.scattering_angle_deg}.",
            f"{low:g} to {high:g} degrees, given the angles to the surface",
        )


@dataclass(frozen=True)
class Atmosphere:
    """The gas between tube, sample and detector.

    Parameters
    ----------
    gas
        ``vacuum``, ``air`` or ``helium``.
    pressure_mbar
        Pressure; ignored in vacuum.
    excitation_path_mm, detection_path_mm
        Lengths of the paths through the gas.
    """

    gas: str = "vacuum"
    pressure_mbar: float = 1013.0
    excitation_path_mm: float = 10.0
    detection_path_mm: float = 20.0

    def __post_init__(self) -> None:
        known = ("vacuum", "air", "helium")
        _require(self.gas in known, f"atmosphere '{self.gas}' is not known.", ", ".join(known))
        for name in ("pressure_mbar", "excitation_path_mm", "detection_path_mm"):
            value = getattr(self, name)
            _require(
                bool(np.isfinite(value)) and value >= 0,
                f"{name} of the atmosphere is {value}.",
                "0 or more",
            )


@dataclass(frozen=True)
class Detector:
    """A silicon drift detector.

    Parameters
    ----------
    thickness_um
        Active silicon thickness in µm.
    dead_layer_um
        Inactive silicon at the entrance in µm.
    window
        Layers in front of the silicon.
    noise_keV
        Electronic noise as a full width at half maximum in keV.
    fano
        Fano factor.
    tail_fraction, tail_width_keV
        Share of a peak in its exponential low-energy tail, and the tail's decay length.
    shelf_fraction
        Share of a peak in the flat shelf that reaches down to zero energy.
    incomplete_layer_um
        Depth below the entrance in µm within which a photon loses part of its charge to the shelf.
    escape, recoil
        Whether silicon K escape, and recoil electrons of photons that scatter in the detector, are
        modelled.
    """

    thickness_um: float = 450.0
    dead_layer_um: float = 0.029
    window: tuple[Layer, ...] = (Layer("Be", 12.5, 1.848),)
    noise_keV: float = 0.077
    fano: float = 0.1136
    tail_fraction: float = 0.0
    tail_width_keV: float = 0.1
    shelf_fraction: float = 0.0
    incomplete_layer_um: float = 0.0
    escape: bool = True
    recoil: bool = True

    def __post_init__(self) -> None:
        _require_positive(
            "detector",
            thickness_um=self.thickness_um,
            noise_keV=self.noise_keV,
            fano=self.fano,
            tail_width_keV=self.tail_width_keV,
        )
        for name in ("dead_layer_um", "incomplete_layer_um"):
            value = getattr(self, name)
            _require(
                bool(np.isfinite(value)) and value >= 0,
                f"{name} of the detector is {value}.",
                "0 or more µm",
            )
        for name in ("tail_fraction", "shelf_fraction"):
            value = getattr(self, name)
            _require(0 <= value < 0.5, f"{name} of the detector is {value}.", "0 to 0.5")


@dataclass(frozen=True)
class Instrument:
    """A micro-XRF instrument: all that shapes a spectrum besides the sample.

    Parameters
    ----------
    name
        What users call it, such as ``m4-tornado``.
    tube, optic, geometry, atmosphere, detector
        Its parts; `optic` is ``None`` for a bare collimator.
    axis
        The energy axis on which it records.
    """

    name: str
    tube: Tube = field(default_factory=Tube)
    optic: Polycapillary | None = None
    geometry: Geometry = field(default_factory=Geometry)
    atmosphere: Atmosphere = field(default_factory=Atmosphere)
    detector: Detector = field(default_factory=Detector)
    axis: EnergyAxis = field(default_factory=lambda: EnergyAxis(0.0, 50.0 / 4096, 4096))

    def __post_init__(self) -> None:
        _require(bool(self.name.strip()), "the instrument has no name.", "a name")
        atomic_number(self.tube.anode)
