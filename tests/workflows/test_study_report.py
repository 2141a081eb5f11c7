"""The report from lines of every measure: numbers stand where they were put."""

from lithoscope.workflows.study.arm import load_arms
from lithoscope.workflows.study.conclusions import conclusions
from lithoscope.workflows.study.data_size import data_size_blocks
from lithoscope.workflows.study.report import write_report
from lithoscope.workflows.study.results import ArmResults, shown
from lithoscope.workflows.study.runs import RunLine, simulator_version
from lithoscope.workflows.study.size import FULL
from lithoscope.workflows.study.study import planned_runs


def _line(run, accuracy, **measures):
    levels = {f"{level:g}": accuracy for level in run.case.levels}
    by_condition = dict.fromkeys(run.case.tests, levels)
    result = {"accuracy": by_condition, "cost": {"fitting_cpu_s": 12.0}, **measures}
    if run.case.learner == "ceiling":
        brackets = {level: {"low": 0.97, "high": 0.99} for level in levels}
        result = {"ceiling": dict.fromkeys(run.case.tests, brackets)}
    return RunLine(
        arm=run.arm,
        case=run.case_name,
        seed=run.seed,
        recipe=run.recipe,
        simulator=simulator_version(),
        size=str(run.size),
        seconds=1.0,
        processor_s=1.0,
        spectra=1000,
        result=result,
    )


def _found(arms, accuracy_of):
    ece = {"1000": {"ece": 0.0123, "brier": 0.2, "nll": 0.4}}
    map_of = {"direct": {"accuracy": 0.777, "mean_iou": 0.5, "area_error": 0.02}}
    measures = {
        "corruption": {"bragg": [0.1, 0.2], "tail": [0.3, 0.3]},
        "calibration": {"realistic": ece},
        "missing ranges": {"realistic": {"1000": {"0": 0.9, "2": 0.654}}},
        "phantoms": {"granite": {"300": map_of}},
        "carrying over": {
            "elements, own simulation": {"tin": {"1000": 1.0}, "silicon": {"1000": 0.9}},
            "elements, measured": {"tin": {"1000": 0.6}, "silicon": {"1000": 0.2}},
        },
    }
    found = {}
    for run in planned_runs(arms, FULL, "data"):
        own = {name: measures[name] for name in run.case.measures if name in measures}
        if run.case.learner == "SAM" and "corruption" in own:
            own["corruption"] = {"bragg": [0.2, 0.4], "tail": [0.2, 0.2]}
        found[run] = _line(run, accuracy_of(run), **own)
    return found


def test_report_shows_what_lines_hold_and_names_what_is_missing(tmp_path):
    arms = load_arms()
    found = _found(arms, lambda run: 0.9 + 0.001 * run.seed)
    gone = next(run for run in found if run.case_name == "transformer")
    found[gone] = None
    write_report(tmp_path, arms, found, FULL)
    text = (tmp_path / "report.md").read_text()
    for number in ("0.012 ± 0.000", "65.4", "77.7", "97.0 to 99.0", "90.1 ± 0.1", "| bragg | 1.00"):
        assert number in text, number
    assert "networks: transformer, seed 0: not run" in text
    # (0.3 / 0.6 + 0.6 / 0.4) / 2
    assert "cnn: mean corruption error 1.00 ± 0.00 of SAM's (3 seeds)" in text
    assert "elements 95.0 to 40.0 % from own simulation to measured (-55.0 points)" in text
    assert "### Is preprocessing worth it?\n\n- roots and shape against raw counts" in text
    assert "(best possible, trained under what it is tested on)" in text
    assert "machinery" not in text
    for name in ("training-data-matrix", "attention-accuracy-poisson", "robustness-corruption"):
        assert (tmp_path / "figures" / f"{name}.svg").read_bytes().startswith(b"<?xml")
        assert f"figures/{name}.svg" in text


def test_sentences_follow_their_rule():
    arms = load_arms(["attention"])
    gains = {"cnn-attention": (0.91, 0.92, 0.93), "cnn-wide": (0.90, 0.911, 0.919)}

    def says(gain):
        found = _found(arms, lambda run: gain.get(run.case_name, (0.5,) * 3)[run.seed])
        results = ArmResults.of("attention", arms["attention"], found)
        return conclusions(results, FULL)[1]

    assert "realistic, 1,000 counts: +1.0 ± 0.1 points (3 seeds" in says(gains)
    assert says(gains).endswith(": a gain.")
    turned = {"cnn-attention": gains["cnn-wide"], "cnn-wide": gains["cnn-attention"]}
    assert says(turned).endswith(": a loss.")
    mixed = {"cnn-attention": (0.91, 0.90, 0.93), "cnn-wide": (0.90, 0.911, 0.919)}
    assert says(mixed).endswith(": none shown.")


def test_stale_runs_and_those_without_data_are_named_so(tmp_path):
    arms = load_arms(["carrying-over"])
    found = dict.fromkeys(planned_runs(arms, FULL))
    first = next(iter(found))
    write_report(tmp_path, arms, found, FULL, {first})
    text = (tmp_path / "report.md").read_text()
    assert f"{first.case_name}, seed 0: of another simulator, library or arm's file" in text
    assert "seed 1: not run: needs --data" in text


