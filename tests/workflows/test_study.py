"""The study's machinery: arms, resuming, staleness, and each measure through the real code."""

import dataclasses
import itertools
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from lithoscope.errors import CheckpointError, InvalidValueError, OutputError
from lithoscope.models.registry import NETWORKS
from lithoscope.workflows.study import one_run, phantom_maps, runs, study, transfer
from lithoscope.workflows.study.arm import BASELINES, CEILING, Arm, Case, load_arm, load_arms
from lithoscope.workflows.study.learners import Learnt
from lithoscope.workflows.study.measures import without_range
from lithoscope.workflows.study.runs import Run, RunFile, RunLine, simulator_version
from lithoscope.workflows.study.size import FULL, QUICK
from lithoscope.workflows.study.study import make_study, planned_runs
from lithoscope.workflows.study.time_limit import OverTimeError, limited_to

_TINY = dataclasses.replace(
    QUICK,
    spectra=256,
    tested=64,
    each_class=4,
    machines=1,
    per_machine=512,
    test_machines=1,
    corrupted=64,
    templates=4,
    severities=(2,),
    groups=("quartz", "orthoclase", "albite", "annite", "chromium", "galena"),
    rows=4,
    draws=8,
)
_DATA = Path(__file__).parents[3] / "shared" / "data"


def _run(**case):
    made = Case.model_validate({"levels": [1000.0], "tested_under": ["poisson"], **case})
    return Run("arm", "case", made, 0, _TINY)


def _only_line(run, data):
    (line,) = one_run.lines_of_runs([run], data)
    return line


def _line(run, **changes):
    values = {
        "arm": run.arm,
        "case": run.case_name,
        "seed": run.seed,
        "recipe": run.recipe,
        "simulator": simulator_version(),
        "size": str(run.size),
        "seconds": 1.0,
        "processor_s": 1.0,
        "result": {"accuracy": {"realistic": {"100": 0.3, "1000": 0.5 + 0.01 * run.seed}}},
    }
    return RunLine(**{**values, **changes})


def test_arms_name_every_network_and_baseline_and_ask_for_three_seeds():
    arms = load_arms()
    learners = {case.learner for case in arms["networks"].cases().values()}
    assert learners == {*NETWORKS, *BASELINES, CEILING}
    assert all(case.seeds >= 3 for case in arms["training-data"].cases().values())
    assert next(iter(arms)) == "attention"


def test_planned_runs_take_all_cases_before_the_next_seed():
    planned = list(planned_runs(load_arms(["attention"]), FULL))
    assert [run.seed for run in planned] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_arm_with_a_fault_is_refused_with_its_name(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("title: a\nquestion: b\norder: 1\nalso: {x: {learner: cnm}}\n")
    with pytest.raises(CheckpointError, match="cnm"):
        load_arm(path)
    with pytest.raises(CheckpointError, match="no arm 'atention'"):
        load_arms(["atention"])


@pytest.mark.parametrize("condition", ["realistic+brag=0", "realistic+bragg", "unreal", "bragg@9"])
def test_conditions_that_are_none_are_refused(condition):
    with pytest.raises(ValueError, match=r"distortion|condition|severity|bragg"):
        Case.model_validate({"learner": "cnn", "trained_under": condition})


def test_half_written_line_is_dropped_and_its_run_done_again(tmp_path):
    path, run, other = tmp_path / "runs.jsonl", _run(learner="SAM"), _run(learner="NNLS")
    RunFile(path).add(_line(run))
    whole = path.read_bytes()
    path.write_bytes(whole + _line(other).model_dump_json().encode()[:50])
    again = RunFile(path)
    assert again.find(run) is not None
    assert again.find(other) is None
    again.add(_line(other))
    assert [json.loads(text)["recipe"] for text in path.read_text().splitlines()] == [
        run.recipe,
        other.recipe,
    ]


def test_repair_keeps_what_another_study_added_meanwhile(tmp_path):
    path, runs_ = tmp_path / "runs.jsonl", [_run(learner=one) for one in ("SAM", "NNLS")]
    path.write_text('{"arm": "cut off')
    first, second = RunFile(path), RunFile(path)
    first.add(_line(runs_[0]))
    second.add(_line(runs_[1]))
    again = RunFile(path)
    assert all(again.find(run) is not None for run in runs_)


def test_line_that_is_no_run_is_refused(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"arm": "a"}\n')
    with pytest.raises(OutputError, match="Line 1"):
        RunFile(path)


def test_line_of_another_simulator_or_recipe_is_stale(tmp_path):
    file, run = RunFile(tmp_path / "runs.jsonl"), _run(learner="SAM")
    file.add(_line(run, simulator="of yesterday"))
    file.add(_line(run, recipe="another"))
    assert file.find(run) is None
    file.add(_line(run))
    assert file.find(run) is not None


def test_simulator_version_changes_with_its_files(tmp_path, monkeypatch):
    for package in ("core", "physics", "minerals", "synthesis"):
        (tmp_path / package).mkdir()
    (tmp_path / "physics" / "a.py").write_text("1")
    monkeypatch.setattr(runs.resources, "files", lambda name: tmp_path)
    first = simulator_version.__wrapped__()
    (tmp_path / "physics" / "a.py").write_text("2")
    second = simulator_version.__wrapped__()
    assert second != first
    # No study fits the detector that made-up samples are for.
    (tmp_path / "synthesis" / "surrogates.py").write_text("1")
    assert simulator_version.__wrapped__() == second
    (tmp_path / "synthesis" / "stream.py").write_text("1")
    assert simulator_version.__wrapped__() != second


def test_study_resumes_and_keeps_to_its_budget(tmp_path, monkeypatch):
    done = []

    def fake(runs, data):
        for run in runs:
            done.append(run)
            if len(done) == 3:
                raise KeyboardInterrupt
            yield _line(run)

    monkeypatch.setattr(one_run, "lines_of_runs", fake)
    with pytest.raises(KeyboardInterrupt):
        make_study(tmp_path, arms=["attention"], quick=True)
    made = make_study(tmp_path, arms=["attention"], quick=True)
    assert (made.done, made.planned, made.made_now) == (6, 6, 4)
    assert make_study(tmp_path, arms=["attention"], quick=True).made_now == 0
    page = (tmp_path / "report.html").read_text()
    assert "test of the machinery" in page
    assert "test of the machinery" in (tmp_path / "report.md").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "")
    other = make_study(tmp_path / "short", arms=["attention"], quick=True, budget_hours=1e-6)
    assert other.made_now == 0
    assert "not run" in (tmp_path / "short" / "report.md").read_text()
    with pytest.raises(InvalidValueError, match="budget"):
        make_study(tmp_path, budget_hours=0.0)


