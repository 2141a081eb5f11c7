"""Peaks of a spectrum that no mineral of its answer explains, and the elements that would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import ExpectedFit, fit_expected
from lithoscope.inference.peak_candidates import artefacts_at, fwhm_at
from lithoscope.inference.peak_elements import (
    ExplainedPeak,
    elements_of_peak,
    energy_of_peak,
    has_second_line,
)
from lithoscope.inference.peak_search import excess_significance
from lithoscope.physics.lines import main_lines
from lithoscope.physics.model_error import relative_model_error_from_energies

FloatArray = NDArray[np.float64]

# Some 160 resolution elements are searched, with overlapping windows: at 5 sigma one spectrum in
# some 10 000 has a peak by chance.
LEAST_SIGNIFICANCE = 5.0
_MOST_PEAKS = 6
# Peaks that no element explains are one within this many FWHM.
_SAME_PEAK_FWHM = 2.5
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


def find_unexplained(
    counts: FloatArray,
    banks: ExpectedBanks,
    classes: Sequence[int],
    *,
    used: NDArray[np.bool_],
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
    """
    centres = (banks.edges_keV[1:] + banks.edges_keV[:-1]) / 2
    error = relative_model_error_from_energies(energies_keV=centres)
    usable = used & (centres < _TOP_OF_TUBE * banks.instrument.tube.voltage_kV)
    found: list[ExplainedPeak] = []
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
        found.append(elements_of_peak(counts, fit, banks, classes[0], place, error, usable))
    peaks = [_described(counts, fit, banks, number, found, error) for number in range(len(found))]
    real = [peak for peak in peaks if peak is not None]
    return Unexplained(tuple(sorted(real, key=lambda peak: -peak.significance)), fit)


def _fit(
    counts: FloatArray,
    banks: ExpectedBanks,
    classes: Sequence[int],
    usable: NDArray[np.bool_],
    found: Sequence[ExplainedPeak],
) -> ExpectedFit:
    extra = np.array([one.template for one in found]).reshape(len(found), counts.size)
    used = usable & ~_masked(found, banks.edges_keV)
    return fit_expected(counts, banks, classes, used=used, extra=extra)


def _masked(found: Sequence[ExplainedPeak], edges_keV: FloatArray) -> NDArray[np.bool_]:
    """Bins about peaks that no element explains, shape (bin,)."""
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    masked = np.zeros(centres.size, dtype=np.bool_)
    for one in found:
        if not one.elements:
            energy = centres[one.place]
            reach = _SAME_PEAK_FWHM * fwhm_at(float(energy), edges_keV)
            masked |= np.abs(centres - energy) < reach
    return masked


def _described(
    counts: FloatArray,
    fit: ExpectedFit,
    banks: ExpectedBanks,
    number: int,
    found: Sequence[ExplainedPeak],
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
    energy = energy_of_peak(counts - without, edges, one.place)
    reach = fwhm_at(energy, edges)
    labels = []
    for symbol in one.elements:
        near = main_lines(symbol, low_keV=energy - reach, high_keV=energy + reach)
        labels += [line.label for line in near[:1]]
    notes = artefacts_at(energy, counts=counts, edges_keV=edges, instrument=banks.instrument)
    if not has_second_line(fit.extra[number], without, error, one.place, edges):
        notes.append("Bragg peak")
    if "Ar" in one.elements:
        notes.append("argon of air")
    note = f"possibly {', '.join(notes)}" if notes else ""
    return UnexplainedPeak(energy, significance, one.elements, tuple(labels), note)