def test_ledgers_are_compared_by_seed():
    arms = load_arms(["carrying-over"])
    found = {}
    for run in planned_runs(arms, FULL, "data"):
        share = 0.9 + 0.01 * run.seed - 0.2 * (run.case_name == "with distortions, neither")
        # One material right in `share`, one never: the mean over both is half of it.
        ledger = {"elements, measured": {"tin": {"1000": share}, "silicon": {"1000": 0.0}}}
        found[run] = _line(run, 0.9, **{"carrying over": ledger})
    said = conclusions(ArmResults.of("carrying-over", arms["carrying-over"], found), FULL)
    about = "with distortions, all physics against with distortions, neither"
    (sentence,) = (one for one in said if one.startswith(about) and "measured" in one)
    assert "+10.0 ± 0.0 points (3 seeds" in sentence
    assert sentence.endswith(": a gain.")


def test_best_way_stands_beside_the_best_possible():
    arms = load_arms(["networks"])
    found = _found(arms, lambda run: 0.91 if run.case_name == "inception" else 0.8)
    said = conclusions(ArmResults.of("networks", arms["networks"], found), FULL)
    assert any(
        "under poisson at 1,000 counts, inception is best with 91.0 %; the best possible is "
        "97.0 to 99.0 %" in one
        for one in said
    )


def test_one_seed_shows_nothing():
    arms = load_arms(["inputs"])
    found = _found(arms, lambda run: 0.7 if run.case_name == "raw counts" else 0.8)
    said = conclusions(ArmResults.of("inputs", arms["inputs"], found), FULL)
    assert "+10.0 points (1 seed), larger than two standard errors of counting" in said[0]
    assert "+0.0 points (1 seed), within" in said[1]


def test_pairs_without_runs_are_named_once():
    arms = load_arms(["attention"])
    found = {run: line for run, line in _found(arms, lambda run: 0.8).items() if line is not None}
    alone = {run: line for run, line in found.items() if run.case_name != "cnn-wide"}
    said = conclusions(ArmResults.of("attention", arms["attention"], alone), FULL)
    assert said == ["Not compared for want of runs: cnn-attention against cnn-wide."]


def test_more_spectra_are_told_by_learner_and_drawn():
    arms = load_arms(["data-size"])
    found = _found(arms, lambda run: 0.5 + 0.1 * run.case.spectra_share)
    for run, line in found.items():
        found[run] = line.model_copy(update={"spectra": round(1000 * run.case.spectra_share)})
    results = ArmResults.of("data-size", arms["data-size"], found)
    said = conclusions(results, FULL)
    assert said[0] == (
        "cnn, realistic, 1,000 counts, by spectra seen: 50.4 % of 40, 51.2 % of 120, 54.0 % of "
        "400, 60.0 % of 1,000, 80.0 % of 3,000; the last step, 3.0 times as many, is +20.0 points."
    )
    assert said[1].startswith("cnn-attention, realistic")
    (drawn,) = data_size_blocks(results)
    assert drawn.name == "data-size-spectra-realistic"
    # Cases that differ in more than learner and size are no curve over size.
    inputs = load_arms(["inputs"])
    other = ArmResults.of("inputs", inputs["inputs"], _found(inputs, lambda run: 0.8))
    assert not list(data_size_blocks(other))


def test_maps_are_compared_with_naming_pixel_by_pixel_seed_by_seed():
    arms = load_arms(["segmentation"])
    found = {}
    for run in planned_runs(arms, FULL):
        maps = {
            counts: {
                "direct": {"accuracy": 0.5 + 0.01 * run.seed},
                # Over both counts, 20 points more on average.
                "Potts": {"accuracy": 0.6 + gain + 0.01 * run.seed},
            }
            for counts, gain in (("300", 0.0), ("2000", 0.2))
        }
        found[run] = _line(run, 0.9, phantoms={"granite": maps})
    said = conclusions(ArmResults.of("segmentation", arms["segmentation"], found), FULL)
    (sentence,) = (one for one in said if "maps by Potts against direct" in one)
    assert sentence.startswith("cnn: ")
    assert "+20.0 ± 0.0 points (3 seeds" in sentence
    assert sentence.endswith(": a gain.")


def test_pairs_are_compared_where_a_range_is_missing_too():
    arms = load_arms(["confidence"])
    found = {}
    for run in planned_runs(arms, FULL):
        wide = 0.3 if "never" in run.case_name else 0.6
        gaps = {"realistic": {"1000": {"0": 0.9, "0.5": 0.8, "2": wide}}}
        found[run] = _line(run, 0.9, **{"missing ranges": gaps})
    said = conclusions(ArmResults.of("confidence", arms["confidence"], found), FULL)
    about = "cnn, never incomplete in training against cnn, realistic, 1,000 counts"
    assert any(one.startswith(f"{about}, 2 keV missing: -30.0 points (1 seed)") for one in said)
    assert any(one.startswith(f"{about}: +0.0 points") for one in said)


def test_counts_that_are_all_alike_stand_alone():
    assert shown([657128.0, 657128.0], factor=1, digits=0) == "657,128"
    assert shown([1000.0, 3000.0], factor=1, digits=0) == "2,000 ± 1,414"
    assert shown([0.5, 0.5]) == "50.0 ± 0.0"


def test_cases_stand_only_under_conditions_that_they_were_tested_under(tmp_path):
    arms = load_arms(["unknown"])
    write_report(tmp_path, arms, _found(arms, lambda run: 0.9), FULL)
    text = (tmp_path / "report.md").read_text()
    under_noise = text[text.index("Share named right under 'poisson'") :].split("![", 1)[0]
    assert "| cnn on noise alone | 1 | 90.0" in under_noise
    assert "cnn-large" not in under_noise
