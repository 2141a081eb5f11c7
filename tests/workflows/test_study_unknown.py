"""What the study measures of the unknown, of temperatures and of maps by the U-Net."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from lithoscope.errors import CheckpointError
from lithoscope.inference.unknown.base import Seen
from lithoscope.workflows.study import (
    measures,
    one_run,
    phantom_maps,
    spectra,
    study,
    unknowns,
)
from lithoscope.workflows.study.arm import Arm, Case, load_arm, load_arms
from lithoscope.workflows.study.learners import Learnt
from lithoscope.workflows.study.report import write_report
from lithoscope.workflows.study.results import ArmResults
from lithoscope.workflows.study.runs import RunLine, simulator_version
from lithoscope.workflows.study.size import FULL, QUICK
from lithoscope.workflows.study.study import planned_runs
from lithoscope.workflows.study.trust import trust_sentences

_TINY = dataclasses.replace(
    QUICK,
    spectra=256,
    tested=128,
    each_class=40,
    machines=1,
    per_machine=512,
    test_machines=1,
    groups=("quartz", "orthoclase", "albite", "annite", "chromium", "galena"),
)
_LEVELS = (300.0, 3000.0)


def _case(**settings):
    given = {"learner": "mlp", "trained_under": "poisson", "levels": _LEVELS, **settings}
    return Case.model_validate(given)


def _learnt(logits, features=None):
    """A way to name whose logits and features are known functions of counts."""

    def seen(counts):
        return Seen(counts, (features or logits)(counts), logits(counts))

    return Learnt(lambda counts: logits(counts).numpy(), are_logits=True, spectra=0, seen=seen)


def _by_templates(case, factor=1.0):
    """Logits that are a factor times the likelihood by mean training spectra."""
    source = spectra.to_fit(case, _TINY, 3)
    batch = source.batch(0)
    shares = batch.expected / batch.expected.sum(dim=1, keepdim=True)
    means = [shares[batch.classes == one].mean(dim=0) for one in range(len(source.labels))]
    logs = torch.log(torch.stack(means) + 1e-5)
    return _learnt(lambda counts: factor * counts @ logs.T)


def test_left_out_are_a_tenth_whatever_the_seed_and_never_in_training():
    case = _case(left_out=0.2)
    gone = spectra.left_out(_TINY, case)
    assert len(gone) == 1
    assert {*gone, *spectra.labels(_TINY, case)} == set(spectra.labels(_TINY))
    names = {one.name for one in spectra.to_fit(case, _TINY, 0).minerals}
    # Not even in mixtures, which are of the stream's minerals.
    assert not names & set(gone[0].members)
    everyone, tenth = len(spectra.labels(FULL)), _case(left_out=0.1)
    assert len(spectra.labels(FULL, tenth)) == everyone - round(0.1 * everyone)
    assert spectra.left_out(FULL, _case()) == ()


def test_sets_to_test_on_are_the_streams_and_do_not_meet_those_for_thresholds():
    case = _case()
    found = spectra.tests(case, "poisson", _TINY, _LEVELS, 128)
    for level, (counts, classes) in found.items():
        batch = spectra.held_out(case, "poisson", _TINY, 128).at(level).batch(0)
        assert torch.equal(counts, batch.counts)
        assert torch.equal(classes, batch.classes)
    others = spectra.after_training(case, _TINY)
    assert list(others) == list(_LEVELS)
    assert not torch.equal(others[300.0][0], found[300.0][0])


def test_strange_spectra_are_strange_and_of_the_counts_that_were_asked_for():
    case = _case(left_out=0.2)
    kinds = unknowns.strangers(_TINY, case)
    assert list(kinds) == [unknowns.LEFT_OUT, unknowns.MATERIAL, unknowns.FOREIGN]
    classes = kinds[unknowns.FOREIGN]
    found = spectra.strange_tests(case, "poisson", _TINY, classes, _LEVELS, 60)
    for level, (counts, places) in found.items():
        assert len(counts) == len(places) == 60
        assert 0 <= int(places.min()) <= int(places.max()) < len(classes)
        # 60 Poisson sums: their mean is off by less than 5 standard errors.
        assert float(counts.sum(dim=1).mean()) == pytest.approx(level, abs=5 * (level / 60) ** 0.5)
    # Same grains at both levels.
    assert torch.equal(found[300.0][1], found[3000.0][1])
    edges = spectra.edges_keV("model")
    middle = (edges[1:] + edges[:-1]) / 2
    iodide = [number for number, (one,) in enumerate(classes) if one.name == "potassium iodide"]
    near_k = (middle > 3.2) & (middle < 3.4)
    counts, places = found[3000.0]
    shares = counts[:, near_k].sum(dim=1) / counts.sum(dim=1)
    # Most light comes at K's 3.31 keV where it is potassium iodide, as of no other but by chance.
    mine = places == iodide[0]
    if mine.any():
        assert shares[mine].mean() > 3 * shares[~mine].median()


def test_worth_of_scores_by_hand():
    known, strange = {"a": np.array([0.0, 1, 2, 3])}, {"a": np.array([2.5, 0.5])}
    found = unknowns.worth_of_scores(known=known, strange=strange, limits={"a": 2.0})
    # 2.5 is above three of four, 0.5 above one.
    assert found == {"a": {"auroc": 4 / 8, "detected": 0.5}}


def test_logits_that_say_nothing_are_worth_nothing_and_features_that_do_are_not():
    case = _case(left_out=0.2, measures=["unknown"])
    n_classes = len(spectra.labels(_TINY, case))

    def shape(counts):
        shares = counts / counts.sum(dim=1, keepdim=True)
        return torch.nn.functional.adaptive_avg_pool1d(shares[:, None], 64)[:, 0].sqrt()

    learnt = _learnt(lambda counts: torch.zeros(len(counts), n_classes), shape)
    found = unknowns.unknown(learnt, case, _TINY, 0)["poisson"]
    for kind in (unknowns.LEFT_OUT, unknowns.MATERIAL, unknowns.FOREIGN):
        for level in ("300", "3000"):
            for name in ("maximum softmax", "energy"):
                # All scores are the same: guessing, and none above the threshold.
                assert found[kind][name][level] == {"auroc": 0.5, "detected": 0.0}
    assert found[unknowns.KNOWN]["energy"]["300"] == {"false_alarms": 0.0}
    assert found[unknowns.FOREIGN]["Mahalanobis"]["3000"]["auroc"] > 0.9
    for name, levels in found[unknowns.KNOWN].items():
        for level, values in levels.items():
            # 1 % of 128 is 1.3 beside a threshold from as many: 8 are 5 standard deviations.
            assert values["false_alarms"] <= 8 / 128, (name, level)


def test_temperature_takes_off_a_factor_of_the_logits_and_nothing_else():
    # So few counts that the classes are not told apart surely.
    case = _case(measures=["calibration"], levels=[5.0, 20.0])
    plain, sharper = (
        measures.calibration(_by_templates(case, factor), case, _TINY)["poisson"]
        for factor in (0.5, 2.0)
    )
    for level in ("5", "20"):
        one, other = plain[level], sharper[level]
        assert one["nll"] != pytest.approx(other["nll"], rel=0.01)
        for name in ("ece_scaled", "brier_scaled", "nll_scaled"):
            assert other[name] == pytest.approx(one[name], rel=0.01, abs=2e-3), name
        # The templates' likelihood is nearly the posterior, so that neither factor is right.
        assert one["nll_scaled"] < min(one["nll"], other["nll"])


def test_a_network_tells_what_it_never_saw(tmp_path, monkeypatch):
    settings = {"learner": "mlp", "trained_under": "poisson", "levels": [1000.0], "left_out": 0.2}
    case = {**settings, "measures": ["accuracy", "unknown"]}
    arm = Arm(title="a", question="b", order=1, also={"mlp": case})
    asked = []

    def spy(learnt, *of_run):
        asked.append(learnt)
        return unknowns.unknown(learnt, *of_run)

    monkeypatch.setattr(study, "load_arms", lambda names: {"unknown": arm})
    monkeypatch.setattr(study, "QUICK", _TINY)
    monkeypatch.setattr(one_run, "unknown", spy)
    made = study.make_study(tmp_path, quick=True)
    assert (made.done, made.planned) == (1, 1)
    line = json.loads((tmp_path / study.RUNS).read_text())
    found = line["result"]["unknown"]["poisson"]
    assert set(found) == {unknowns.LEFT_OUT, unknowns.MATERIAL, unknowns.FOREIGN, unknowns.KNOWN}
    assert set(found[unknowns.LEFT_OUT]) == {
        "maximum softmax",
        "energy",
        "Mahalanobis",
        "relative Mahalanobis",
        "nearest neighbours",
        "reconstruction",
    }
    for kind, names in found.items():
        for values in names.values():
            assert all(0 <= value <= 1 for value in values["1000"].values()), kind
    assert "nearest neighbours" in made.report.read_text()
    counts = spectra.tests(arm.cases()["mlp"], "poisson", _TINY, (1000.0,), 128)[1000.0][0]
    seen = asked[0].seen(counts)
    assert np.allclose(seen.logits.numpy(), asked[0].scores(counts), atol=1e-5)
    # Small networks are fitted to them.
    assert not seen.features.is_inference()


def test_classical_ways_are_not_asked_for_the_unknown(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "title: a\nquestion: b\norder: 1\nalso: {x: {learner: SAM, measures: [unknown]}}\n"
    )
    with pytest.raises(CheckpointError, match="no features"):
        load_arm(path)


def test_u_net_rights_lone_pixels_and_treats_classes_alike():
    rng = np.random.default_rng(0)
    truth = np.zeros((24, 24), dtype=int)
    truth[:, 12:] = 2
    said = np.where(rng.random(truth.shape) < 0.1, 1, truth)
    probabilities = np.full((24, 24, 4), 0.05)
    # A wrong pixel is unsure, a right one is not.
    np.put_along_axis(probabilities, said[..., None], np.where(said == 1, 0.4, 0.85)[..., None], 2)
    np.put_along_axis(
        probabilities, truth[..., None], np.where(said == 1, 0.35, 0.85)[..., None], 2
    )
    probabilities /= probabilities.sum(axis=2, keepdims=True)
    void = np.zeros(truth.shape, dtype=bool)
    maps = phantom_maps._maps(probabilities, void, True)
    named = maps["scan's priors, U-Net"]
    assert (maps["direct"] == truth).mean() < 0.95
    assert (named == truth).mean() > 0.99
    order = np.array([3, 2, 0, 1])
    moved = phantom_maps._maps(probabilities[..., np.argsort(order)], void, True)
    assert np.array_equal(moved["scan's priors, U-Net"], order[named])


def _line(run, **result):
    return RunLine(
        arm=run.arm,
        case=run.case_name,
        seed=run.seed,
        recipe=run.recipe,
        simulator=simulator_version(),
        size=str(run.size),
        seconds=1.0,
        processor_s=1.0,
        result=result,
    )


def _unknown_of(seed, best=0.9):
    def of(auroc):
        return {level: {"auroc": auroc, "detected": 0.123} for level in ("300", "1000")}

    kind = {"energy": of(best + 0.01 * seed), "nearest neighbours": of(0.6)}
    known = {name: {"300": {"false_alarms": 0.0123}} for name in kind}
    return {"realistic": {unknowns.LEFT_OUT: kind, unknowns.KNOWN: known}}


def test_report_shows_the_unknown_and_calls_a_detector_best_by_its_rule(tmp_path):
    arms = load_arms(["unknown", "confidence"])
    ece = {"ece": 0.08, "brier": 0.2, "nll": 0.4}
    scaled = {"ece_scaled": 0.02, "brier_scaled": 0.19, "nll_scaled": 0.377}
    found = {}
    for run in planned_runs(arms, FULL):
        if run.arm == "unknown":
            found[run] = _line(run, unknown=_unknown_of(run.seed))
        else:
            values = {**ece, **scaled, "ece": 0.08 + 0.01 * run.seed}
            found[run] = _line(run, calibration={"realistic": {"1000": values}})
    write_report(tmp_path, arms, found, FULL)
    text = (tmp_path / "report.md").read_text()
    # Means of 0.90, 0.91 and 0.92, and what stands for one seed.
    for shown in ("91.0 ± 1.0", "12.3 ± 0.0", "1.2 ± 0.0", "0.377 ± 0.000"):
        assert shown in text, shown
    assert "told best by energy, with a mean AUROC of 0.910, next by nearest neighbours" in text
    assert "cnn-large, realistic: minerals left out are told best by energy" in text
    assert "1 seed, nothing shown" in text
    # Errors 0.08, 0.09, 0.10 to 0.02: t = 0.07 sqrt(3) / 0.01 = 12.1, p = 0.0067 of two degrees.
    assert "from 0.090 to 0.020, the mean over counts (3 seeds, paired t-test" in text
    assert "p = 0.0067: lower" in text
    assert "U-Net: not built" not in text
    assert (tmp_path / "figures" / "unknown-auroc-cnn-on-noise-alone.svg").is_file()


def test_scores_that_are_alike_are_not_called_better():
    arms = load_arms(["unknown"])
    found = {
        run: _line(run, unknown=_unknown_of(run.seed, 0.6 - 0.005 * (run.seed % 2)))
        for run in planned_runs(arms, FULL)
    }
    said = trust_sentences(ArmResults.of("unknown", arms["unknown"], found))
    # Leads of 0, 0.005 and 0.02: t = 1.4.
    assert "none shown" in said[0]
