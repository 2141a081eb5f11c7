"""What one could change about an instrument to tell more minerals apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from lithoscope.core.instrument import Instrument, Layer
from lithoscope.synthesis.families import lowest_seen_energy

# The polymer film with its light-tight coat of the shipped m4-tornado-plus (Moxtek AP3.3).
_LIGHT_ELEMENT_WINDOW = (Layer("C10H8O4", 0.3, 1.38), Layer("Al", 0.04, 2.699))
# A detector that sees F Kα (0.68 keV) has a light-element window.
_LIGHT_ELEMENTS_BELOW_KEV = 0.65
# Voltages and filters that micro-XRF machines offer.
_VOLTAGES_KV = (15.0, 30.0, 50.0)
_FILTERS = (Layer("Al", 100.0, 2.699), Layer("Al", 630.0, 2.699))
_SAME_VOLTAGE_KV = 5.0


def instrument_changes(instrument: Instrument) -> dict[str, Instrument]:
    """Return the instrument with one thing changed, by what is changed.

    Vacuum where there is gas, a light-element window where there is none (with vacuum, without
    which it is blind), other voltages, and a filter where there is none.
    """
    return dict(_changes(instrument))


def _changes(instrument: Instrument) -> Iterator[tuple[str, Instrument]]:
    pumped = dataclasses.replace(
        instrument, atmosphere=dataclasses.replace(instrument.atmosphere, gas="vacuum")
    )
    in_gas = instrument.atmosphere.gas != "vacuum"
    if in_gas:
        yield "vacuum", pumped
    if lowest_seen_energy(pumped) > _LIGHT_ELEMENTS_BELOW_KEV:
        detector = dataclasses.replace(instrument.detector, window=_LIGHT_ELEMENT_WINDOW)
        name = "light-element window" + (" in vacuum" if in_gas else "")
        yield name, dataclasses.replace(pumped, detector=detector)
    for voltage in _VOLTAGES_KV:
        if abs(voltage - instrument.tube.voltage_kV) > _SAME_VOLTAGE_KV:
            tube = dataclasses.replace(instrument.tube, voltage_kV=voltage)
            yield f"{voltage:g} kV", dataclasses.replace(instrument, tube=tube)
    if not instrument.tube.filters:
        for layer in _FILTERS:
            tube = dataclasses.replace(instrument.tube, filters=(layer,))
            name = f"{layer.formula} filter {layer.thickness_um:g} µm"
            yield name, dataclasses.replace(instrument, tube=tube)
