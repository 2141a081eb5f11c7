"""Which instrument a scan or spectrum was taken with, and how that is known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.inference.voltage import voltage_from_spectrum
from lithoscope.io import load_instrument
from lithoscope.models.checkpoint import Checkpoint

# Voltages read off a spectrum's end are good to about this much.
_VOLTAGE_TOLERANCE_KV = 2.0


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
        tube = self.instrument.tube
        lowest, highest = checkpoint.voltages_kV
        lines = []
        if not (
            lowest - _VOLTAGE_TOLERANCE_KV <= tube.voltage_kV <= highest + _VOLTAGE_TOLERANCE_KV
        ):
            lines.append(
                f"the tube voltage is {tube.voltage_kV:.0f} kV; the model was trained for "
                f"{lowest:.0f} to {highest:.0f} kV"
            )
        trained = [load_instrument(name).tube for name in checkpoint.instruments]
        if tube.filters and tube.filters not in [one.filters for one in trained]:
            named = ", ".join(f"{foil.formula} {foil.thickness_um:g} µm" for foil in tube.filters)
            lines.append(
                f"the beam passes a filter ({named}); few spectra of the model's training had one, "
                "and it names most minerals wrong through it (docs/log.md)"
            )
        anodes = {one.anode for one in trained}
        if tube.anode not in anodes:
            lines.append(
                f"the tube has an anode of {tube.anode}; the model was trained for "
                f"{', '.join(sorted(anodes))}"
            )
        return lines


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
