"""A spectrum: counts on an energy axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Counts per channel, expected (float) or measured (integer).

    Parameters
    ----------
    counts
        Counts, shape (channel,); made read-only.
    axis
        The energy axis.
    live_time_s
        Live time in seconds, where it is known.
    title
        What it is a spectrum of.
    instrument
        The instrument it was taken with, where the file or the simulation says.

    Raises
    ------
    InvalidValueError
        If shapes differ, or counts are negative or not finite.
    """

    counts: NDArray[np.generic]
    axis: EnergyAxis
    live_time_s: float | None = None
    title: str = ""
    instrument: Instrument | None = None

    def __post_init__(self) -> None:
        counts = np.array(self.counts)
        if counts.shape != (self.axis.n_channels,):
            raise InvalidValueError(
                f"Counts of shape {counts.shape} on an axis of {self.axis.n_channels} channels.",
                expected="one count a channel",
            )
        if counts.dtype.kind not in "uif":
            raise InvalidValueError(
                f"Counts of type {counts.dtype}.", expected="whole or real numbers"
            )
        if counts.dtype.kind == "f" and not np.isfinite(counts).all():
            raise InvalidValueError("The counts hold NaN or infinity.", expected="finite counts")
        if (counts < 0).any():
            raise InvalidValueError(
                f"The counts go down to {counts.min()}.",
                expected="0 or more counts in every channel",
                remedy="use the spectrum as measured, without its background subtracted",
            )
        if self.live_time_s is not None and not self.live_time_s > 0:
            raise InvalidValueError(
                f"The live time is {self.live_time_s} s.", expected="more than 0 s, or unknown"
            )
        counts.setflags(write=False)
        object.__setattr__(self, "counts", counts)

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from lithoscope.core.spectrum_html import html_of_spectrum

        return html_of_spectrum(self)
