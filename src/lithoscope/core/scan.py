"""A scan: a map of spectra whose counts are read row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.rebinner import Rebinner
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import InvalidValueError

if TYPE_CHECKING:
    import dask.array
    import xarray

RowReader = Callable[[int, int], NDArray[Any]]

# A block of so many counts of 16 bits is just small enough for its memory to be used again.
_VALUES_IN_BLOCK = 1 << 24


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
        shape (last - first, x, channel). Their type may differ from call to call, but always
        holds them.
    pixel_size_mm
        Step along (y, x) in mm; ``None`` where the file does not say.
    title
        What was scanned.
    instrument
        The instrument, as far as the file tells.
    electron_beam
        Whether the file was recorded in an electron microscope, where XRF physics does not hold.
    live_time_s
        Live time of each pixel in s, shape (y, x), where the file tells; 0 where it was not
        measured. Divide by it what is compared from pixel to pixel, or stripes appear.
    detectors
        Number of detectors whose counts are summed.
    warnings
        What the file lacks or contradicts, one line each.
    sum_spectrum
        The file's own sum of all pixels, shape (channel,), where it holds one.
    metadata
        Further facts from the file, for reports.

    Raises
    ------
    InvalidValueError
        If the scan is empty, or a step, a time or a number of detectors cannot be.
    """

    shape: tuple[int, int]
    axis: EnergyAxis
    read_rows: RowReader
    pixel_size_mm: tuple[float, float] | None = None
    title: str = ""
    instrument: Instrument | None = None
    electron_beam: bool = False
    live_time_s: NDArray[np.float64] | None = None
    detectors: int = 1
    warnings: tuple[str, ...] = ()
    sum_spectrum: NDArray[np.generic] | None = None
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
        if self.detectors < 1:
            raise InvalidValueError(f"{self.detectors} detectors.", expected="1 or more")
        self._check_array("live_time_s", self.shape)
        self._check_array("sum_spectrum", (self.axis.n_channels,))

    def _check_array(self, name: str, shape: tuple[int, ...]) -> None:
        values = getattr(self, name)
        if values is None:
            return
        if values.shape != shape or not (np.isfinite(values).all() and (values >= 0).all()):
            raise InvalidValueError(
                f"{name} of shape {values.shape}, or with values that are negative or not finite.",
                expected=f"numbers of 0 or more, shape {shape}",
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

    @property
    def rows_in_block(self) -> int:
        """Rows that are read at a time where nobody asks for another number."""
        return max(1, _VALUES_IN_BLOCK // (self.shape[1] * self.axis.n_channels))

    def blocks(
        self, rows: int | None = None, *, edges_keV: ArrayLike | None = None
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield (first row, counts of shape (row, x, channel)) from top to bottom.

        Parameters
        ----------
        rows
            Rows in a block; some tens of MB of them if left out.
        edges_keV
            Increasing edges of other bins, shape (bin + 1,), onto which the counts are brought;
            their sum is conserved, and blocks have shape (row, x, bin) and type float32.

        Raises
        ------
        InvalidValueError
            If `rows` is below 1, `edges_keV` are no edges, or the file is damaged.
        """
        if rows is None:
            rows = self.rows_in_block
        if rows < 1:
            raise InvalidValueError(f"Blocks of {rows} rows.", expected="1 or more rows")
        rebin = None
        if edges_keV is not None:
            rebin = Rebinner(from_edges_keV=self.axis.edges_keV, to_edges_keV=edges_keV)
        for first in range(0, self.shape[0], rows):
            counts = self.rows(first, min(first + rows, self.shape[0]))
            yield first, counts if rebin is None else rebin(counts)

    def rows(self, first: int, last: int) -> NDArray[Any]:
        """Return the counts of rows `first` to ``last - 1``, shape (row, x, channel).

        Raises
        ------
        InvalidValueError
            If there are no such rows, or the file is damaged.
        """
        if not 0 <= first < last <= self.shape[0]:
            raise InvalidValueError(
                f"Rows {first} to {last - 1} of a scan of {self.shape[0]} rows.",
                expected="rows inside the scan",
            )
        counts = self.read_rows(first, last)
        expected = (last - first, self.shape[1], self.axis.n_channels)
        if counts.shape != expected:
            raise InvalidValueError(
                f"Rows {first} to {last - 1} came with shape {counts.shape}.",
                expected=f"{expected}",
                remedy="the file is damaged; save it anew",
            )
        return counts

    def spectrum(self, y: int, x: int) -> Spectrum:
        """Return the spectrum of one pixel; no other row is read."""
        if not (0 <= y < self.shape[0] and 0 <= x < self.shape[1]):
            raise InvalidValueError(
                f"Pixel ({y}, {x}) of a scan of {self.shape[0]} x {self.shape[1]} pixels.",
                expected="a row and a column inside the scan",
            )
        return self._spectrum(self.rows(y, y + 1)[0, x], f"pixel ({y}, {x})", np.s_[y, x])

    def region(self, mask: ArrayLike) -> Spectrum:
        """Return the sum of some pixels; rows that hold none of them are not read.

        Parameters
        ----------
        mask
            Whether each pixel belongs to the region, shape (y, x).

        Returns
        -------
        Spectrum
            Counts of type uint64, or float64 where the scan's are no whole numbers.
        """
        inside = np.asarray(mask)
        if inside.shape != self.shape or inside.dtype != bool or not inside.any():
            raise InvalidValueError(
                f"A region of shape {inside.shape}, type {inside.dtype}, with "
                f"{np.count_nonzero(inside)} pixels.",
                expected=f"True or False for each pixel, shape {self.shape}, and one that is True",
            )
        total: NDArray[Any] = np.zeros(self.axis.n_channels, dtype=np.uint64)
        for row in np.flatnonzero(inside.any(axis=1)).tolist():
            counts = self.rows(row, row + 1)[0, inside[row]]
            kind = np.float64 if counts.dtype.kind == "f" else np.uint64
            total = total + counts.sum(axis=0, dtype=kind)
        return self._spectrum(total, f"{np.count_nonzero(inside)} pixels", inside)

    def _spectrum(self, counts: NDArray[Any], of_what: str, pixels: Any) -> Spectrum:
        live_time = 0.0 if self.live_time_s is None else float(self.live_time_s[pixels].sum())
        return Spectrum(
            counts,
            self.axis,
            live_time_s=live_time or None,
            title=f"{self.title} {of_what}".strip(),
            instrument=self.instrument,
        )

    def events(
        self, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint32]]]:
        """Yield the events of each row from `first` to ``last - 1``.

        Yields
        ------
        offsets : ndarray, shape (x + 1,)
            Pixel x has the events ``offsets[x]`` to ``offsets[x + 1] - 1``.
        channels : ndarray, shape (event,)
            Channel of each event; those of a pixel are in the order of channels.

        Raises
        ------
        InvalidValueError
            If there are no such rows, or the counts are no whole numbers.
        """
        for row in range(first, self.shape[0] if last is None else last):
            counts = self.rows(row, row + 1)[0]
            if counts.dtype.kind not in "ui":
                raise InvalidValueError(
                    f"Counts of type {counts.dtype} are no events.",
                    expected="a scan of whole counts",
                )
            flat = counts.reshape(-1)
            # Of what is only true or false, that which holds counts is found fastest.
            held = np.flatnonzero(flat != 0)
            channels = (held % self.axis.n_channels).astype(np.uint32)
            offsets = np.concatenate([[0], np.cumsum(counts.sum(axis=1, dtype=np.int64))])
            yield offsets, np.repeat(channels, flat[held])

    def to_dask(self, rows: int | None = None, dtype: Any = None) -> dask.array.Array:
        """Return the counts as a dask array; see `lithoscope.core.scan_export.to_dask`."""
        from lithoscope.core.scan_export import to_dask

        return to_dask(self, rows=rows, dtype=dtype)

    def to_xarray(self, rows: int | None = None, dtype: Any = None) -> xarray.DataArray:
        """Return an array with coordinates; see `lithoscope.core.scan_export.to_xarray`."""
        from lithoscope.core.scan_export import to_xarray

        return to_xarray(self, rows=rows, dtype=dtype)

    def to_hyperspy(self, rows: int | None = None, dtype: Any = None) -> Any:
        """Return a lazy signal of HyperSpy's; see `lithoscope.core.scan_export.to_hyperspy`."""
        from lithoscope.core.scan_export import to_hyperspy

        return to_hyperspy(self, rows=rows, dtype=dtype)
