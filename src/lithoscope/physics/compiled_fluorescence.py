"""Fluorescence of many compositions of the same elements at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.physics.cells import cells_from_source
from lithoscope.physics.enhancement import TERTIARY_FROM, Exciters
from lithoscope.physics.fluorescence import LineTable
from lithoscope.physics.source import Source

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class FluorescenceTables:
    """Cross sections in cm²/g; rows follow the elements, lines, exciting lines, source nodes.

    Parameters
    ----------
    lines
        All lines.
    production
        Shape (line, node).
    exciters
        Lines that excite others.
    production_by_lines
        Shape (line, exciter).
    attenuation_in, attenuation_lines, attenuation_exciters
        Shapes (element, node), (element, line) and (element, exciter).
    """

    lines: LineTable
    production: NDArray[np.float64]
    exciters: Exciters
    production_by_lines: NDArray[np.float64]
    attenuation_in: NDArray[np.float64]
    attenuation_lines: NDArray[np.float64]
    attenuation_exciters: NDArray[np.float64]

    @property
    def nbytes(self) -> int:
        """Memory of the tables."""
        tables = (
            self.production,
            self.production_by_lines,
            self.attenuation_in,
            self.attenuation_lines,
            self.attenuation_exciters,
        )
        return sum(table.nbytes for table in tables)

    def present(
        self,
        present: NDArray[np.int64],
        *,
        symbols: tuple[str, ...],
        source: Source,
        solid_angle_sr: float,
        dtype: np.dtype,
    ) -> PresentElements:
        """Gather what compositions of some of the elements need.

        Parameters
        ----------
        present
            Indices of the elements, ascending, shape (present,).
        symbols
            All elements.
        source, solid_angle_sr
            Of the instrument.
        dtype
            Precision of the gathered tables.
        """
        cells = cells_from_source(source=source, symbols=[symbols[index] for index in present])
        lines = np.flatnonzero(np.isin(self.lines.elements, present))
        acting, exciters = self._acting(present, lines)
        made = cells.mean(self.production[lines]) * cells.photons_per_s
        tables = {
            "made": made,
            "made_exciters": exciters.sum(made.T).T,
            "production_by_lines": self.production_by_lines[np.ix_(lines, acting)],
            "attenuation_in": cells.mean(self.attenuation_in[present]),
            "attenuation_lines": self.attenuation_lines[np.ix_(present, lines)],
            "attenuation_exciters": self.attenuation_exciters[np.ix_(present, acting)],
        }
        return PresentElements(
            lines=lines,
            own=np.searchsorted(present, self.lines.elements[lines]),
            exciters=exciters,
            solid_angle_sr=solid_angle_sr,
            **{name: table.astype(dtype) for name, table in tables.items()},
        )

    def _acting(
        self, present: NDArray[np.int64], lines: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Exciters]:
        """Which exciters are of these elements, and they with places among these lines."""
        every = self.exciters
        acting = np.flatnonzero(np.isin(every.elements, present))
        sizes = np.diff(np.append(every.starts, every.lines.size))
        members = np.isin(np.repeat(np.arange(sizes.size), sizes), acting)
        exciters = Exciters(
            lines=np.searchsorted(lines, every.lines[members]),
            starts=np.cumsum(sizes[acting]) - sizes[acting],
            elements=np.searchsorted(present, every.elements[acting]),
            energies_keV=every.energies_keV[acting],
        )
        return acting, exciters


@dataclass(frozen=True, eq=False)
class PresentElements:
    """What compositions of certain elements need; exciting radiation in cells.

    Parameters
    ----------
    lines
        Lines of these elements among all, shape (line,).
    own
        Which of the elements each line belongs to, shape (line,).
    exciters
        Which of these lines excite others.
    solid_angle_sr
        Of the detectors together.
    made, made_exciters
        Lines and exciting lines made per mass depth, shapes (line, cell), (exciter, cell).
    production_by_lines
        Shape (line, exciter).
    attenuation_in, attenuation_lines, attenuation_exciters
        Shapes (element, cell), (element, line) and (element, exciter).
    """

    lines: NDArray[np.int64]
    own: NDArray[np.int64]
    exciters: Exciters
    solid_angle_sr: float
    made: FloatArray
    made_exciters: FloatArray
    production_by_lines: FloatArray
    attenuation_in: FloatArray
    attenuation_lines: FloatArray
    attenuation_exciters: FloatArray

    def line_photons(
        self,
        fractions: FloatArray,
        mass_thickness_g_cm2: FloatArray,
        sine_in: FloatArray,
        sine_out: FloatArray,
    ) -> FloatArray:
        """Photons of each line in the detector's solid angle, with enhancement.

        Parameters
        ----------
        fractions
            Mass fractions of the elements, shape (sample, element).
        mass_thickness_g_cm2
            Shape (sample,).
        sine_in, sine_out
            Sines of the angles of beam and detector to each surface, shape (sample,).

        Returns
        -------
        ndarray, shape (sample, line), photons/s
        """
        down = fractions @ self.attenuation_in / sine_in[:, None]
        up = fractions @ self.attenuation_lines / sine_out[:, None]
        absorbed = 1 / (down[:, None, :] + up[:, :, None])
        per_incidence = fractions.dtype.type(self.solid_angle_sr / (4 * np.pi)) / sine_in
        seen = fractions[:, self.own] * per_incidence[:, None]
        thick = seen * _summed(absorbed, self.made)
        direct = thick
        thickness = mass_thickness_g_cm2[:, None]
        if np.isfinite(thickness).any():
            passed = -np.expm1(-thickness[:, None] / absorbed)
            direct = seen * _summed(absorbed * passed, self.made)
        if self.exciters.starts.size == 0:
            return direct
        between = fractions @ self.attenuation_exciters
        acts = -np.expm1(-between * thickness)
        met = self._met_by_exciters(fractions, down, up, between, absorbed)
        share = np.maximum(thick, np.finfo(thick.dtype).tiny)
        secondary = seen * np.einsum("blx,bx->bl", met, acts) / share
        raised = self.exciters.sum(secondary * share) / self.exciters.sum(share)
        tertiary = raised.max(axis=1) > TERTIARY_FROM
        acts[tertiary] *= 1 + raised[tertiary]
        secondary[tertiary] = (seen / share)[tertiary] * np.einsum(
            "blx,bx->bl", met[tertiary], acts[tertiary]
        )
        return direct * (1 + secondary)

    def _met_by_exciters(
        self,
        fractions: FloatArray,
        down: FloatArray,
        up: FloatArray,
        between: FloatArray,
        absorbed: FloatArray,
    ) -> FloatArray:
        """Lines made by each exciting line, shape (sample, line, exciter).

        The terms of `physics.enhancement.secondary_from_sherman`.
        """
        ways_in = np.log1p(down[:, None, :] / between[:, :, None]) / down[:, None, :]
        met = np.matmul(absorbed, (self.made_exciters * ways_in).transpose(0, 2, 1))
        ways_out = np.log1p(up[:, :, None] / between[:, None, :]) / up[:, :, None]
        met += (absorbed @ self.made_exciters.T) * ways_out
        met *= self.production_by_lines / 2
        met *= fractions[:, self.exciters.elements][:, None, :]
        return met


def _summed(absorbed: FloatArray, made: FloatArray) -> FloatArray:
    """Sum over cells, shape (sample, line)."""
    return np.asarray(np.einsum("blc,lc->bl", absorbed, made))
