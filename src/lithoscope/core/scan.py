"""A scan: a map of spectra whose counts are read row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError

RowReader = Callable[[int, int], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Scan:
    """A map of spectra (y, x, channel).

    Parameters
    ----------
    shape
        Rows and columns (y, x).
    axis
        The energy axis of every pixel.
    read_rows
        ``read_rows(first, last)`` returns the counts of rows first to last - 1,
        shape (last - first, x, channel).
    pixel_size_mm
        Step along (y, x) in mm; ``None`` where the file does not say.
    title
        What was scanned.
    instrument
        The instrument, as far as the file tells.
    electron_beam
        Whether the file was recorded in an electron microscope, where XRF physics does not hold.
    metadata
        Further facts from the file, for reports.
    """

    shape: tuple[int, int]
    axis: EnergyAxis
    read_rows: RowReader
    pixel_size_mm: tuple[float, float] | None = None
    title: str = ""
    instrument: Instrument | None = None
    electron_beam: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise InvalidValueError(
                f"A scan of shape {self.shape}.", expected="at least one row and one column"
            )
        if self.pixel_size_mm is not None and not all(
            np.isfinite(step) and step > 0 for step in self.pixel_size_mm
        ):
            raise InvalidValueError(
                f"A pixel size of {self.pixel_size_mm} mm.", expected="two positive steps in mm"
            )

    @classmethod
    def from_counts(cls, counts: NDArray[Any], axis: EnergyAxis, **facts: Any) -> Scan:
        """Make a scan of counts that are in memory, shape (y, x, channel)."""
        if counts.ndim != 3 or counts.shape[2] != axis.n_channels:
            raise InvalidValueError(
                f"Counts of shape {counts.shape} on an axis of {axis.n_channels} channels.",
                expected="counts of shape (y, x, channel)",
            )
        shape = (int(counts.shape[0]), int(counts.shape[1]))
        return cls(shape, axis, lambda first, last: counts[first:last], **facts)

    @property
    def coordinates_mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixel centres along y and x in mm; pixel numbers where the step is unknown."""
        step_y, step_x = self.pixel_size_mm or (1.0, 1.0)
        rows, columns = (np.arange(size, dtype=np.float64) for size in self.shape)
        return rows * step_y, columns * step_x

    def blocks(self, rows: int = 16) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield (first row, counts of shape (row, x, channel)) from top to bottom."""
        if rows < 1:
            raise InvalidValueError(f"Blocks of {rows} rows.", expected="1 or more rows")
        for first in range(0, self.shape[0], rows):
            last = min(first + rows, self.shape[0])
            counts = self.read_rows(first, last)
            expected = (last - first, self.shape[1], self.axis.n_channels)
            if counts.shape != expected:
                raise InvalidValueError(
                    f"Rows {first} to {last - 1} came with shape {counts.shape}.",
                    expected=f"{expected}",
                    remedy="the file is damaged; save it anew",
                )
            yield first, counts

    def spectrum(self, y: int, x: int) -> Spectrum:
        """Return the spectrum of one pixel."""
        if not (0 <= y < self.shape[0] and 0 <= x < self.shape[1]):
            raise InvalidValueError(
                f"Pixel ({y}, {x}) of a scan of {self.shape[0]} x {self.shape[1]} pixels.",
                expected="a row and a column inside the scan",
            )
        return Spectrum(
            self.read_rows(y, y + 1)[0, x],
            self.axis,
            title=f"{self.title} pixel ({y}, {x})".strip(),
            instrument=self.instrument,
        )
