"""Net counts of many lines in many spectra, at the pace at which these are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.elements import LineWindow


class LineCounter:
    """Sums the windows of lines in spectra, and the spectra themselves.

    The same as `net_counts_from_window` for each window, compiled.

    Parameters
    ----------
    windows
        Windows of the lines, on the axis of the spectra to come.
    n_channels
        Channels of these.
    """

    def __init__(self, windows: Sequence[LineWindow], n_channels: int) -> None:
        parts = [(window.peak, window.left, window.right) for window in windows]
        self._ranges = np.clip(np.array(parts, np.int64).reshape(-1, 2), 0, n_channels)
        widths = np.diff(self._ranges, axis=1).reshape(-1, 3)
        self._shares = widths[:, 0] / np.maximum(widths[:, 1] + widths[:, 2], 1)

    def __call__(self, counts: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return what lines and channels count.

        Parameters
        ----------
        counts
            Shape (spectrum, channel).

        Returns
        -------
        net : ndarray, shape (spectrum, line)
            Counts above a straight background, 0 where they are fewer than that.
        total : ndarray, shape (channel,)
            Sum of the spectra.
        """
        from lithoscope.inference.line_sums import sum_channels

        is_narrow = counts.dtype == np.uint16
        spectra = np.ascontiguousarray(counts, dtype=np.uint16 if is_narrow else np.float64)
        kind = np.int64 if is_narrow else np.float64
        sums = np.empty((len(spectra), len(self._ranges)), dtype=kind)
        total = np.zeros(spectra.shape[1], dtype=kind)
        sum_channels(spectra, self._ranges, sums, total)
        parts = sums.reshape(len(spectra), -1, 3)
        net = parts[..., 0] - self._shares * (parts[..., 1] + parts[..., 2])
        return np.maximum(net, 0.0).astype(np.float32), total.astype(np.float64)
