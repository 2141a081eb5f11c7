"""Machines as they are drawn: an instrument with what no header tells of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.physics.compile import compile_instrument
from lithoscope.physics.simplified import simplified_instrument
from lithoscope.synthesis.distortions.base import Distortion, MachineDistortion
from lithoscope.synthesis.expected import Machine


def draw_machine(
    instrument: Instrument,
    distortions: Sequence[Distortion],
    rng: np.random.Generator,
    *,
    symbols: Sequence[str],
    edges_keV: NDArray[np.float64],
    left_out: Collection[str] = (),
) -> Machine:
    """Draw a machine of this make and compile it.

    Parameters
    ----------
    instrument
        As its makers describe it.
    distortions
        What may differ; only those of machines matter.
    rng
        Source of randomness.
    symbols
        Elements that samples will hold.
    edges_keV
        Edges of the fine bins.
    left_out
        Parts of the physics that are left out, see `physics.simplified`.
    """
    parameters = {}
    for distortion in distortions:
        if isinstance(distortion, MachineDistortion):
            drawn = distortion.sample(instrument, rng)
            instrument = distortion.apply(instrument, drawn)
            parameters[distortion.name] = drawn
    compiled = compile_instrument(
        instrument=instrument, symbols=symbols, edges_keV=edges_keV, dtype=np.float32
    )
    return Machine(simplified_instrument(compiled=compiled, left_out=left_out), parameters)
