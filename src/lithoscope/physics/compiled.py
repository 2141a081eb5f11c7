"""Many compositions turned into spectra at once: the tables of `physics.compile` evaluated."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.physics.banded import BandedResponse
from lithoscope.physics.compiled_fluorescence import FluorescenceTables, PresentElements
from lithoscope.physics.compiled_scatter import ScatterTables
from lithoscope.physics.source import Source

FloatArray = NDArray[np.floating]

# Samples whose photons become counts together: enough for the matrix product to pay.
_BLOCK = 512
# Samples whose emission is computed together: few enough for the processor's cache.
_CHUNK = 32


@dataclass(frozen=True, eq=False)
class CompiledInstrument:
    """Tables for one instrument, one element set and one set of channels.

    Parameters
    ----------
    instrument
        The instrument.
    symbols
        Elements that compositions hold.
    edges_keV
        Channel edges, shape (channel + 1,).
    source
        The exciting radiation.
    fluorescence, scatter
        What the elements do with it.
    line_response, scatter_response
        Counts per photon of what they send out.
    dtype
        Precision of tables and spectra.
    """

    instrument: Instrument
    symbols: tuple[str, ...]
    edges_keV: NDArray[np.float64]
    source: Source
    fluorescence: FluorescenceTables
    scatter: ScatterTables
    line_response: BandedResponse
    scatter_response: BandedResponse
    dtype: np.dtype
    # What samples of the same elements share, by the elements; a tenth of a megabyte each.
    _present: dict[bytes, PresentElements] = field(default_factory=dict, init=False, repr=False)

    @property
    def source_keV(self) -> NDArray[np.float64]:
        """Energies of the source's nodes, shape (node,)."""
        return self.source.energies_keV

    @property
    def nbytes(self) -> int:
        """Memory of the tables."""
        parts = (self.line_response, self.scatter_response, self.fluorescence, self.scatter)
        return sum(part.nbytes for part in parts)

    def spectra(
        self,
        mass_fractions: FloatArray,
        *,
        diffuse_share: FloatArray | float = 1.0,
        mass_thickness_g_cm2: FloatArray | float = np.inf,
        incidence_deg: FloatArray | float | None = None,
        take_off_deg: FloatArray | float | None = None,
    ) -> FloatArray:
        """Expected counts of one second for many compositions.

        Compositions of the same elements are evaluated together, so that many of few minerals are
        faster than as many with elements of their own.

        Parameters
        ----------
        mass_fractions
            Shape (composition, element), columns as `symbols`.
        diffuse_share
            Share of the Rayleigh scatter of free atoms that is seen: a number, or shape
            (composition, node) with nodes as in `source_keV`.
        mass_thickness_g_cm2
            Density times thickness: a number, or shape (composition,).
        incidence_deg, take_off_deg
            Angles of beam and detector to the surface, a number or shape (composition,); the
            instrument's own where left out. A surface that is tilted keeps the angle between beam
            and detector.

        Returns
        -------
        ndarray, shape (composition, channel)
        """
        fractions, thickness, sines = self._samples(
            mass_fractions, mass_thickness_g_cm2, incidence_deg, take_off_deg
        )
        count = len(fractions)
        shape = (count, self.source_keV.size)
        diffuse = np.broadcast_to(np.asarray(diffuse_share, dtype=self.dtype), shape)
        counts = np.zeros((count, self.edges_keV.size - 1), dtype=self.dtype)
        order, ends = _by_elements(fractions)

        def evaluate(start: int) -> None:
            rows = order[start : start + _BLOCK]
            inner = ends[(ends > start) & (ends < start + rows.size)] - start
            groups = np.split(np.arange(rows.size), inner)
            counts[rows] = self._block(
                fractions[rows], thickness[rows], diffuse[rows], sines[:, rows], groups
            )

        with _blas().limit(limits=1), ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(evaluate, range(0, count, _BLOCK)))
        return counts

    def line_photons(
        self,
        mass_fractions: FloatArray,
        *,
        mass_thickness_g_cm2: FloatArray | float = np.inf,
        incidence_deg: FloatArray | float | None = None,
        take_off_deg: FloatArray | float | None = None,
    ) -> FloatArray:
        """Photons of every line that `spectra` turns into counts.

        Parameters
        ----------
        mass_fractions, mass_thickness_g_cm2, incidence_deg, take_off_deg
            As for `spectra`.

        Returns
        -------
        ndarray, shape (composition, line), photons/s in the detector's solid angle
            Lines as in ``fluorescence.lines``; 0 for those of elements that are not there.
        """
        fractions, thickness, sines = self._samples(
            mass_fractions, mass_thickness_g_cm2, incidence_deg, take_off_deg
        )
        photons = np.zeros((len(fractions), self.fluorescence.lines.macros.size), self.dtype)
        order, ends = _by_elements(fractions)
        for group in np.split(order, ends[:-1]):
            present = np.flatnonzero(fractions[group[0]])
            elements = self._of_elements(present)
            for start in range(0, group.size, _CHUNK):
                rows = group[start : start + _CHUNK]
                photons[np.ix_(rows, elements.lines)] = elements.line_photons(
                    fractions[np.ix_(rows, present)], thickness[rows], *sines[:, rows]
                )
        return photons

    def _samples(
        self,
        mass_fractions: FloatArray,
        mass_thickness_g_cm2: FloatArray | float,
        incidence_deg: FloatArray | float | None,
        take_off_deg: FloatArray | float | None,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Fractions, thickness and sines (2, sample) of each sample."""
        fractions = np.asarray(mass_fractions, dtype=self.dtype)
        if fractions.ndim != 2 or fractions.shape[1] != len(self.symbols):
            raise InvalidValueError(
                f"Mass fractions of shape {fractions.shape}.",
                expected=f"(composition, {len(self.symbols)})",
            )
        count = len(fractions)
        thickness = np.broadcast_to(np.asarray(mass_thickness_g_cm2, dtype=self.dtype), count)
        geometry = self.instrument.geometry
        sines = np.stack(
            [
                np.broadcast_to(np.sin(np.deg2rad(own if angle is None else angle)), count)
                for angle, own in (
                    (incidence_deg, geometry.incidence_deg),
                    (take_off_deg, geometry.take_off_deg),
                )
            ]
        ).astype(self.dtype)
        return fractions, thickness, sines

    def _block(
        self,
        fractions: FloatArray,
        thickness: FloatArray,
        diffuse: FloatArray,
        sines: FloatArray,
        groups: list[NDArray[np.int64]],
    ) -> FloatArray:
        """Spectra of samples in groups of the same elements, shape (sample, channel)."""
        counts = np.zeros((len(fractions), self.edges_keV.size - 1), dtype=self.dtype)
        scattered = np.empty((len(fractions), self.scatter.energies_keV.size), dtype=self.dtype)
        for group in groups:
            present = np.flatnonzero(fractions[group[0]])
            elements = self._of_elements(present)
            scatter = self.scatter.of_elements(present)
            lines = np.empty((group.size, elements.lines.size), dtype=self.dtype)
            for start in range(0, group.size, _CHUNK):
                rows = group[start : start + _CHUNK]
                own = fractions[np.ix_(rows, present)]
                lines[start : start + _CHUNK] = elements.line_photons(
                    own, thickness[rows], *sines[:, rows]
                )
                scattered[rows] = scatter.photons(
                    own, thickness[rows], diffuse[rows], *sines[:, rows]
                )
            response = self.line_response.only(elements.lines)
            response.add_counts(lines, counts[group[0] : group[-1] + 1])
        self.scatter_response.add_counts(scattered, counts)
        return counts

    def _of_elements(self, present: NDArray[np.int64]) -> PresentElements:
        """What samples of some elements need, gathered once: it costs as much as a few spectra."""
        key = present.tobytes()
        if key not in self._present:
            self._present[key] = self.fluorescence.present(
                present,
                symbols=self.symbols,
                source=self.source,
                solid_angle_sr=self.instrument.geometry.solid_angle_sr,
                dtype=self.dtype,
            )
        return self._present[key]


@functools.cache
def _blas() -> ThreadpoolController:
    """Keeps matrix products in the thread that asks for them: blocks run in parallel already."""
    return ThreadpoolController()


def _by_elements(fractions: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows in an order that brings those of the same elements together, and where each set ends."""
    _, which = np.unique(fractions > 0, axis=0, return_inverse=True)
    return np.argsort(which.ravel(), kind="stable"), np.cumsum(np.bincount(which.ravel()))
