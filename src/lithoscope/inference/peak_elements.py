"""Which elements explain a peak: those whose other lines are there too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import ExpectedFit
from lithoscope.inference.peak_candidates import fwhm_at, principal_lines_at
from lithoscope.inference.poisson_fit import amplitudes_from_counts
from lithoscope.inference.residual import deviance_from_expected

FloatArray = NDArray[np.float64]

# An element explains a peak if it takes away this share of the peak's deviance.
_LEAST_EXPLAINED = 0.5
# A further line of the element is missed if not even this share of what is due is there, since
# absorption makes lines unequal.
_LEAST_SUPPORT = 0.4
# Elements whose deviance is this near the best one's cannot be told from it.
_AS_GOOD = 9.0
_MOST_ELEMENTS = 3
# Another line of the element supports it where so many standard deviations of it are due.
_SURELY_SEEN = 3.0


@dataclass(frozen=True, eq=False)
class ExplainedPeak:
    """A peak, and what explains it.

    Parameters
    ----------
    place
        Its bin.
    elements
        The elements that explain it, the best first; none where no element does.
    template
        Lines of the best of them, of sum one, shape (bin,); zeros where there is none.
    """

    place: int
    elements: tuple[str, ...]
    template: FloatArray


def elements_of_peak(
    counts: FloatArray,
    fit: ExpectedFit,
    banks: ExpectedBanks,
    matrix: int,
    place: int,
    error: FloatArray,
    usable: NDArray[np.bool_],
) -> ExplainedPeak:
    """Find the elements that explain a window best.

    The elements that have a principal line there compete by the deviance that their whole spectrum
    takes away; those of which another line is due and not there are left out.

    Parameters
    ----------
    counts
        Measured counts, shape (bin,).
    fit
        What is expected without the element.
    banks
        Where the lines of elements come from.
    matrix
        The class that attenuates them.
    place
        Bin of the peak.
    error
        Relative error of the expectation beside counting noise, shape (bin,).
    usable
        Bins to look at, shape (bin,).
    """
    energy = energy_of_peak(counts - fit.expected, banks.edges_keV, place)
    lines = principal_lines_at(
        energy, edges_keV=banks.edges_keV, voltage_kV=banks.instrument.tube.voltage_kV
    )
    symbols = list(dict.fromkeys(line.element for line in lines))
    nothing = ExplainedPeak(place, (), np.zeros(counts.size))
    if not symbols:
        return nothing
    templates = banks.of_elements(symbols, matrix)
    seen = [
        number
        for number, template in enumerate(templates)
        if not _misses_a_line(counts, fit.expected, template, place, error, usable)
    ]
    if not seen:
        return nothing
    gains = _gains(counts, fit.expected, templates[seen], error, usable)
    # What the peak alone would take away, if all of it were explained.
    own = slice(max(place - 2, 0), place + 3)
    peak = deviance_from_expected(
        counts=counts[own], expected=fit.expected[own], relative_error=error[own]
    ).sum()
    best = float(gains.max())
    if best < _LEAST_EXPLAINED * peak:
        return nothing
    order = [int(one) for one in np.argsort(-gains) if gains[one] > best - _AS_GOOD]
    return ExplainedPeak(
        place,
        tuple(symbols[seen[one]] for one in order[:_MOST_ELEMENTS]),
        templates[seen[order[0]]],
    )


def _misses_a_line(
    counts: FloatArray,
    expected: FloatArray,
    template: FloatArray,
    place: int,
    error: FloatArray,
    usable: NDArray[np.bool_],
) -> bool:
    """Whether a line of an element is not there that is due if the element makes the peak."""
    n, m, t, spread = (_windows(one) for one in (counts, expected, template, error * expected))
    if t[place] <= 0:
        return True
    due = t * (n[place] - m[place]) / t[place]
    sigma = np.sqrt(np.maximum(m + due, 1.0) + spread**2)
    surely = usable & (due > _SURELY_SEEN * sigma) & (np.abs(np.arange(n.size) - place) > 5)
    return bool((n - m + 2 * sigma < _LEAST_SUPPORT * due)[surely].any())


def _gains(
    counts: FloatArray,
    expected: FloatArray,
    templates: FloatArray,
    error: FloatArray,
    usable: NDArray[np.bool_],
) -> FloatArray:
    """Deviance that each template takes away beside what is expected, shape (template,)."""

    def deviance(means: FloatArray) -> float:
        found = deviance_from_expected(counts=counts, expected=means, relative_error=error)
        return float(found[usable].sum())

    before, gains = deviance(expected), np.zeros(len(templates))
    for number, template in enumerate(templates):
        both = np.stack([expected, template])[:, usable]
        amplitudes = amplitudes_from_counts(counts=counts[usable], templates=both)
        gains[number] = before - deviance(expected + amplitudes[1] * template)
    return gains


def _windows(values: FloatArray) -> FloatArray:
    """Sums over three bins, about one FWHM, shape (bin,)."""
    return np.convolve(values, np.ones(3), "same")


def has_second_line(
    element: FloatArray,
    without: FloatArray,
    error: FloatArray,
    place: int,
    edges_keV: FloatArray,
) -> bool:
    """Whether a line elsewhere that is significant by itself supports an element.

    Parameters
    ----------
    element, without
        Counts of the element's lines, and expected counts without them, shape (bin,).
    error
        Relative error of the expectation beside counting noise, shape (bin,).
    place
        Bin of the peak.
    edges_keV
        Bin edges, shape (bin + 1,).
    """
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    beside = np.abs(centres - centres[place]) > 2 * fwhm_at(float(centres[place]), edges_keV)
    due, under = _windows(np.where(beside, element, 0.0)), _windows(without)
    spread = np.sqrt(under + due + (error * under) ** 2)
    return bool((due > _SURELY_SEEN * np.maximum(spread, 1.0)).any())


def energy_of_peak(residual: FloatArray, edges_keV: FloatArray, place: int) -> float:
    """Centroid in keV of what is too much within two bins of a place.

    Parameters
    ----------
    residual
        Measured less expected counts, shape (bin,).
    edges_keV
        Bin edges, shape (bin + 1,).
    place
        The bin.
    """
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    part = slice(max(place - 2, 0), place + 3)
    weights = np.maximum(residual[part], 0.0)
    if weights.sum() <= 0:
        return float(centres[place])
    return float(weights @ centres[part] / weights.sum())
