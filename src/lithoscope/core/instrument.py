"""The instrument: tube, optic, geometry, atmosphere and detector of a micro-XRF machine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lithoscope.core.beam import ANODES, Layer, Polycapillary, Tube
from lithoscope.core.detector import Detector
from lithoscope.core.elements import atomic_number
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument_checks import require, require_angle, require_positive

__all__ = [
    "ANODES",
    "Atmosphere",
    "Detector",
    "Geometry",
    "Instrument",
    "Layer",
    "Polycapillary",
    "StrayLine",
    "Tube",
]


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
        Solid angle of the detectors together.
    detectors
        Number of detectors, 1 or 2; the second is the mirror image of the first in the plane of
        beam and normal, and sees other Bragg peaks.
    """

    incidence_deg: float = 51.0
    take_off_deg: float = 51.0
    scattering_angle_deg: float = 102.0
    solid_angle_sr: float = 0.0065
    detectors: int = 1

    def __post_init__(self) -> None:
        require_angle("geometry", "incidence_deg", self.incidence_deg)
        require_angle("geometry", "take_off_deg", self.take_off_deg)
        require_positive("geometry", solid_angle_sr=self.solid_angle_sr)
        require(
            self.detectors in (1, 2),
            f"detectors of the geometry is {self.detectors}.",
            "1 or 2",
        )
        largest = min(180.0, 180.0 - abs(self.incidence_deg - self.take_off_deg))
        smallest = self.incidence_deg + self.take_off_deg
        low, high = sorted((smallest, largest))
        require(
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
        require(self.gas in known, f"atmosphere '{self.gas}' is not known.", ", ".join(known))
        for name in ("pressure_mbar", "excitation_path_mm", "detection_path_mm"):
            value = getattr(self, name)
            require(
                bool(np.isfinite(value)) and value >= 0,
                f"{name} of the atmosphere is {value}.",
                "0 or more",
            )


@dataclass(frozen=True)
class StrayLine:
    """An element of the instrument itself whose K lines appear in every spectrum.

    Parts by the detector are excited by what the sample sends back, so that their lines follow it:
    behind five filters the Ni K of a Bruker XS-52 kept its share (``docs/physics-comparison.md``).

    Parameters
    ----------
    element
        Element symbol.
    share
        Counts of its K lines per count above its K edge.
    """

    element: str
    share: float

    def __post_init__(self) -> None:
        atomic_number(self.element)
        require(
            0 <= self.share < 1,
            f"share of the stray {self.element} line is {self.share}.",
            "0 to 1 counts per count above the element's K edge",
        )


@dataclass(frozen=True)
class Instrument:
    """A micro-XRF instrument: all that shapes a spectrum besides the sample.

    Parameters
    ----------
    name
        What users call it, such as ``m4-tornado``.
    tube, optic, geometry, atmosphere, detector
        Its parts; `optic` is ``None`` for a bare collimator.
    stray_lines
        Its own elements that appear in every spectrum.
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
    stray_lines: tuple[StrayLine, ...] = ()

    def __post_init__(self) -> None:
        require(bool(self.name.strip()), "the instrument has no name.", "a name")
        atomic_number(self.tube.anode)
