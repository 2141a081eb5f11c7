"""Instruments with a part of the physics left out, to measure what that part is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from lithoscope.errors import InvalidValueError
from lithoscope.physics.compiled import CompiledInstrument

SCATTER, SECONDARY = "scatter", "secondary fluorescence"
PARTS = (SCATTER, SECONDARY)

# What is left of scatter: nothing that is seen beside a line, but a mineral without lines still has
# a spectrum, whose counts can be drawn.
_LEFT_OF_SCATTER = 1e-6


def simplified_instrument(
    *, compiled: CompiledInstrument, left_out: Collection[str]
) -> CompiledInstrument:
    """Return the tables of an instrument without some of the physics.

    Without secondary fluorescence, the lines of one element excite no other's (the second term of
    Sherman 1955, Spectrochim. Acta 7, 283). Without scatter, a millionth of it is left.

    Parameters
    ----------
    compiled
        All tables.
    left_out
        Of `PARTS`; none leaves the tables as they are.

    Raises
    ------
    InvalidValueError
        If a part has another name.
    """
    for part in left_out:
        if part not in PARTS:
            raise InvalidValueError(f"No part '{part}'.", expected=" or ".join(PARTS))
    scatter, fluorescence = compiled.scatter, compiled.fluorescence
    if SCATTER in left_out:
        seen = scatter.seen * compiled.dtype.type(_LEFT_OF_SCATTER)
        scatter = dataclasses.replace(scatter, seen=seen)
    if SECONDARY in left_out:
        none = np.zeros_like(fluorescence.production_by_lines)
        fluorescence = dataclasses.replace(fluorescence, production_by_lines=none)
    if not left_out:
        return compiled
    return dataclasses.replace(compiled, scatter=scatter, fluorescence=fluorescence)