def test_run_over_its_time_says_so():
    run = dataclasses.replace(_run(learner="mlp"), size=dataclasses.replace(_TINY, limit_s=0.0))
    line = _only_line(run, None)
    assert line.missing is not None
    assert "over its 0 s" in line.missing


def test_runs_that_are_fitted_alike_are_fitted_once(tmp_path, monkeypatch):
    fitted = []

    def fake(case, size, seed):
        fitted.append((case.learner, case.trained_under, seed))
        return Learnt(lambda counts: np.eye(6)[np.zeros(len(counts), int)], True, 256)

    monkeypatch.setattr(one_run, "fitted", fake)
    arms = {
        name: Arm.model_validate(
            {
                "title": "",
                "question": "",
                "order": order,
                "also": {"cnn": {"learner": "cnn", **own}},
            }
        )
        for order, (name, own) in enumerate(
            {
                "first": {"levels": [1000.0], "tested_under": ["poisson"], "seeds": 2},
                "second": {"levels": [1000.0], "tested_under": ["ideal"]},
                "third": {"levels": [1000.0], "tested_under": ["poisson"], "seeds": 1},
            }.items()
        )
    }
    monkeypatch.setattr(study, "load_arms", lambda names: arms)
    monkeypatch.setattr(study, "FULL", dataclasses.replace(_TINY, name="full"))
    made = make_study(tmp_path, quick=False)
    assert fitted == [("cnn", "realistic", 0), ("cnn", "realistic", 1)]
    # The third arm's run is the first's, named anew.
    assert (made.done, made.planned, made.made_now) == (4, 4, 3)
    lines = {(line.arm, line.seed): line for line in RunFile(tmp_path / study.RUNS).lines}
    assert [lines[name, 0].shared for name in arms] == [False, True, False]
    assert [lines[name, 0].copied for name in arms] == [False, False, True]
    assert lines["third", 0].result == lines["first", 0].result != lines["second", 0].result


def test_what_cannot_be_fitted_is_tried_once(monkeypatch):
    tried = []

    def fake(case, size, seed):
        tried.append(seed)
        raise InvalidValueError("No such luck.")

    monkeypatch.setattr(one_run, "fitted", fake)
    run = _run(learner="cnn")
    lines = list(one_run.lines_of_runs([run, dataclasses.replace(run, arm="other")], None))
    assert [(line.arm, line.missing) for line in lines] == [
        ("arm", "No such luck."),
        ("other", "No such luck."),
    ]
    assert tried == [0]


