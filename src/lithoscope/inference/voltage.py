"""The tube voltage, from where a spectrum ends (Duane-Hunt)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis

_WINDOW_KEV = 0.5
# Pile-up and cosmic rays leave a few counts beyond the end; less than this share is not signal.
_LEAST_SHARE = 1e-7
_LEAST_COUNTS = 6


def voltage_from_spectrum(*, counts: NDArray[np.generic], axis: EnergyAxis) -> float | None:
    """Highest energy with signal: the tube voltage in kV, or somewhat less with few counts.

    Parameters
    ----------
    counts
        A sum spectrum, shape (channel,).
    axis
        Its energy axis.

    Returns
    -------
    float or None
        ``None`` where the signal reaches the end of the axis, or there is none.
    """
    width = max(1, round(_WINDOW_KEV / axis.gain_keV))
    values = np.asarray(counts, dtype=np.float64)
    n_windows = values.size // width
    windows = values[: n_windows * width].reshape(n_windows, width).sum(axis=1)
    least = max(_LEAST_COUNTS, _LEAST_SHARE * values.sum())
    signal = np.flatnonzero(windows >= least)
    if signal.size == 0 or signal[-1] >= n_windows - 2:
        return None
    return float(axis.edges_keV[(signal[-1] + 1) * width])
