"""What makes the exciting beam: tube, window, filters and optic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lithoscope.core.composition import Composition
from lithoscope.core.formula import composition_from_formula
from lithoscope.core.instrument_checks import require, require_angle, require_positive

# Anodes for which Ebel (2003) gives what the L lines need; others have no place in micro-XRF.
ANODES = ("Cr", "Cu", "Mo", "Rh", "Ag", "W")


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
        require_positive(f"{self.formula} layer", density_g_cm3=self.density_g_cm3)
        require(
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
        require(
            self.anode in ANODES,
            f"anode '{self.anode}' is not known.",
            f"one of {', '.join(ANODES)}",
        )
        require(
            4 <= self.voltage_kV <= 100,
            f"voltage_kV of the tube is {self.voltage_kV}.",
            "4 to 100 kV",
        )
        require_positive(
            "tube",
            current_mA=self.current_mA,
            solid_angle_sr=self.solid_angle_sr,
            k_line_factor=self.k_line_factor,
        )
        for name in ("electron_angle_deg", "take_off_angle_deg"):
            require_angle("tube", name, getattr(self, name))


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
    convergence_deg
        Half angle of the cone in which radiation converges on the sample; it decides how many
        lattice planes of a grain reflect. Lenses of 10 mm working distance and 3 to 4 mm exit
        have about 10 degrees.
    """

    rise: float
    fall_keV: float
    steepness: float
    convergence_deg: float = 10.0

    def __post_init__(self) -> None:
        require_positive(
            "polycapillary", rise=self.rise, fall_keV=self.fall_keV, steepness=self.steepness
        )
        require(
            self.steepness > self.rise,
            f"steepness of the polycapillary is {self.steepness}, its rise {self.rise}.",
            "a steepness above the rise, so that the transmission falls at high energy",
        )
        require(
            0 < self.convergence_deg <= 45,
            f"convergence_deg of the polycapillary is {self.convergence_deg}.",
            "more than 0 and at most 45 degrees",
        )
