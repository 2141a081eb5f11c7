"""Peaks of a spectrum that no mineral of its answer explains, and the elements that would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import ExpectedFit, fit_expected
from lithoscope.inference.peak_candidates import artefacts_at, fwhm_at, principal_lines_at
from lithoscope.inference.peak_search import excess_significance
from lithoscope.inference.poisson_fit import amplitudes_from_counts
from lithoscope.inference.residual import deviance_from_expected
from lithoscope.physics.lines import main_lines
from lithoscope.physics.model_error import relative_model_error_from_energies

FloatArray = NDArray[np.float64]

# Some 160 resolution elements are searched, with overlapping windows: at 5 sigma one spectrum in
# some 10 000 has a peak by chance.
LEAST_SIGNIFICANCE = 5.0
_MOST_PEAKS = 6
# An element explains a peak if it takes away this share of the peak's deviance.
_LEAST_EXPLAINED = 0.5
# Peaks that no element explains are one within this many FWHM.
_SAME_PEAK_FWHM = 2.5
# A further line of the element is missed if not even this share of what is due is there, since
# absorption makes lines unequal.
_LEAST_SUPPORT = 0.4
# Elements whose deviance is this near the best one's cannot be told from it.
_AS_GOOD = 9.0
_MOST_ELEMENTS = 3
# Another line of the element supports it where so many standard deviations of it are due.
_SURELY_SEEN = 3.0
_TOP_OF_TUBE = 0.98


@dataclass(frozen=True)
class UnexplainedPeak:
    """A peak that the expected spectrum lacks.

    Parameters
    ----------
    energy_keV
        Where it is.
    significance
        Its height in standard deviations of counting noise and the model's error together.
    elements
        Elements whose lines explain it, likeliest first; those after the first cannot be told from
        it. None where no element's further lines are there.
    lines
        Names of their lines at this energy.
    note
        What else it may be, or nothing.
    """

    energy_keV: float
    significance: float
    elements: tuple[str, ...]
    lines: tuple[str, ...]
    note: str

    def __post_init__(self) -> None:
        if not (self.energy_keV > 0 and self.significance > 0):
            raise InvalidValueError(
                f"A peak at {self.energy_keV} keV of {self.significance} σ.",
                expected="positive numbers",
            )

    @property
    def text(self) -> str:
        """Such as ``8.05 keV, 12 σ, Cu Kα``."""
        named = " or ".join(self.lines) if self.lines else "no element"
        return f"{self.energy_keV:.2f} keV, {self.significance:.0f} σ, {named}" + (
            f" ({self.note})" if self.note else ""
        )


@dataclass(frozen=True, eq=False)
class Unexplained:
    """Result of `find_unexplained`.

    Parameters
    ----------
    peaks
        The peaks by falling significance.
    fit
        What is expected of the classes, and in its `extra` of the elements found.
    """

    peaks: tuple[UnexplainedPeak, ...]
    fit: ExpectedFit


@dataclass(frozen=True, eq=False)
class _Found:
    """A peak, with the template that explains it (none: zeros)."""

    place: int
    elements: tuple[str, ...]
    template: FloatArray


def find_unexplained(
    counts: FloatArray,
    banks: ExpectedBanks,
    classes: Sequence[int],
    *,
    used: NDArray[np.bool_],
    relative_error: FloatArray | None = None,
) -> Unexplained:
    """Find the peaks that the expected spectrum of classes does not explain.

    One after the other, strongest first: the classes are fitted, the most significant window (see
    `excess_significance`) is compared with the whole spectra of all elements that have a principal
    line there, escape peaks and weaker lines included, and the best joins the fit. So one element
    is one entry, however many of its lines stand out. A window that no element explains, since
    its further lines are not there, is left out of further fits and given without elements.

    Parameters
    ----------
    counts
        Measured counts, shape (bin,).
    banks
        Expected spectra of the instrument on the axis of `counts`.
    classes
        The classes that are to explain it: one, or those of a mixture.
    used
        Bins that were measured, shape (bin,).
    relative_error
        Relative error of expected counts beside counting noise, shape (bin,); that of the
        simulator against measured spectra where left out.
    """
    centres = (banks.edges_keV[1:] + banks.edges_keV[:-1]) / 2
    error = (
        relative_model_error_from_energies(energies_keV=centres)
        if relative_error is None
        else relative_error
    )
    usable = used & (centres < _TOP_OF_TUBE * banks.instrument.tube.voltage_kV)
    found: list[_Found] = []
    while True:
        fit = _fit(counts, banks, classes, usable, found)
        excess = excess_significance(
            counts=counts,
            expected=fit.expected,
            edges_keV=banks.edges_keV,
            relative_error=error,
            used=usable & ~_masked(found, banks.edges_keV),
        )
        place = int(excess.argmax())
        if excess[place] < LEAST_SIGNIFICANCE or len(found) == _MOST_PEAKS:
            break
        found.append(_explained(counts, fit, banks, classes[0], place, error, usable))
    peaks = [_described(counts, fit, banks, number, found, error) for number in range(len(found))]
    real = [peak for peak in peaks if peak is not None]
    return Unexplained(tuple(sorted(real, key=lambda peak: -peak.significance)), fit)


def _fit(
    counts: FloatArray,
    banks: ExpectedBanks,
    classes: Sequence[int],
    usable: NDArray[np.bool_],
    found: Sequence[_Found],
) -> ExpectedFit:
    extra = np.array([one.template for one in found]).reshape(len(found), counts.size)
    used = usable & ~_masked(found, banks.edges_keV)
    return fit_expected(counts, banks, classes, used=used, extra=extra)


def _masked(found: Sequence[_Found], edges_keV: FloatArray) -> NDArray[np.bool_]:
    """Bins about peaks that no element explains, shape (bin,)."""
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    masked = np.zeros(centres.size, dtype=np.bool_)
    for one in found:
        if not one.elements:
            energy = centres[one.place]
            reach = _SAME_PEAK_FWHM * fwhm_at(float(energy), edges_keV)
            masked |= np.abs(centres - energy) < reach
    return masked


def _explained(
    counts: FloatArray,
    fit: ExpectedFit,
    banks: ExpectedBanks,
    matrix: int,
    place: int,
    error: FloatArray,
    usable: NDArray[np.bool_],
) -> _Found:
    """The elements that explain a window best."""
    energy = _energy(counts - fit.expected, banks.edges_keV, place)
    lines = principal_lines_at(
        energy, edges_keV=banks.edges_keV, voltage_kV=banks.instrument.tube.voltage_kV
    )
    symbols = list(dict.fromkeys(line.element for line in lines))
    nothing = _Found(place, (), np.zeros(counts.size))
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
    return _Found(
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


def _described(
    counts: FloatArray,
    fit: ExpectedFit,
    banks: ExpectedBanks,
    number: int,
    found: Sequence[_Found],
    error: FloatArray,
) -> UnexplainedPeak | None:
    """The peak as it stands out of a fit of all else; nothing if that explains it after all."""
    one, edges = found[number], banks.edges_keV
    without = fit.expected - fit.extra[number]
    everywhere = np.ones(counts.size, dtype=np.bool_)
    significance = float(
        excess_significance(
            counts=counts, expected=without, edges_keV=edges, relative_error=error, used=everywhere
        )[max(one.place - 1, 0) : one.place + 2].max()
    )
    if significance < LEAST_SIGNIFICANCE:
        return None
    energy = _energy(counts - without, edges, one.place)
    reach = fwhm_at(energy, edges)
    labels = []
    for symbol in one.elements:
        near = main_lines(symbol, low_keV=energy - reach, high_keV=energy + reach)
        labels += [line.label for line in near[:1]]
    notes = artefacts_at(energy, counts=counts, edges_keV=edges, instrument=banks.instrument)
    if not _has_second_line(fit.extra[number], without, error, one.place, edges):
        notes.append("Bragg peak")
    if "Ar" in one.elements:
        notes.append("argon of air")
    note = f"possibly {', '.join(notes)}" if notes else ""
    return UnexplainedPeak(energy, significance, one.elements, tuple(labels), note)


def _has_second_line(
    element: FloatArray,
    without: FloatArray,
    error: FloatArray,
    place: int,
    edges_keV: FloatArray,
) -> bool:
    """Whether a line elsewhere that is significant by itself supports the element."""
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    beside = np.abs(centres - centres[place]) > 2 * fwhm_at(float(centres[place]), edges_keV)
    due, under = _windows(np.where(beside, element, 0.0)), _windows(without)
    spread = np.sqrt(under + due + (error * under) ** 2)
    return bool((due > _SURELY_SEEN * np.maximum(spread, 1.0)).any())


def _energy(residual: FloatArray, edges_keV: FloatArray, place: int) -> float:
    """Centroid of what is too much within two bins of a place."""
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    part = slice(max(place - 2, 0), place + 3)
    weights = np.maximum(residual[part], 0.0)
    if weights.sum() <= 0:
        return float(centres[place])
    return float(weights @ centres[part] / weights.sum())
