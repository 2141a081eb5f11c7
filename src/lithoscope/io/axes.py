"""Energy axes and steps of files, with what is said where they are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import FileFormatError, InvalidValueError

_REMEDY = "give it with --energy-axis offset,gain in keV, such as --energy-axis -0.955,0.01"
# Channel centres may be rounded in a text file, but not be bent.
_LINEAR_WITHIN = 1e-3

_KEV = {"kev": 1.0, "ev": 1e-3}
_MM = {"mm": 1.0, "cm": 10.0, "m": 1e3, "µm": 1e-3, "μm": 1e-3, "um": 1e-3, "nm": 1e-6}


def axis_of_file(
    *,
    offset_keV: float | None,
    gain_keV: float | None,
    n_channels: int,
    given: EnergyAxis | None,
    path: Path,
    error: type[FileFormatError],
) -> EnergyAxis:
    """Return the axis that a file states, or the one given instead.

    Parameters
    ----------
    offset_keV, gain_keV
        The file's calibration, ``None`` where it has none.
    n_channels
        Channels of the counts in the file.
    given
        Offset and gain to use instead; its number of channels does not count.
    path
        The file.
    error
        Kind of error to raise.

    Raises
    ------
    FileFormatError
        Of the given kind, if the calibration is missing or cannot be; names ``--energy-axis``.
    """
    if given is not None:
        offset_keV, gain_keV = given.offset_keV, given.gain_keV
    if offset_keV is None or gain_keV is None:
        raise error(
            f"{path} has no energy calibration.",
            expected="the energy of channel 0 and the width of a channel",
            remedy=_REMEDY,
        )
    try:
        return EnergyAxis(float(offset_keV), float(gain_keV), n_channels)
    except InvalidValueError as problem:
        raise error(
            f"{path} has no usable energy calibration: {problem.problem}",
            expected=problem.expected,
            remedy=_REMEDY,
        ) from None


def axis_from_centres(
    energies_keV: ArrayLike,
    *,
    given: EnergyAxis | None,
    path: Path,
    error: type[FileFormatError],
) -> EnergyAxis:
    """Return the axis of channel centres in keV, shape (channel,), which must be linear.

    The other parameters and the errors are those of `axis_of_file`.
    """
    energies = np.asarray(energies_keV, dtype=np.float64)
    if energies.ndim != 1 or energies.size < 2:
        raise error(
            f"{path} has energies of shape {energies.shape}.",
            expected="two or more channel centres",
        )
    gain = (energies[-1] - energies[0]) / (energies.size - 1)
    axis = axis_of_file(
        offset_keV=energies[0],
        gain_keV=gain,
        n_channels=energies.size,
        given=given,
        path=path,
        error=error,
    )
    bend = np.abs(energies - (energies[0] + gain * np.arange(energies.size))).max()
    if given is None and not bend <= _LINEAR_WITHIN * gain:
        raise error(
            f"{path} has an energy axis that is off a straight line by {bend / gain:.3g} channels.",
            expected="channel centres at equal steps",
            remedy="resample the spectra to channels of equal width",
        )
    return axis


def to_keV(value: float, unit: str) -> float | None:
    """Return an energy in keV, ``None`` where the unit is none of energy."""
    factor = _KEV.get(unit.strip().lower())
    return None if factor is None else value * factor


def to_mm(value: float, unit: str) -> float | None:
    """Return a length in mm, ``None`` where the unit is none of length."""
    factor = _MM.get(unit.strip())
    return None if factor is None else value * factor
