"""From the sample to a count: chamber gas and detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.physics.attenuation import transmission_from_atmosphere
from lithoscope.physics.detector import response_from_energies

FloatArray = NDArray[np.float64]


def counts_per_photon(
    *, instrument: Instrument, energies_keV: FloatArray, edges_keV: FloatArray
) -> FloatArray:
    """Expected counts in each channel per photon sent towards the detector.

    Parameters
    ----------
    instrument
        Gives the gas and the detector.
    energies_keV
        Photon energies, shape (photon,).
    edges_keV
        Channel edges, shape (channel + 1,).

    Returns
    -------
    ndarray, shape (photon, channel)
    """
    passed = transmission_from_atmosphere(
        atmosphere=instrument.atmosphere,
        path_mm=instrument.atmosphere.detection_path_mm,
        energies_keV=energies_keV,
    )
    response = response_from_energies(
        detector=instrument.detector, energies_keV=energies_keV, edges_keV=edges_keV
    )
    return passed[:, None] * response
