"""How deep each energy comes from: shadows, and grains thinner than that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.physics.attenuation import LOWEST_ENERGY_KEV, mass_attenuation_from_elements
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.synthesis.expected import Machine

# Photons absorbed in an atom fall with about this power of the energy.
_PHOTOEFFECT = -2.8
# An absorption edge lies this much above the lines that it excites, on average (K of Si to Fe).
_EDGE = 1.07


def attenuation_of_emitted(machine: Machine) -> NDArray[np.float64]:
    """Mass attenuation of a machine's elements at its bins, shape (element, bin), in cm²/g.

    A line is spread over bins of which some lie above an edge that its photons lie below, most of
    all each element's own Kβ. So an edge acts from the detector's resolution above it on.
    """
    seen, symbols = _middles(machine), machine.compiled.symbols
    detector = machine.compiled.instrument.detector
    spread = fwhm_from_energy(detector=detector, energies_keV=np.maximum(seen, 0.0))
    lower = np.maximum(seen - spread, LOWEST_ENERGY_KEV)
    here, below = (
        mass_attenuation_from_elements(symbols=symbols, energies_keV=energies)
        for energies in (seen, lower)
    )
    # Attenuation rises with the energy only over an edge.
    continued = below * (np.maximum(seen, lower) / lower) ** _PHOTOEFFECT
    return np.where(here > below, continued, here)


def attenuation_of_exciting(machine: Machine) -> NDArray[np.float64]:
    """The same at the energy that excites what is seen in each bin, shape (element, bin)."""
    return mass_attenuation_from_elements(
        symbols=machine.compiled.symbols,
        energies_keV=exciting_energies(
            seen_keV=_middles(machine),
            source_keV=machine.compiled.source_keV,
            photons_per_s=machine.compiled.source.photons_per_s,
        ),
    )


def exciting_energies(
    *,
    seen_keV: NDArray[np.float64],
    source_keV: NDArray[np.float64],
    photons_per_s: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Energy of the radiation that excites lines of given energies.

    The mean over the source above the edge, ``sum N E E^-2.8 / sum N E^-2.8``; where the source has
    nothing above, scattered radiation is seen, and the energy itself is returned.

    Parameters
    ----------
    seen_keV
        Energies seen, shape (bin,).
    source_keV, photons_per_s
        The source, shapes (node,).

    Returns
    -------
    ndarray, shape (bin,), in keV
    """
    order = np.argsort(source_keV)
    energies, photons = source_keV[order], photons_per_s[order]
    weights = photons * energies**_PHOTOEFFECT
    above = np.cumsum(weights[::-1])[::-1]
    moment = np.cumsum((weights * energies)[::-1])[::-1]
    first = np.searchsorted(energies, seen_keV * _EDGE)
    reached = first < energies.size
    place = np.minimum(first, energies.size - 1)
    mean = moment[place] / np.maximum(above[place], np.finfo(np.float64).tiny)
    return np.where(reached & (above[place] > 0), np.maximum(mean, seen_keV), seen_keV)


def _middles(machine: Machine) -> NDArray[np.float64]:
    edges = machine.compiled.edges_keV
    return (edges[:-1] + edges[1:]) / 2
