"""The detector of an instrument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lithoscope.core.beam import Layer
from lithoscope.core.instrument_checks import require, require_positive


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
    electron_loss
        Photoelectrons that leave the silicon and so add to the shelf, as a multiple of those of
        straight tracks; 0 leaves them out.
    pulse_pair_resolution_ns
        Time within which two photons are counted as one of their summed energy.
    zero_peak_per_s
        Pulses at 0 keV that the electronics send in per second of live time.
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
    electron_loss: float = 0.0
    pulse_pair_resolution_ns: float = 0.0
    zero_peak_per_s: float = 0.0
    escape: bool = True
    recoil: bool = True

    def __post_init__(self) -> None:
        require_positive(
            "detector",
            thickness_um=self.thickness_um,
            noise_keV=self.noise_keV,
            fano=self.fano,
            tail_width_keV=self.tail_width_keV,
        )
        for name, unit in (
            ("dead_layer_um", "µm"),
            ("electron_loss", "times straight tracks"),
            ("pulse_pair_resolution_ns", "ns"),
            ("zero_peak_per_s", "pulses per second"),
        ):
            value = getattr(self, name)
            require(
                bool(np.isfinite(value)) and value >= 0,
                f"{name} of the detector is {value}.",
                f"0 or more {unit}",
            )
        for name in ("tail_fraction", "shelf_fraction"):
            value = getattr(self, name)
            require(0 <= value < 0.5, f"{name} of the detector is {value}.", "0 to 0.5")