def test_runs_wait_for_the_spectra_they_need(tmp_path):
    run = _run(learner="SAM", measures=["carrying over"])
    assert run.lacks_data
    with_data = dataclasses.replace(run, data="one")
    assert not with_data.lacks_data
    file = RunFile(tmp_path / "runs.jsonl")
    file.add(_line(with_data))
    assert file.find(with_data) is None, "a line that was measured on nothing"
    assert file.has_stale(with_data)
    file.add(_line(with_data, data="one"))
    assert file.find(with_data) is not None
    assert file.find(run) is not None
    assert file.find(dataclasses.replace(run, data="another")) is None
    with pytest.raises(InvalidValueError, match="no spectra of other makers"):
        transfer.data_version(tmp_path)


def test_other_makers_spectra_have_a_version_of_their_content(tmp_path):
    path = tmp_path / "xmimsim" / "minerals.npz"
    path.parent.mkdir()
    path.write_bytes(b"1")
    first = transfer.data_version(tmp_path)
    path.write_bytes(b"2")
    assert transfer.data_version(tmp_path) != first


def test_more_seeds_leave_lines_as_good_as_they_were():
    assert _run(learner="cnn").recipe == _run(learner="cnn", seeds=3).recipe
    assert _run(learner="cnn").recipe != _run(learner="cnn", levels=[300.0]).recipe
    assert _run(learner="cnn").training == _run(learner="cnn", levels=[300.0]).training
    assert _run(learner="cnn").training != _run(learner="cnn", trained_under="ideal").training


def test_lines_of_another_study_in_the_folder_are_seen(tmp_path):
    path, run = tmp_path / "runs.jsonl", _run(learner="SAM")
    file = RunFile(path)
    RunFile(path).add(_line(run))
    assert file.find(run) is None
    file.read_again()
    assert file.find(run) is not None


def test_time_limit_stops_what_never_ends():
    with pytest.raises(OverTimeError), limited_to(0.05):
        any(number < 0 for number in itertools.count())
    with limited_to(60.0):
        pass
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_a_network_goes_through_every_measure(monkeypatch):
    # Each rock and each mineral of another maker costs seconds.
    monkeypatch.setattr(phantom_maps, "ROCKS", ("granite",))
    monkeypatch.setattr(transfer, "ELEMENTS", {"Cr": "chromium"})
    measures = ["accuracy", "calibration", "missing ranges", "phantoms", "carrying over"]
    case = {"learner": "mlp", "trained_under": "poisson", "measures": measures}
    line = _only_line(
        dataclasses.replace(_run(**case), data="some"), _DATA if _DATA.is_dir() else None
    )
    assert line.missing is None
    assert line.spectra == 256
    assert set(measures) <= set(line.result)
    accuracy = line.result["accuracy"]["poisson"]["1000"]
    # 256 spectra teach something about six classes.
    assert accuracy > 1.5 / 6
    whole = line.result["missing ranges"]["poisson"]["1000"]
    assert whole["0"] == accuracy
    granite = line.result["phantoms"]["granite"]["1000"]["direct"]
    assert 0 <= granite["area_error"] <= 1
    ways = {"direct", "majority", "scan's priors", "scan's priors, Potts", "scan's priors, U-Net"}
    assert set(line.result["phantoms"]["granite"]["1000"]) == ways
    if _DATA.is_dir():
        assert set(line.result["carrying over"]["elements, measured"]) == {"chromium"}
        assert "quartz" in line.result["carrying over"]["minerals, XMI-MSIM"]


def test_a_baseline_and_the_ceiling_on_the_same_spectra():
    line = _only_line(_run(learner="Poisson likelihood", trained_under="poisson"), None)
    best = _only_line(_run(learner=CEILING, trained_under="poisson"), None)
    share = line.result["accuracy"]["poisson"]["1000"]
    bracket = best.result["ceiling"]["poisson"]["1000"]
    assert share > 0.7
    assert bracket["low"] <= bracket["high"] <= 1
    assert bracket["high"] >= share - 0.1


def test_corruption_errors_are_one_for_each_severity(monkeypatch):
    monkeypatch.setattr("lithoscope.workflows.study.measures.CORRUPTIONS", ("bragg", "energy"))
    case = {"learner": "SAM", "trained_under": "poisson", "measures": ["corruption"]}
    line = _only_line(_run(**case), None)
    assert {name: len(found) for name, found in line.result["corruption"].items()} == {
        "bragg": 1,
        "energy": 1,
    }


def test_range_of_a_width_is_taken_out():
    edges = np.arange(0, 20.01, 0.01)
    counts = torch.ones(50, edges.size - 1)
    gone = (without_range(counts, edges, 0.5) == 0).sum(dim=1).numpy()
    assert gone == pytest.approx(np.full(50, 50), abs=1)
    assert torch.equal(without_range(counts, edges, 0.0), counts)


def test_first_seed_of_every_arm_is_there_in_a_quick_study():
    names = {run.arm for run in planned_runs(load_arms(), QUICK)}
    assert names == set(load_arms())
    assert study.RUNS == "runs.jsonl"
