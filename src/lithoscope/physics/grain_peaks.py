"""Bragg peaks of many grains on one instrument: what does not depend on a grain is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.physics.crystal import Reflections, reflections_from_mineral
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.diffraction import (
    HIGHEST_KEV,
    LOWEST_KEV,
    bragg_energy_from_spacing,
    bragg_from_grain,
)
from lithoscope.physics.source import source_from_instrument

FloatArray = NDArray[np.float64]

# Rays of so much energy are detected together; a tenth of the best resolution.
_RAY_BIN_KEV = 0.01
# Channels of a peak at the highest energy end below this multiple of it.
_BEYOND = 1.25


class GrainPeaks:
    """Bragg peaks of grains in each detector of one instrument.

    `bragg_counts_from_grain` for many grains: the source, the detector's response and the lattice
    planes of each mineral are computed once. A grain takes a few milliseconds.

    Parameters
    ----------
    instrument
        The instrument.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._source = source_from_instrument(instrument=instrument)
        edges = instrument.axis.edges_keV
        highest = HIGHEST_KEV * 1.2
        self.channels = max(1, int(np.searchsorted(edges[1:], highest * _BEYOND)))
        self._bins = np.arange(LOWEST_KEV, min(edges[-1], highest), _RAY_BIN_KEV)
        self._response = counts_per_photon(
            instrument=instrument,
            energies_keV=(self._bins[:-1] + self._bins[1:]) / 2,
            edges_keV=edges[: self.channels + 1],
        ).astype(np.float32)
        self._reflections: dict[str, Reflections] = {}

    def counts(
        self, *, mineral: Mineral, composition: Composition, orientation: FloatArray
    ) -> NDArray[np.float32]:
        """Expected counts per second of a grain that fills the spot.

        Parameters
        ----------
        mineral
            Gives cell, structure factors and density.
        composition
            Of the grain; it gives absorption.
        orientation
            Rotation from the crystal's frame to the instrument's, shape (3, 3).

        Returns
        -------
        ndarray, shape (detector, channel), of the first `channels`; there are no peaks beyond

        Raises
        ------
        MineralError
            If the mineral has no unit cell.
        """
        peaks = bragg_from_grain(
            reflections=self._reflections_of(mineral),
            orientation=orientation,
            composition=composition,
            density_g_cm3=mineral.density_g_cm3,
            instrument=self._instrument,
            source=self._source,
        )
        counts = np.zeros((self._instrument.geometry.detectors, self.channels), dtype=np.float32)
        for number, spectrum in enumerate(counts):
            own = peaks.detectors == number
            photons, _ = np.histogram(
                peaks.energies_keV[own], self._bins, weights=peaks.photons_per_s[own]
            )
            met = np.flatnonzero(photons)
            spectrum[:] = photons[met].astype(np.float32) @ self._response[met]
        return counts

    def _reflections_of(self, mineral: Mineral) -> Reflections:
        if mineral.name not in self._reflections:
            angle = self._instrument.geometry.scattering_angle_deg
            longest = bragg_energy_from_spacing(spacing_A=np.array(1.0), scattering_angle_deg=angle)
            self._reflections[mineral.name] = reflections_from_mineral(
                mineral=mineral, shortest_d_A=float(longest / HIGHEST_KEV)
            )
        return self._reflections[mineral.name]
