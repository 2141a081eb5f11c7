"""Expected counts of a measured spectrum: simulated, scaled, pile-up added."""

from __future__ import annotations

import numpy as np
from benchmarks.physics.measured import Measured
from benchmarks.physics.peaks import scaled_to
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def expected_in(measured: Measured, simulated: FloatArray, edges_keV: FloatArray) -> FloatArray:
    """Counts expected in bins.

    Parameters
    ----------
    measured
        Gives the scale, and the rates that pile up.
    simulated
        Counts in the measured channels, in any scale.
    edges_keV
        Edges of bins that hold whole channels, shape (bin + 1,).
    """
    within = np.array(scaled_to(measured).within)
    net = measured.counted_in(within)[0] - measured.piled_in(within)[0]
    energies = measured.energies_keV
    inside = (energies > within[0]) & (energies < within[1])
    binned = np.histogram(energies, edges_keV, weights=simulated)[0]
    return net / simulated[inside].sum() * binned + measured.piled_in(edges_keV)
