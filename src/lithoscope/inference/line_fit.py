"""Net counts of lines by least squares: templates of line groups and of scatter, none negative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.physics.compile import compile_instrument
from lithoscope.physics.line_groups import LineGroup, groups_of_lines

# Pure elements whose scatter spectra span those of samples, light to heavy.
_SCATTERERS = ("C", "O", "Na", "Si", "Ca", "Fe", "Zn", "Sr", "Ag", "Ba", "W", "Pb")
# Fits, each weighted by the one before it, the first by the counts; more change nothing that noise
# does not (tests/inference/test_line_fit.py).
_FITS = 3
# Variance of a bin is at least this: bins without counts would else weigh without limit.
_LEAST_VARIANCE = 0.1


@dataclass(frozen=True, eq=False)
class LineFit:
    """Fits spectra by templates.

    Parameters
    ----------
    groups
        Groups of lines.
    templates
        One count of each group and then of each background, shape (component, bin).
    """

    groups: tuple[LineGroup, ...]
    templates: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.templates.ndim != 2 or len(self.templates) < len(self.groups):
            raise InvalidValueError(
                f"Templates of shape {self.templates.shape} for {len(self.groups)} groups.",
                expected="(component, bin), one for each group and then those of the background",
            )

    def net_counts(self, counts: NDArray[np.floating]) -> NDArray[np.float64]:
        """Fit net counts of each group.

        Minimises ``sum_i (n_i - sum_g x_g t_gi)^2 / v_i`` over x of 0 or more (Lawson and Hanson
        1974, Solving Least Squares Problems, chapter 23). The variance v is first that of the
        counts, then that of the fit before: weights from the counts alone favour bins that noise
        made low, and bias the fit by some one count a bin.

        Parameters
        ----------
        counts
            Shape (spectrum, bin).

        Returns
        -------
        ndarray, shape (spectrum, group)
        """
        if counts.ndim != 2 or counts.shape[1] != self.templates.shape[1]:
            raise InvalidValueError(
                f"Counts of shape {counts.shape}.",
                expected=f"(spectrum, {self.templates.shape[1]})",
            )
        net = np.zeros((len(counts), len(self.groups)))
        for row, spectrum in enumerate(np.asarray(counts, dtype=np.float64)):
            variance = np.maximum(spectrum, 1.0)
            for _ in range(_FITS):
                weight = 1 / np.sqrt(variance)
                found, _ = scipy.optimize.nnls((self.templates * weight).T, spectrum * weight)
                variance = np.maximum(found @ self.templates, _LEAST_VARIANCE)
            net[row] = found[: len(self.groups)]
        return net


def line_fit_for_instrument(
    *, instrument: Instrument, groups: Sequence[LineGroup], edges_keV: NDArray[np.float64]
) -> LineFit:
    """Make the templates of an instrument.

    A group's lines are in the ratios in which its pure, thick element sends them to the detector,
    with their enhancement; what they give is the detector's response, as in the simulation. The
    background is what twelve pure elements scatter, and a constant for each keV.

    Parameters
    ----------
    instrument
        As its makers describe it.
    groups
        Groups of lines to fit.
    edges_keV
        Edges of the bins, shape (bin + 1,).

    Raises
    ------
    InvalidValueError
        If the instrument does not excite or see one of the groups.
    """
    symbols = tuple(dict.fromkeys([*(group.element for group in groups), *_SCATTERERS]))
    compiled = compile_instrument(instrument=instrument, symbols=symbols, edges_keV=edges_keV)
    known, member = groups_of_lines(lines=compiled.fluorescence.lines, symbols=symbols)
    photons = compiled.line_photons(np.eye(len(symbols)))
    own = np.zeros((len(groups), photons.shape[1]))
    for row, group in enumerate(groups):
        if group in known:
            own[row] = photons[symbols.index(group.element)] * member[:, known.index(group)]
    lines, every = (np.zeros((len(part), edges_keV.size - 1)) for part in (own, photons))
    compiled.line_response.add_counts(own, lines)
    compiled.line_response.add_counts(photons, every)
    unseen = [str(group) for group, shape in zip(groups, lines, strict=True) if shape.sum() <= 0]
    if unseen:
        raise InvalidValueError(
            f"{instrument.name} sees nothing of {', '.join(unseen)}.",
            expected="groups of lines that the tube excites and the axis holds",
        )
    scatter = (compiled.spectra(np.eye(len(symbols))) - every).clip(0)
    rows = [symbols.index(symbol) for symbol in _SCATTERERS]
    shapes = np.concatenate([lines, scatter[rows], np.diff(edges_keV)[None]])
    return LineFit(tuple(groups), shapes / shapes.sum(axis=1, keepdims=True))
