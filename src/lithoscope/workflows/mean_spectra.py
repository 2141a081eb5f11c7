"""Mean spectra of a map's minerals, and what the model takes them for besides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import VOID, LabelSet
from lithoscope.core.scan import Scan
from lithoscope.core.spectrum import Spectrum
from lithoscope.inference.elements import visible_lines
from lithoscope.inference.posteriors import Posteriors
from lithoscope.minerals import load_library
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix

# A second reading of a whole large scan would take as long as mapping it.
_ROWS_READ, _MINERALS = 64, 6
_SHOWN_CONFUSION, _MOST_CONFUSIONS = 0.02, 3
_FIRST_KEV = 0.3


@dataclass(frozen=True, eq=False)
class MeanSpectrum:
    """The mean spectrum of the pixels that were called one mineral.

    Parameters
    ----------
    mineral
        Label of the group.
    pixels
        Pixels that it is the mean of.
    spectrum
        Mean counts of a pixel, with the instrument they were taken with.
    elements
        Elements whose lines are seen in it.
    """

    mineral: str
    pixels: int
    spectrum: Spectrum
    elements: tuple[str, ...]


def mean_spectra(
    scan: Scan,
    *,
    classes: NDArray[np.int16],
    unknown: NDArray[np.bool_],
    labels: LabelSet,
    instrument: Instrument,
) -> tuple[MeanSpectrum, ...]:
    """Return the mean spectra of the most abundant minerals, the most abundant first.

    Of a scan of more than 64 rows, 64 at even distances are read.

    Parameters
    ----------
    scan
        The scan.
    classes, unknown
        What its pixels were called, and those that are left out, shape (y, x).
    labels
        The classes.
    instrument
        The instrument; what is visible depends on its detector.
    """
    named = np.where(unknown, VOID, classes)
    height = scan.shape[0]
    rows = np.unique(np.linspace(0, height - 1, min(height, _ROWS_READ)).round().astype(int))
    tally = np.bincount(named[rows][named[rows] != VOID], minlength=len(labels))
    chosen = [int(number) for number in np.argsort(-tally, kind="stable")[:_MINERALS]]
    chosen = [number for number in chosen if tally[number]]
    sums = np.zeros((len(chosen), scan.axis.n_channels))
    for row in rows.tolist():
        counts = scan.rows(row, row + 1)[0]
        for place, number in enumerate(chosen):
            sums[place] += counts[named[row] == number].sum(axis=0, dtype=np.float64)
    return tuple(
        _mean(labels.labels[number], total, int(tally[number]), scan, instrument)
        for number, total in zip(chosen, sums, strict=True)
    )


def _mean(
    label: str, total: NDArray[np.float64], pixels: int, scan: Scan, instrument: Instrument
) -> MeanSpectrum:
    lines = visible_lines(
        counts=total,
        axis=scan.axis,
        detector=instrument.detector,
        exclude=(instrument.tube.anode,),
    )
    machine = dataclasses.replace(instrument, axis=scan.axis)
    spectrum = Spectrum(total / pixels, scan.axis, title=label, instrument=machine)
    return MeanSpectrum(label, pixels, spectrum, tuple(window.line.element for window in lines))


def expected_beside(means: Sequence[MeanSpectrum]) -> list[NDArray[np.float64] | None]:
    """Return the expected counts of each group's first member, shape (channel,).

    Ideal formula, thick sample, scaled to the mean's counts above 0.3 keV; ``None`` where the
    library does not hold the mineral.

    Parameters
    ----------
    means
        Mean spectra of one scan: of one instrument.
    """
    library = load_library()
    named = {mean.mineral: mean.mineral.split("/")[0] for mean in means}
    known = {name: library.get(first) for name, first in named.items() if first in library}
    if not known or means[0].spectrum.instrument is None:
        return [None] * len(means)
    # Tables of an instrument are computed once for all: they take longer than the spectra.
    compositions = [entry.composition for entry in known.values()]
    symbols = sorted({symbol for one in compositions for symbol in one.elements})
    compiled = compile_instrument(
        instrument=means[0].spectrum.instrument, symbols=symbols, dtype=np.float32
    )
    spectra = compiled.spectra(mass_fraction_matrix(compositions, symbols)).astype(np.float64)
    expected = dict(zip(known, spectra, strict=True))
    return [
        _scaled(expected[mean.mineral], mean) if mean.mineral in known else None for mean in means
    ]


def _scaled(expected: NDArray[np.float64], mean: MeanSpectrum) -> NDArray[np.float64] | None:
    seen = mean.spectrum.axis.energies_keV >= _FIRST_KEV
    total = float(expected[seen].sum())
    return expected * (float(mean.spectrum.counts[seen].sum()) / total) if total > 0 else None


def confusions_from_posteriors(
    posteriors: Posteriors, *, minerals: Sequence[int], labels: LabelSet
) -> dict[str, list[tuple[str, float]]]:
    """Return what the model takes each mineral's pixels for besides, as mean probabilities.

    Parameters
    ----------
    posteriors
        Of the pixels, the most probable class first.
    minerals
        Classes to tell of.
    labels
        The classes.

    Returns
    -------
    dict
        Label to at most three other labels with their mean probability, the largest first; those
        below 2 % are left out.
    """
    best = posteriors.classes.reshape(-1, posteriors.kept)
    shares = np.exp(posteriors.log_probabilities.reshape(best.shape).astype(np.float64))
    found: dict[str, list[tuple[str, float]]] = {}
    for number in minerals:
        own = best[:, 0] == number
        if not own.any():
            continue
        held = np.bincount(best[own].ravel(), shares[own].ravel(), minlength=len(labels))
        mean = held / own.sum()
        mean[number] = 0
        others = [int(one) for one in np.argsort(-mean)[:_MOST_CONFUSIONS]]
        found[labels.labels[number]] = [
            (labels.labels[one], float(mean[one]))
            for one in others
            if mean[one] >= _SHOWN_CONFUSION
        ]
    return found
