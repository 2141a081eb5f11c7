"""Which instrument a scan or spectrum was taken with, and how that is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Atmosphere, Instrument, Tube
from lithoscope.inference.voltage import voltage_from_spectrum
from lithoscope.io import load_instrument
from lithoscope.models.checkpoint import Checkpoint

# Voltages read off a spectrum's end are good to about this much.
_VOLTAGE_TOLERANCE_KV = 2.0
# Beyond what training takes for badly pumped, and Bruker's headers for vacuum.
_PUMPED_MBAR = 50.0


@dataclass(frozen=True)
class InstrumentChoice:
    """An instrument with the source of that knowledge.

    Parameters
    ----------
    instrument
        The instrument.
    source
        ``option``, ``header`` or ``model``.
    voltage_source
        ``instrument``, or ``spectrum`` where the voltage was read off the spectrum's end.
    """

    instrument: Instrument
    source: str
    voltage_source: str

    def warnings_for(self, checkpoint: Checkpoint) -> list[str]:
        """Say in one line each where the instrument leaves the range a model was trained for."""
        trained = [load_instrument(name) for name in checkpoint.instruments]
        told = (
            _voltage_told(self.instrument.tube, checkpoint.voltages_kV),
            _filter_told(self.instrument.tube, [one.tube for one in trained]),
            _air_told(self.instrument.atmosphere, [one.atmosphere for one in trained]),
            _anode_told(self.instrument.tube, [one.tube for one in trained]),
        )
        return [line for line in told if line]


def _voltage_told(tube: Tube, voltages_kV: tuple[float, float]) -> str:
    lowest, highest = voltages_kV
    if lowest - _VOLTAGE_TOLERANCE_KV <= tube.voltage_kV <= highest + _VOLTAGE_TOLERANCE_KV:
        return ""
    return (
        f"the tube voltage is {tube.voltage_kV:.0f} kV; the model was trained for "
        f"{lowest:.0f} to {highest:.0f} kV"
    )


def _filter_told(tube: Tube, trained: Sequence[Tube]) -> str:
    if not tube.filters or tube.filters in [one.filters for one in trained]:
        return ""
    named = ", ".join(f"{foil.formula} {foil.thickness_um:g} µm" for foil in tube.filters)
    return (
        f"the beam passes a filter ({named}) that the model's instruments lack; of simulated "
        "spectra through filters the model 'default' names most wrong (docs/your-instrument.md)"
    )


def _air_told(atmosphere: Atmosphere, trained: Sequence[Atmosphere]) -> str:
    pumped = atmosphere.gas != "air" or atmosphere.pressure_mbar <= _PUMPED_MBAR
    if pumped or any(one.gas == "air" for one in trained):
        return ""
    return (
        f"the sample is in air ({atmosphere.pressure_mbar:.0f} mbar); the model was trained for "
        "vacuum, and of simulated spectra in air 'default' names four in ten wrong "
        "(docs/unknown.md)"
    )


def _anode_told(tube: Tube, trained: Sequence[Tube]) -> str:
    anodes = {one.anode for one in trained}
    if tube.anode in anodes:
        return ""
    return (
        f"the tube has an anode of {tube.anode}; the model was trained for "
        f"{', '.join(sorted(anodes))}"
    )


def choose_instrument(
    *,
    option: str | None,
    header: Instrument | None,
    checkpoint: Checkpoint,
    counts: NDArray[np.generic],
    axis: EnergyAxis,
) -> InstrumentChoice:
    """Choose by option, else header, else the model's first with the voltage from the spectrum.

    Parameters
    ----------
    option
        Name or file of an instrument, as the user gave it.
    header
        The instrument in the file's header.
    checkpoint
        The model.
    counts
        Sum spectrum, shape (channel,).
    axis
        Its energy axis.
    """
    known = known_instrument(option=option, header=header, checkpoint=checkpoint)
    if known.source != "model":
        return known
    voltage = voltage_from_spectrum(counts=counts, axis=axis)
    if voltage is None or not 4 <= voltage <= 100:
        return known
    tube = dataclasses.replace(known.instrument.tube, voltage_kV=voltage)
    return InstrumentChoice(dataclasses.replace(known.instrument, tube=tube), "model", "spectrum")


def known_instrument(
    *, option: str | None, header: Instrument | None, checkpoint: Checkpoint
) -> InstrumentChoice:
    """Choose before any spectrum is read; only the tube's voltage may still change then."""
    if option is not None:
        return InstrumentChoice(load_instrument(option), "option", "instrument")
    if header is not None:
        return InstrumentChoice(header, "header", "instrument")
    return InstrumentChoice(load_instrument(checkpoint.instruments[0]), "model", "instrument")
