"""The bins in which expected spectra are computed, finer and wider than the target's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.detector import Detector
from lithoscope.core.energy import edges_from_resolution
from lithoscope.core.rebin import rebin_matrix
from lithoscope.physics.detector import fano_term_from_factor, fwhm_from_energy

FloatArray = NDArray[np.float64]

# Bins this much finer than a detector's peak, so that a shift of a few eV can be made by
# interpolation (measured: to 0.5 % of a line's counts in any bin, as if the line were 1.5 % wider;
# tests/synthesis).
_BINS_PER_FWHM = 6.0
# Targets whose own bins are as fine as this are computed in their own bins.
_FINE_ENOUGH = 4.0
_MANGANESE_KEV = 5.9
# Room beyond what shifts need: Gaussians must not end at the last bin.
_MARGIN_KEV = 0.15


def fine_edges(
    target_keV: FloatArray, *, low_keV: float, high_keV: float, detector: Detector
) -> FloatArray:
    """Edges of the bins to compute in.

    Parameters
    ----------
    target_keV
        Edges of the target's bins, shape (bin + 1,).
    low_keV, high_keV
        Lowest and highest energy that can be recorded in them.
    detector
        Gives the resolution.

    Returns
    -------
    ndarray, shape (fine bin + 1,)
    """
    place = np.clip(np.searchsorted(target_keV, _MANGANESE_KEV), 1, target_keV.size - 1)
    width = target_keV[place] - target_keV[place - 1]
    fwhm = float(fwhm_from_energy(detector=detector, energies_keV=np.array(_MANGANESE_KEV)))
    if width <= fwhm / _FINE_ENOUGH:
        below = int(np.ceil((target_keV[0] - low_keV + _MARGIN_KEV) / width))
        above = int(np.ceil((high_keV - target_keV[-1] + _MARGIN_KEV) / width))
        return np.concatenate(
            [
                target_keV[0] - width * np.arange(max(below, 0), 0, -1),
                target_keV,
                target_keV[-1] + width * np.arange(1, max(above, 0) + 1),
            ]
        )
    return edges_from_resolution(
        low_keV=max(low_keV - _MARGIN_KEV, 0.0),
        high_keV=high_keV + _MARGIN_KEV,
        noise_keV=detector.noise_keV,
        fano=fano_term_from_factor(fano=detector.fano),
        bins_per_fwhm=_BINS_PER_FWHM,
    )


def counted_share(fine_keV: FloatArray, target_keV: FloatArray) -> FloatArray:
    """Share of each fine bin that lies inside the target's axis, shape (fine bin,)."""
    ends = np.array([target_keV[0], target_keV[-1]])
    return rebin_matrix(from_edges_keV=fine_keV, to_edges_keV=ends).toarray()[:, 0]
