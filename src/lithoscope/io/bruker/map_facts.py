"""What the header of a map that is written tells of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError

_SYNTHETIC = "(synthetic)"
# More than this is not read back: a row of spectra has to fit into memory many times over.
_MAX_ROWS = 1 << 16
_MAX_ROW_VALUES = 1 << 25
# A pixel's head has 16 bits for the number of its channels.
_MAX_CHANNELS = 0xFFFF
# Times of pixels are whole microseconds in 32 bits.
_MAX_PIXEL_TIME_S = 4294.0
# A live time worked out from rounded pixel times may be above their sum by as much.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class MapFacts:
    """What a header tells of a map.

    Parameters
    ----------
    title
        Name of the map; "(synthetic)" is put after it.
    shape
        Rows and columns (y, x).
    axis
        The energy axis of every pixel.
    instrument
        The instrument.
    pixel_size_mm
        Step along (y, x) in mm.
    live_time_s
        Live time of all pixels together in s, ``None`` if it is not to be told.
    pixel_times
        Real time of each pixel in s, shape (y, x), ``None`` if it is not to be told.

    Raises
    ------
    InvalidValueError
        If the map is larger than the format or the reader allows, or a step or time cannot be.
    """

    title: str
    shape: tuple[int, int]
    axis: EnergyAxis
    instrument: Instrument
    pixel_size_mm: tuple[float, float]
    live_time_s: float | None = None
    pixel_times: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not self.title.rstrip().endswith(_SYNTHETIC):
            object.__setattr__(self, "title", f"{self.title.strip()} {_SYNTHETIC}".strip())
        # XML has no place for control characters.
        printable = "".join(char if char.isprintable() else " " for char in self.title)
        object.__setattr__(self, "title", printable)
        self._check_size()
        self._check_times()

    @property
    def real_time_s(self) -> float | None:
        """Time of all pixels together in s; the live time where that is all that is known."""
        return self.live_time_s if self.pixel_times is None else float(self.pixel_times.sum())

    def _check_size(self) -> None:
        if len(self.shape) != 2 or not 0 < self.shape[0] <= _MAX_ROWS or self.shape[1] < 1:
            raise InvalidValueError(
                f"A map of shape {self.shape}.",
                expected=f"1 to {_MAX_ROWS} rows, and at least one column",
            )
        if self.axis.n_channels > _MAX_CHANNELS:
            raise InvalidValueError(
                f"Spectra of {self.axis.n_channels} channels.",
                expected=f"at most {_MAX_CHANNELS}, which is what a .bcf can count",
            )
        if self.shape[1] * self.axis.n_channels > _MAX_ROW_VALUES:
            raise InvalidValueError(
                f"Rows of {self.shape[1]} pixels of {self.axis.n_channels} channels.",
                expected=f"at most {_MAX_ROW_VALUES} channels in a row",
            )
        if len(self.pixel_size_mm) != 2 or not all(
            np.isfinite(step) and step > 0 for step in self.pixel_size_mm
        ):
            raise InvalidValueError(
                f"A pixel size of {self.pixel_size_mm} mm.", expected="two positive steps in mm"
            )

    def _check_times(self) -> None:
        times, live = self.pixel_times, self.live_time_s
        if times is not None and times.shape != self.shape:
            raise InvalidValueError(
                f"pixel_times of shape {times.shape} for a map of shape {self.shape}.",
                expected="one time a pixel",
            )
        if times is not None and not ((times >= 0) & (times <= _MAX_PIXEL_TIME_S)).all():
            raise InvalidValueError(
                f"pixel_times of {times.min()} to {times.max()} s.",
                expected=f"0 to {_MAX_PIXEL_TIME_S:g} s",
            )
        if live is not None and not (np.isfinite(live) and live > 0):
            raise InvalidValueError(f"A live time of {live} s.", expected="more than 0 s, or None")
        if times is not None and live is not None and live > times.sum() * (1 + _ROUNDING):
            raise InvalidValueError(
                f"A live time of {live} s in pixels that took {times.sum():g} s.",
                expected="a live time no longer than all pixel times together",
            )
