"""Which shipped model names the spectra of an instrument, where none is asked for."""

from __future__ import annotations

import functools

import numpy as np
import xraylib

from lithoscope.core.instrument import Instrument
from lithoscope.io import load_instrument
from lithoscope.models.checkpoint import (
    DEFAULT_MODEL,
    Checkpoint,
    find_checkpoint,
    instruments_of_shipped,
    shipped_models,
)
from lithoscope.physics.attenuation import transmission_from_layers

# Stands for the model that suits an instrument.
AUTO = "auto"


def choose_model(instrument: Instrument | None) -> str:
    """Return the shipped model whose instruments let light elements through as this one does.

    Tube, optic and voltage are part of what each model was trained over; what parts the models is
    whether C, N, O and F are seen at all, so the detectors' windows are compared where they differ
    most: at the K line of oxygen, 0.525 keV, of which 12.5 µm of beryllium pass 0.01 % and polymer
    windows more than half.

    Parameters
    ----------
    instrument
        What the spectra were taken with; ``None`` where that is not known.
    """
    if instrument is None:
        return DEFAULT_MODEL
    own = _oxygen_seen(instrument)
    others = [name for name in shipped_models() if name != DEFAULT_MODEL]
    # The first of equals is taken: the default.
    return min([DEFAULT_MODEL, *others], key=lambda name: abs(_seen_by(name) - own))


def model_meant(
    model: str | Checkpoint, *, option: str | None, header: Instrument | None
) -> str | Checkpoint:
    """Return the model that is meant: as it was given, but for ``auto`` a name.

    Parameters
    ----------
    model
        A name, a folder, ``auto``, or a model.
    option
        Name or file of an instrument, as the user gave it.
    header
        The instrument in the file's header.
    """
    if isinstance(model, Checkpoint) or model != AUTO:
        return model
    return choose_model(load_instrument(option) if option is not None else header)


def model_for(
    model: str | Checkpoint, *, option: str | None, header: Instrument | None
) -> Checkpoint:
    """Return the model that is meant, loaded; parameters are those of `model_meant`."""
    meant = model_meant(model, option=option, header=header)
    return meant if isinstance(meant, Checkpoint) else find_checkpoint(meant)


def _oxygen_seen(instrument: Instrument) -> float:
    energies_keV = np.array([xraylib.LineEnergy(8, xraylib.KL3_LINE)])
    return float(
        transmission_from_layers(layers=instrument.detector.window, energies_keV=energies_keV)[0]
    )


@functools.cache
def _seen_by(model: str) -> float:
    return _oxygen_seen(load_instrument(instruments_of_shipped(model)[0]))
