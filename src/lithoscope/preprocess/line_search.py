"""Which elements, at which gain and offset, explain a sum spectrum, and where their lines lie."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize, nnls

from lithoscope.core.elements import atomic_number
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.physics.lines import EmissionLine
from lithoscope.preprocess.line_positions import HALF_WINDOW_FWHM, LinePosition, fit_position
from lithoscope.preprocess.line_templates import LineTemplates, line_shape, line_templates
from lithoscope.preprocess.snip import Snip, snip_baseline

# What an axis may be off by: gain as a share, offset in keV.
_GAIN_STEPS = np.linspace(-0.012, 0.012, 13)
_OFFSET_STEPS_KEV = np.linspace(-0.045, 0.045, 7)
_LOWEST_KEV, _HIGHEST_KEV = 0.95, 39.0
# How far the simulated shapes of lines are trusted in the search, as a share of the counts.
_SHAPE_ERROR = 0.03
# A line's neighbours must not give more than this share of its counts within its window.
_MOST_OTHERS = 0.35
_LEAST_COUNTS = 150.0
# An element's harder lines have at least this share of the counts of its softer ones.
_LEAST_SUPPORT = 0.05
_K_SUPPORTS_BELOW_Z = 45
_SMOOTHED = 9
_WORST_LINE_KEV = 0.015


class LineSearch:
    """Explains a spectrum above its baseline by families of lines.

    Parameters
    ----------
    counts
        Sum spectrum, shape (channel,).
    axis
        Its energy axis as stated, off by up to 1 % in gain and 30 eV in offset.
    instrument
        Resolution, anode, scattering angle, voltage.
    """

    def __init__(
        self, counts: NDArray[np.float64], axis: EnergyAxis, instrument: Instrument
    ) -> None:
        self.instrument = instrument
        self.templates = line_templates(instrument, _LOWEST_KEV - 0.2, _HIGHEST_KEV + 1)
        energies, edges = axis.energies_keV, axis.edges_keV
        high = min(_HIGHEST_KEV, self.templates.energies_keV[-1] - 0.5)
        inside = (energies > _LOWEST_KEV) & (energies < high)
        self.energies = energies[inside]
        self.width = axis.gain_keV
        self.counts = counts[inside]
        widths = Snip(half_width_fwhm=2.5).half_widths(edges)
        # Smoothed, or the baseline would run along the lower side of the noise.
        smooth = np.convolve(counts, np.ones(_SMOOTHED) / _SMOOTHED, "same")
        baseline = snip_baseline(torch.from_numpy(smooth)[None], widths)[0].numpy()
        self.baseline = baseline[inside]
        smooth = smooth[inside]
        self.supports = _supports(self.templates)
        self.weights = 1 / np.sqrt(smooth + 1 + (_SHAPE_ERROR * smooth) ** 2)

    @property
    def has_peaks(self) -> bool:
        """Whether there is anything above the baseline to search in."""
        return bool((self.counts - self.baseline).sum() >= _LEAST_COUNTS)

    def _models(self, gain: float, offset_keV: float) -> NDArray[np.float64]:
        return self.templates.at(offset_keV + gain * self.energies) * (gain * self.width)

    def _solved(self, gain: float, offset_keV: float) -> tuple[NDArray[np.float64], float]:
        """Counts of each family, and the weighted squares that remain."""
        design = self._models(gain, offset_keV) * self.weights
        target = (self.counts - self.baseline) * self.weights
        heights = _non_negative(design, target)
        # Lead's M lines lie beside sulfur's K lines; without its L lines there is no lead.
        unsupported = [
            soft for soft, hard in self.supports if heights[hard] < _LEAST_SUPPORT * heights[soft]
        ]
        if unsupported:
            kept = np.setdiff1d(np.arange(len(design)), unsupported)
            heights = np.zeros(len(design))
            heights[kept] = _non_negative(design[kept], target)
        rest = target - heights @ design
        return heights, float(rest @ rest)

    def best(self) -> tuple[float, float]:
        """Gain and offset that leave least, from a grid and then a simplex."""
        tried = [
            (self._solved(1 + gain, offset)[1], gain, offset)
            for gain, offset in itertools.product(_GAIN_STEPS, _OFFSET_STEPS_KEV)
        ]
        found = []
        for _, gain, offset in sorted(tried)[:3]:
            # In steps of a thousandth and of 5 eV.
            start = np.array([gain / 1e-3, offset / 5e-3])
            simplex = start + np.array([[0, 0], [1, 0], [0, 1]])
            found.append(
                minimize(
                    lambda at: self._solved(1 + 1e-3 * at[0], 5e-3 * at[1])[1],
                    start,
                    method="Nelder-Mead",
                    options={"initial_simplex": simplex, "xatol": 0.02, "maxiter": 60},
                )
            )
        best = min(found, key=lambda result: result.fun)
        return 1 + 1e-3 * float(best.x[0]), 5e-3 * float(best.x[1])

    def positions(self, gain: float, offset_keV: float) -> list[LinePosition]:
        """Places of the lines that stand alone, on the axis with this gain and offset."""
        heights, _ = self._solved(gain, offset_keV)
        energies = offset_keV + gain * self.energies
        edges = np.append(energies - gain * self.width / 2, energies[-1] + gain * self.width / 2)
        model = heights @ self._models(gain, offset_keV) + self.baseline
        found = []
        for family, height in zip(self.templates.families, heights, strict=True):
            total = sum(line.strength for line in family)
            for line in family:
                expected = height * line.strength / total
                if expected < _LEAST_COUNTS:
                    continue
                at = self._position(line, expected, energies, edges, model)
                if at is not None and at.sigma_keV < _WORST_LINE_KEV:
                    found.append(at)
        return found

    def _position(
        self,
        line: EmissionLine,
        expected: float,
        energies: NDArray[np.float64],
        edges: NDArray[np.float64],
        model: NDArray[np.float64],
    ) -> LinePosition | None:
        fwhm = fwhm_from_energy(
            detector=self.instrument.detector, energies_keV=np.array([line.energy_keV])
        )[0]
        half = HALF_WINDOW_FWHM * fwhm
        first, last = np.searchsorted(energies, [line.energy_keV - half, line.energy_keV + half])
        if last - first < 8 or first == 0 or last == energies.size:
            return None
        window = slice(first, last)
        bins = edges[first : last + 1]
        own = _shifted_shape(self.instrument, line, bins)
        others = model[window] - expected * own(0.0)
        others_alone = others - self.baseline[window]
        if others_alone.sum() > _MOST_OTHERS * expected:
            return None
        return fit_position(
            line,
            energies_keV=energies[window],
            counts=self.counts[window],
            others=others,
            shape=own,
        )


def _shifted_shape(
    instrument: Instrument, line: EmissionLine, bins: NDArray[np.float64]
) -> Callable[[float], NDArray[np.float64]]:
    """Counts of a line in bins, of one count in all, as a function of its shift in keV."""
    step = float(np.diff(bins).mean())
    # All of the line, so that its count is one.
    wide = np.arange(max(line.energy_keV - 1.0, 0.0), line.energy_keV + 1.0, step / 4)
    running = np.concatenate([[0.0], np.cumsum(line_shape(instrument, line, wide))])
    return lambda shift_keV: np.diff(np.interp(bins - shift_keV, wide, running))


def _non_negative(design: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative least squares by way of the normal equations, which are small."""
    gram = design @ design.T
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-30))
    factor = np.linalg.cholesky(gram / scale[:, None] / scale + 1e-6 * np.eye(len(scale)))
    heights, _ = nnls(factor.T, np.linalg.solve(factor, design @ target / scale))
    return np.asarray(heights / scale)


def _supports(templates: LineTemplates) -> list[tuple[int, int]]:
    """Families of soft lines, each with that of the same element's next harder ones.

    From silver on, K lines may be too hard for the tube.
    """
    place = {
        (lines[0].element, lines[0].label.split(" ")[1][0]): index
        for index, lines in enumerate(templates.families)
        if lines
    }
    return [
        (index, place[element, harder])
        for (element, shell), index in place.items()
        for softer, harder in (("M", "L"), ("L", "K"))
        if shell == softer
        and (element, harder) in place
        and (harder == "L" or atomic_number(element) < _K_SUPPORTS_BELOW_Z)
    ]
