"""The range of conditions over which spectra are simulated."""

from __future__ import annotations

from dataclasses import dataclass

from lithoscope.errors import InvalidValueError


@dataclass(frozen=True)
class MeasurementRange:
    """What varies from one simulated measurement to the next.

    Parameters
    ----------
    voltages_kV
        Tube voltages.
    counts
        Lowest and highest total counts; drawn log-uniformly.
    gain_error
        Largest relative error of the energy gain, either way; drawn uniformly.
    offset_error_keV
        Largest error of the energy offset in keV, either way; drawn uniformly.
    """

    voltages_kV: tuple[float, ...] = (25.0, 28.0, 30.0, 35.0, 40.0, 45.0, 50.0)
    counts: tuple[float, float] = (30.0, 1e6)
    gain_error: float = 0.005
    offset_error_keV: float = 0.015

    def __post_init__(self) -> None:
        if not self.voltages_kV or not all(4 <= voltage <= 100 for voltage in self.voltages_kV):
            raise InvalidValueError(
                f"Tube voltages {self.voltages_kV}.", expected="at least one, each 4 to 100 kV"
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
