"""A new model tells the unknown; what is too faint is neither known nor unknown."""

import dataclasses

import numpy as np
import pytest
import torch

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import VOID
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.inference.predict import Predictions, Predictor
from lithoscope.inference.unknown.judge import BRIGHTEST_JUDGED
from lithoscope.models.checkpoint import load_checkpoint, save_checkpoint
from lithoscope.workflows.classify import classify_spectra
from lithoscope.workflows.fit_unknown import expected_spectra, off_by_model_error
from lithoscope.workflows.model_spectra import spectra_of_model
from lithoscope.workflows.simulate import simulate

AXIS = EnergyAxis(0.0, 0.01, 4096)


def test_a_new_model_has_a_detector_that_its_folder_keeps(tiny_model, tmp_path):
    stored = tiny_model.detector
    assert stored.spectra >= 250
    assert sum(values.nbytes for values in stored.arrays.values()) < 3e6
    save_checkpoint(tiny_model, tmp_path / "model")
    loaded = load_checkpoint(tmp_path / "model")
    counts = np.random.default_rng(0).poisson(0.3, (20, 4096))
    # Weights are stored in half precision: all but them is as it was.
    as_stored = dataclasses.replace(tiny_model, network=loaded.network)
    said, again = (Predictor(one, AXIS)(counts) for one in (as_stored, loaded))
    np.testing.assert_array_equal(said.ood_score, again.ood_score)


def test_what_has_none_of_its_elements_is_unknown_and_what_it_knows_is_not(tiny_model):
    known = [simulate(name, counts=3000, seed=2) for name in ("quartz", "hematite", "galena")]
    strange = [simulate(one, counts=3000, seed=2) for one in ("InP", "PdI2", "CaRe")]
    for answer in classify_spectra(known, model=tiny_model):
        assert not answer["unknown"], answer
    for answer in classify_spectra(strange, model=tiny_model):
        assert answer["unknown"], answer
        assert answer["ood_score"] > 2


def test_fewer_false_alarms_leave_fewer_unknown(tiny_model):
    data = expected_spectra(spectra_of_model(tiny_model), (), count=400, seed=77, machines=2)
    # The predictor takes spectra on any axis: here the model's own bins, by their edges' counts.
    counts = torch.poisson(data.shares * 1000, generator=torch.Generator().manual_seed(0)).numpy()
    shares = []
    for share in (0.2, 0.01):
        predictor = Predictor(tiny_model, AXIS, false_alarms=share)
        predictor._rebin = lambda binned: binned
        shares.append(predictor(counts).unknown.mean())
    # Two machines make a share, of which each may differ: loosely around what was asked.
    assert 0.03 < shares[0] < 0.5
    assert shares[1] < 0.1
    assert shares[1] < shares[0]


def test_a_share_that_is_not_stored_is_refused(tiny_model):
    with pytest.raises(InvalidValueError, match=r"0\.001 to 0\.9"):
        classify_spectra([simulate("quartz")], model=tiny_model, false_alarms=1e-5)
    bare = dataclasses.replace(tiny_model, detector=None)
    Predictor(bare, AXIS, false_alarms=0.01)
    with pytest.raises(CheckpointError, match="recalibrate"):
        Predictor(bare, AXIS, false_alarms=0.05)


def test_no_counts_are_void_and_few_are_too_few(tiny_model):
    few = np.zeros(4096)
    few[174] = 19
    spectra = [Spectrum(few, AXIS), Spectrum(np.zeros(4096), AXIS)]
    answers = classify_spectra(spectra, model=tiny_model)
    assert [one["answer"]["level"] for one in answers] == ["too few counts", "void"]
    for answer in answers:
        assert answer["mineral"] is None
        assert answer["unknown"] is False
        assert answer["ood_score"] == 0
    said = Predictor(tiny_model, AXIS)(np.stack([few, np.zeros(4096)]))
    assert (said.classes == VOID).all()
    assert not said.unknown.any()


def test_a_known_mineral_that_may_not_be_named_is_unknown(tiny_model):
    spectrum = simulate("galena", counts=20_000, seed=1)
    axis, counts = spectrum.axis, spectrum.counts[None, :]
    assert not Predictor(tiny_model, axis)(counts).unknown[0]
    assert Predictor(tiny_model, axis, ["quartz", "calcite"])(counts).unknown[0]


def test_bright_spectra_are_judged_as_if_of_fewer_counts(tiny_model):
    """By all counts they are named, and a foreign element is still seen."""
    predictor = Predictor(tiny_model, AXIS)
    shapes = np.stack([simulate(one, counts=5e6, seed=2).counts for one in ("quartz", "InP")])
    predictor._rebin = tiny_model.axis.rebinner(simulate("quartz").axis)
    totals = predictor.binned(shapes).sum(axis=1)

    def at(counts: float) -> Predictions:
        return predictor((counts / totals)[:, None] * shapes)

    brightest, bright, faint = at(BRIGHTEST_JUDGED), at(1_000_000), at(3_000)
    # Single precision, and rows that share a batch with others.
    np.testing.assert_allclose(bright.ood_score, brightest.ood_score, atol=1e-3)
    assert list(bright.unknown) == [False, True]
    assert abs(faint.ood_score - brightest.ood_score).max() > 1e-2
    assert abs(bright.probabilities - brightest.probabilities).max() > 1e-5


def test_spectra_off_by_the_model_error_are_off_by_that_much():
    edges = np.linspace(1.0, 30.0, 200)
    shares = torch.full((4000, 199), 1 / 199)
    off = off_by_model_error(shares, edges, torch.Generator().manual_seed(0))
    spread = torch.log(off * 199).std(dim=0).numpy()
    # At a node g has variance 1, half way 1/2; u has a mean square of 1/3. At 1 keV epsilon is 0.33
    # and at 8 keV about 0.1 (physics/data/model_error.csv).
    assert spread[0] == pytest.approx(0.33 / np.sqrt(3), rel=0.1)
    assert spread[50] < spread[0]


def test_few_strangers_are_drawn_about_as_often_as_known_classes(tiny_model):
    from lithoscope.minerals import load_library

    strangers = [load_library().get(name) for name in ("zircon", "barite")]
    found = expected_spectra(spectra_of_model(tiny_model), strangers, count=100, seed=5, machines=2)
    assert len(found) == 100
    assert sorted(torch.unique(found.classes).tolist()) == [0, 1]
    assert float(found.shares.sum(dim=1).median()) == pytest.approx(1.0, abs=0.02)
