"""Measures of how well a score tells the unknown, against hand-worked values and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.strange_samples import (
    BY_ELEMENT,
    FOREIGN_COMPOSITIONS,
    FOREIGN_ELEMENTS,
    NEAR,
    gaussian_spectra,
    strange_minerals,
)
from lithoscope.evaluation.unknown import misnamed_by_coverage, separation_from_scores
from lithoscope.minerals import load_library
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.surrogates import FOREIGN


def test_auroc_by_hand():
    # Of the six pairs the unknown wins four, loses one and ties one.
    found = separation_from_scores(known=np.array([1.0, 2.0, 4.0]), unknown=np.array([3.0, 4.0]))
    assert found.auroc == pytest.approx((2 + 0 + 2 + 0.5) / 6)


def test_auroc_and_aupr_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    known, unknown = rng.normal(size=500).round(1), rng.normal(1.0, 1.5, 300).round(1)
    truth = np.repeat([0, 1], [500, 300])
    both = np.concatenate([known, unknown])
    found = separation_from_scores(known=known, unknown=unknown)
    assert found.auroc == pytest.approx(roc_auc_score(truth, both), abs=1e-9)
    assert found.aupr == pytest.approx(average_precision_score(truth, both), abs=1e-9)


def test_detection_and_false_alarms_by_hand():
    known = np.arange(1000.0)
    unknown = np.array([995.0, 980.0, 960.0, 100.0])
    found = separation_from_scores(known=known, unknown=unknown)
    assert found.detected_at_1 == pytest.approx(0.25)
    assert found.detected_at_5 == pytest.approx(0.75)
    # 95 % of the unknown exceed 100 + 0.15 * 860 = 229.
    assert found.fpr_at_95 == pytest.approx(0.77)


def test_risk_by_hand():
    risk = misnamed_by_coverage(
        scores=np.array([0.0, 1.0, 2.0, 3.0]),
        right=np.array([True, False, True, False]),
        coverages=np.array([0.25, 0.5, 1.0]),
    )
    np.testing.assert_allclose(risk, [0.0, 0.5, 0.5])


def test_nothing_to_compare_is_refused():
    with pytest.raises(InvalidValueError, match="one or more"):
        separation_from_scores(known=np.zeros(0), unknown=np.zeros(3))


def test_test_samples_are_new_to_library_and_surrogates():
    tested = {symbol for one in strange_minerals(FOREIGN_ELEMENTS) for symbol in _elements(one)}
    own = {"Ga", "Ge", "In", "I", "Pd", "Hf", "Re", "Ir", "Gd", "Ho", "Lu", "Eu", "Tm"}
    assert own <= tested
    ideal = {symbol for entry in load_library() for symbol in _elements(entry)}
    assert not own & (ideal | set(FOREIGN))
    for one in strange_minerals(FOREIGN_ELEMENTS):
        assert own & _elements(one), one.name
    for one in strange_minerals(FOREIGN_COMPOSITIONS):
        assert _elements(one) <= ideal, one.name


def test_near_minerals_are_made_of_what_stays():
    library = load_library()
    left = {*NEAR, *BY_ELEMENT}
    stays = {symbol for entry in library if entry.name not in left for symbol in _elements(entry)}
    for name in NEAR:
        assert _elements(library.get(name)) <= stays
    gone = {"Te", "Hg", "Pt", "Cs", "V", "Th"}
    assert not gone & stays
    for name in BY_ELEMENT:
        assert gone & _elements(library.get(name))


def _elements(mineral):
    return set(mineral.composition.elements)


def test_gaussian_spectra_have_peaks_as_wide_as_the_detectors():
    edges = ModelAxis().edges_keV
    made = gaussian_spectra(edges, 50, np.random.default_rng(0))
    np.testing.assert_allclose(made.sum(axis=1), 1, rtol=1e-4)
    assert (made >= 0).all()
    # No bin holds more than its share of a peak: 1 / 2.5 of an FWHM holds 37 %.
    assert made.max() < 0.38
