"""Mean spectra of a map's minerals, and what else their pixels may be, against sums by hand."""

import numpy as np
import pytest

import lithoscope as ls
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import LabelSet
from lithoscope.core.scan import Scan
from lithoscope.inference.posteriors import Posteriors
from lithoscope.io import load_instrument
from lithoscope.workflows.mean_spectra import (
    MeanSpectrum,
    confusions_from_posteriors,
    expected_beside,
    mean_spectra,
)

LABELS = LabelSet.of_minerals(["quartz", "calcite", "hematite"])


def means_of(counts, classes, unknown=None):
    scan = Scan.from_counts(counts, EnergyAxis(0.0, 0.01, counts.shape[2]))
    unknown = np.zeros(classes.shape, bool) if unknown is None else unknown
    return mean_spectra(
        scan,
        classes=classes.astype(np.int16),
        unknown=unknown,
        labels=LABELS,
        instrument=load_instrument("m4-tornado"),
    )


def test_means_are_those_of_the_named_pixels_the_most_first():
    counts = np.random.default_rng(0).integers(0, 9, (2, 3, 700))
    classes = np.array([[1, 1, 0], [1, -1, 0]])
    unknown = np.array([[False, True, False], [False, False, False]])
    first, second = means_of(counts, classes, unknown)
    assert (first.mineral, first.pixels) == ("quartz", 2)
    assert (second.mineral, second.pixels) == ("calcite", 2)
    assert first.spectrum.counts == pytest.approx((counts[0, 2] + counts[1, 2]) / 2)
    assert second.spectrum.counts == pytest.approx((counts[0, 0] + counts[1, 0]) / 2)


def test_of_a_high_scan_64_rows_are_read():
    read = []
    counts = np.ones((1, 2, 700), dtype=np.uint8)

    def rows(first, last):
        read.append(first)
        return np.repeat(counts, last - first, axis=0)

    scan = Scan((1000, 2), EnergyAxis(0.0, 0.01, 700), rows)
    classes = np.zeros((1000, 2), np.int16)
    (mean,) = mean_spectra(
        scan,
        classes=classes,
        unknown=classes > 0,
        labels=LABELS,
        instrument=load_instrument("m4-tornado"),
    )
    assert len(read) == 64
    assert (read[0], read[-1]) == (0, 999)
    assert mean.pixels == 128


def test_a_scan_without_named_pixels_has_no_means():
    assert means_of(np.ones((1, 2, 700)), np.array([[-1, -1]])) == ()


def test_the_expected_spectrum_is_scaled_and_of_the_first_member():
    spectrum = ls.simulate("quartz")
    mean = MeanSpectrum("quartz/cristobalite", 3, spectrum, ("Si",))
    other = ls.simulate("calcite")
    means = [
        mean,
        MeanSpectrum("moon cheese", 3, spectrum, ()),
        MeanSpectrum("calcite", 2, other, ()),
    ]
    quartz, cheese, calcite = expected_beside(means)
    # In single precision.
    assert quartz == pytest.approx(spectrum.counts, rel=1e-4, abs=1e-6 * spectrum.counts.max())
    assert calcite == pytest.approx(other.counts, rel=1e-4, abs=1e-6 * other.counts.max())
    assert cheese is None
    assert expected_beside([means[1]]) == [None]


def test_confusions_are_mean_probabilities_of_others():
    said = np.array([[0.7, 0.29, 0.01], [0.5, 0.31, 0.19], [0.98, 0.015, 0.005]])
    posteriors = Posteriors(
        np.array([[0, 1, 2], [0, 1, 2], [2, 0, 1]], np.uint16),
        np.log(said).astype(np.float16),
        np.full(3, -60.0, np.float16),
        (0, 1, 2),
    )
    found = confusions_from_posteriors(posteriors, minerals=[0, 2, 1], labels=LABELS)
    assert [name for name, _ in found["quartz"]] == ["calcite", "hematite"]
    assert [share for _, share in found["quartz"]] == pytest.approx([0.30, 0.10], abs=1e-3)
    assert found["hematite"] == []
    assert "calcite" not in found
