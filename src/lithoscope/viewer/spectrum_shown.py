"""The spectrum as it is drawn: the channels worth showing, and names above its peaks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.spectrum import Spectrum
from lithoscope.figures.line_labels import place_labels
from lithoscope.figures.spectrum_plot import count_limits, element_lines, shown_channels

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LineName:
    """A name above a peak, in keV and counts.

    Parameters
    ----------
    label
        Such as ``Fe Kα``.
    energy_keV, from_counts, to_counts
        The stem between peak and name.
    text_keV
        Middle of the name.
    """

    label: str
    energy_keV: float
    from_counts: float
    to_counts: float
    text_keV: float


@dataclass(frozen=True, eq=False)
class ShownSpectrum:
    """A spectrum on its axes.

    Parameters
    ----------
    energies_keV, counts
        What is drawn, shape (channel,).
    floor, top
        Ends of the axis of counts.
    names
        Names of lines.
    """

    energies_keV: FloatArray
    counts: FloatArray
    floor: float
    top: float
    names: tuple[LineName, ...]

    @classmethod
    def of(
        cls,
        spectrum: Spectrum,
        elements: Sequence[str],
        *,
        log: bool,
        size_pt: tuple[float, float],
    ) -> ShownSpectrum:
        """Lay out a spectrum in a frame.

        Parameters
        ----------
        spectrum
            Measured counts.
        elements
            Elements whose lines are named, the most telling first.
        log
            Whether the axis of counts is logarithmic.
        size_pt
            Width and height of the frame in points.
        """
        first, last = shown_channels(spectrum)
        energies = spectrum.axis.energies_keV[first:last]
        counts = np.asarray(spectrum.counts[first:last], dtype=np.float64)
        if not counts.any():
            return cls(energies, counts, 0.1 if log else 0.0, 1.0, ())
        floor, top = count_limits(counts, log=log)
        start, span = float(energies[0]), max(float(energies[-1] - energies[0]), 1e-9)
        width, height = size_pt

        def across(values: FloatArray) -> FloatArray:
            return np.asarray((values - start) / span * width)

        def up(values: FloatArray) -> FloatArray:
            if log:
                values, low, high = np.log(np.maximum(values, floor)), np.log(floor), np.log(top)
            else:
                low, high = floor, top
            return np.asarray(np.clip((values - low) / (high - low), 0, 1) * height)

        def counts_at(height_pt: float) -> float:
            share = height_pt / height
            return floor * (top / floor) ** share if log else floor + share * (top - floor)

        lines = element_lines(spectrum, elements)
        at = across(np.array([line.energy_keV for line in lines])).tolist()
        placed = place_labels(across(energies), up(counts), lines, at, size_pt=size_pt)
        names = tuple(
            LineName(
                label=one.label,
                energy_keV=start + one.foot[0] / width * span,
                from_counts=counts_at(one.foot[1]),
                to_counts=counts_at(one.text[1]),
                text_keV=start + one.text[0] / width * span,
            )
            for one in placed
        )
        return cls(energies, counts, floor, top, names)


def spectrum_csv(spectrum: Spectrum) -> str:
    """Return the whole spectrum as ``energy_keV,counts``, which `classify` reads."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["energy_keV", "counts"])
    energies = np.round(spectrum.axis.energies_keV, 6).tolist()
    table.writerows(zip(energies, spectrum.counts.tolist(), strict=True))
    return text.getvalue()
