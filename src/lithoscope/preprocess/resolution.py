"""The detector's resolution in bins, by which the widths of filters are chosen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.preprocess.model_axis import ModelAxis

_AXIS = ModelAxis()


def fwhm_in_bins(edges_keV: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width of a peak in bins, ``sqrt(noise^2 + fano E) / width``, shape (bin,).

    The resolution is that which the bins of the model's axis follow.

    Parameters
    ----------
    edges_keV
        Bin edges, shape (bin + 1,).
    """
    centres = np.maximum((edges_keV[1:] + edges_keV[:-1]) / 2, 0.0)
    fwhm = np.sqrt(_AXIS.noise_keV**2 + _AXIS.fano_keV * centres)
    return np.asarray(fwhm / np.diff(edges_keV))
