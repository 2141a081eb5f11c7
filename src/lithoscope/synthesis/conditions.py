"""The range of conditions over which spectra are simulated."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError


@dataclass(frozen=True)
class MeasurementRange:
    """What varies from one simulated measurement to the next.

    Parameters
    ----------
    voltages_kV
        Lowest and highest tube voltage; drawn uniformly.
    counts
        Lowest and highest total counts; drawn log-uniformly.
    gain_error
        Largest relative error of the energy gain, either way; drawn uniformly.
    offset_error_keV
        Largest error of the energy offset in keV, either way; drawn uniformly.
    optic_spread
        Standard deviation of the logarithm of the polycapillary's parameters and of the yield of
        the tube's K lines, as relative to `OPTIC_SPREADS`; 0 keeps the instrument as it is.
    diffuse_share
        Lowest and highest share of the free atoms' Rayleigh scatter that is seen; drawn uniformly,
        apart for hard and soft radiation (see `draw_diffuse_share`).
    mass_thickness_g_cm2
        Lowest and highest density times thickness of the sample; drawn log-uniformly. Light
        materials of some millimetres are not thick to the tube's hard radiation.
    mixed_probability
        Share of spectra that hold counts of other minerals too.
    mixed_share
        Largest share of a mixed spectrum's counts that are not the named mineral's; drawn
        uniformly from 0, and dealt to `MIXED_WITH` other minerals.
    bragg_probability
        Share of spectra that show Bragg peaks.
    """

    voltages_kV: tuple[float, float] = (25.0, 50.0)
    counts: tuple[float, float] = (30.0, 1e6)
    gain_error: float = 0.005
    offset_error_keV: float = 0.015
    optic_spread: float = 1.0
    diffuse_share: tuple[float, float] = (0.2, 1.6)
    mass_thickness_g_cm2: tuple[float, float] = (0.3, 10.0)
    mixed_probability: float = 0.5
    mixed_share: float = 0.4
    bragg_probability: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.voltages_kV
        if not 4 <= low <= high <= 100:
            raise InvalidValueError(
                f"Tube voltages from {low} to {high} kV.", expected="4 <= low <= high <= 100 kV"
            )
        if not 1 <= self.counts[0] <= self.counts[1] <= 1e9:
            raise InvalidValueError(
                f"Counts from {self.counts[0]} to {self.counts[1]}.",
                expected="1 <= low <= high <= 1e9",
            )
        if not 0 <= self.gain_error < 0.1:
            raise InvalidValueError(f"A gain error of {self.gain_error}.", expected="0 to 0.1")
        if not 0 <= self.offset_error_keV < 0.5:
            raise InvalidValueError(
                f"An offset error of {self.offset_error_keV} keV.", expected="0 to 0.5 keV"
            )
        if not 0 <= self.optic_spread <= 5:
            raise InvalidValueError(f"An optic spread of {self.optic_spread}.", expected="0 to 5")
        if not 0 <= self.diffuse_share[0] <= self.diffuse_share[1] <= 10:
            raise InvalidValueError(
                f"Diffuse shares from {self.diffuse_share[0]} to {self.diffuse_share[1]}.",
                expected="0 <= low <= high <= 10",
            )
        if not 0 < self.mass_thickness_g_cm2[0] <= self.mass_thickness_g_cm2[1]:
            raise InvalidValueError(
                f"Mass thicknesses from {self.mass_thickness_g_cm2[0]} to "
                f"{self.mass_thickness_g_cm2[1]} g/cm2.",
                expected="0 < low <= high",
            )
        if not 0 <= self.mixed_probability <= 1:
            raise InvalidValueError(
                f"A probability of mixture of {self.mixed_probability}.", expected="0 to 1"
            )
        if not 0 <= self.bragg_probability <= 1:
            raise InvalidValueError(
                f"A probability of Bragg peaks of {self.bragg_probability}.", expected="0 to 1"
            )
        if not 0 <= self.mixed_share < 0.5:
            raise InvalidValueError(
                f"A mixed share of {self.mixed_share}.",
                expected="0 to less than 0.5, so that the named mineral gives most counts",
            )


# Other minerals in a mixed pixel: what a spot of some 20 to 100 µm commonly touches.
MIXED_WITH = 2

# Spread (standard deviation of the logarithm) of what differs between machines of one make and is
# in no header: what fits of one lens with other assumptions on the sample's thickness gave, see
# docs/physics.md.
OPTIC_SPREADS = {"rise": 0.2, "fall_keV": 0.08, "steepness": 0.06}
K_LINE_SPREAD = 0.2


def draw_instrument(
    instrument: Instrument, conditions: MeasurementRange, rng: np.random.Generator
) -> Instrument:
    """Draw a machine of this make: its voltage, its lens, its tube's K lines."""
    tube = dataclasses.replace(
        instrument.tube,
        voltage_kV=float(rng.uniform(*conditions.voltages_kV)),
        k_line_factor=instrument.tube.k_line_factor
        * float(np.exp(conditions.optic_spread * K_LINE_SPREAD * rng.standard_normal())),
    )
    optic = instrument.optic
    if optic is not None:
        factors = {
            name: float(np.exp(conditions.optic_spread * spread * rng.standard_normal()))
            for name, spread in OPTIC_SPREADS.items()
        }
        optic = dataclasses.replace(
            optic, **{name: getattr(optic, name) * factor for name, factor in factors.items()}
        )
    return dataclasses.replace(instrument, tube=tube, optic=optic)


# Radiation softer than this (3.1 Angstrom) is not diffracted by the denser crystals at all: half a
# wavelength exceeds their largest lattice spacing.
_BRAGG_CUTOFF_KEV = 4.0


def draw_diffuse_share(
    energies_keV: NDArray[np.float64],
    count: int,
    conditions: MeasurementRange,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw how much of the Rayleigh scatter of free atoms each sample shows.

    A crystal gathers coherent scatter into Bragg peaks: a detector sees less than the average
    where there are none, and more where there are many. Below the Bragg cut-off it vanishes, so
    the soft share is drawn as a part of the hard one.

    Parameters
    ----------
    energies_keV
        Energies of the source's nodes, shape (node,).
    count
        Number of samples.

    Returns
    -------
    ndarray, shape (sample, node)
    """
    hard = rng.uniform(*conditions.diffuse_share, (count, 1))
    soft = hard * rng.uniform(0, 1, (count, 1))
    return np.where(energies_keV < _BRAGG_CUTOFF_KEV, soft, hard)
