"""The readable reference: the expected spectrum of one composition.

`physics.compile` does the same for thousands of compositions; a test holds the two together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Instrument
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.emission import Emission, emission_from_sample
from lithoscope.physics.source import source_from_instrument

FloatArray = NDArray[np.float64]


def counts_from_emission(
    *, emission: Emission, instrument: Instrument, edges_keV: FloatArray
) -> FloatArray:
    """Expected counts per second in each channel.

    Parameters
    ----------
    emission
        Photons from the sample.
    instrument
        Gives the gas and the detector.
    edges_keV
        Channel edges, shape (channel + 1,).

    Returns
    -------
    ndarray, shape (channel,)
    """
    energies = np.concatenate(
        [emission.lines.energies_keV, emission.rayleigh_keV, emission.compton_keV]
    )
    photons = np.concatenate(
        [emission.line_photons, emission.rayleigh_photons, emission.compton_photons]
    )
    response = counts_per_photon(instrument=instrument, energies_keV=energies, edges_keV=edges_keV)
    return photons @ response


def spectrum_from_composition(
    *,
    composition: Composition,
    instrument: Instrument,
    mass_thickness_g_cm2: float = np.inf,
) -> FloatArray:
    """Expected counts of one second on the instrument's own channels, shape (channel,).

    Fluorescence (primary, secondary, tertiary), Rayleigh and Compton scatter, and the detector's
    response; no diffraction, pile-up, zero peak or stray lines.
    """
    source = source_from_instrument(instrument=instrument)
    emission = emission_from_sample(
        composition=composition,
        instrument=instrument,
        source=source,
        mass_thickness_g_cm2=mass_thickness_g_cm2,
    )
    return counts_from_emission(
        emission=emission, instrument=instrument, edges_keV=instrument.axis.edges_keV
    )
