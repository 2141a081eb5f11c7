"""Counts of many spectra, brought onto other bins at the pace at which they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithoscope.core.rebin import checked_edges
from lithoscope.errors import InvalidValueError

# Spectra of other types than uint16 are converted so many at a time.
_CONVERTED_AT_ONCE = 256


class Rebinner:
    """Count-conserving rebinning of spectra from one axis onto other bins.

    The same as `lithoscope.core.rebin.rebin_counts`, but compiled: a bin's counts are the
    difference of the cumulative counts at its edges, which grow linearly inside a channel.

    Parameters
    ----------
    from_edges_keV, to_edges_keV
        Increasing edges, shapes (channel + 1,) and (bin + 1,), in keV. Bins outside the
        measured range get no counts.

    Raises
    ------
    InvalidValueError
        If the edges do not increase.
    """

    def __init__(self, *, from_edges_keV: ArrayLike, to_edges_keV: ArrayLike) -> None:
        source = checked_edges(from_edges_keV, "from_edges_keV")
        target = checked_edges(to_edges_keV, "to_edges_keV")
        inside = np.clip(target, source[0], source[-1])
        self.n_channels = source.size - 1
        last = self.n_channels - 1
        found = np.searchsorted(source, inside, side="right") - 1
        self._channels = np.clip(found, 0, last).astype(np.int64)
        low, high = source[self._channels], source[self._channels + 1]
        self._shares = (inside - low) / (high - low)

    def __call__(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """Rebin counts of shape (..., channel) to (..., bin).

        Raises
        ------
        InvalidValueError
            If the counts are of another number of channels.
        """
        if counts.ndim < 1 or counts.shape[-1] != self.n_channels:
            raise InvalidValueError(
                f"Counts of shape {counts.shape}.", expected=f"(..., {self.n_channels})"
            )
        flat = counts.reshape(-1, self.n_channels)
        binned = np.empty((len(flat), self._channels.size - 1), dtype=np.float32)
        at_once = len(flat) if flat.dtype == np.uint16 else _CONVERTED_AT_ONCE
        for first in range(0, len(flat), max(1, at_once)):
            self._rebin(flat[first : first + at_once], binned[first : first + at_once])
        return binned.reshape(*counts.shape[:-1], binned.shape[1])

    def _rebin(self, counts: NDArray[Any], binned: NDArray[np.float32]) -> None:
        from lithoscope.core.rebin_loop import rebin_rows

        is_narrow = counts.dtype == np.uint16
        spectra = np.ascontiguousarray(counts, dtype=np.uint16 if is_narrow else np.float64)
        below = np.empty(self.n_channels, dtype=np.int64 if is_narrow else np.float64)
        rebin_rows(spectra, self._channels, self._shares, binned, below)
