"""The benchmark of the unknown runs in small and writes what it measured."""

import json

import pytest

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.models.checkpoint import find_checkpoint, save_checkpoint
from lithoscope.workflows import benchmark_unknown as benchmark
from lithoscope.workflows.unknown_tables import panels, tables, write_tables


@pytest.fixture(scope="module")
def small(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unknown")
    save_checkpoint(tiny_model, folder / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "_KNOWN", 200)
        patch.setattr(benchmark, "_STRANGE", 60)
        patch.setattr(benchmark, "_MATERIALS", 200)
        patch.setattr(benchmark, "_UNLIKE", 60)
        patch.setattr(benchmark, "_LEFT_OUT_SPECTRA", 2000)
        patch.setattr(benchmark, "LEVELS", (300.0, 3000.0))
        patch.setattr(benchmark, "NEAR", ("galena",))
        patch.setattr(benchmark, "BY_ELEMENT", ("hematite",))
        rows = benchmark.benchmark_unknown(folder, model=str(folder / "tiny"))
    return folder, rows


def test_every_detector_is_measured_on_every_unknown_at_every_level(small):
    _, rows = small
    found = [row for row in rows if row["kind"] == "separation"]
    keys = {(row["model"], row["unknown"], row["detector"], row["counts"]) for row in found}
    # Eight detectors, two levels; eight kinds of unknown for the whole model, of them five of
    # materials, two for the other.
    assert len(found) == len(keys) == 8 * 2 * (8 + 2)
    assert all(0 <= row["auroc"] <= 1 for row in found)
    best = [row["auroc"] for row in found if row["detector"] == "combined"]
    assert max(best) > 0.9


def test_what_is_not_unknown_is_reported_apart_by_every_detector(small):
    _, rows = small
    found = [row for row in rows if row["kind"] == "unlike"]
    sets = {(row["what"], row["set"]) for row in found}
    assert {what for what, _ in sets} == {"instrument", "mixture", "corrupted"}
    assert {"Mo anode", "W anode", "15 kV", "air", "3 minerals"} <= {name for _, name in sets}
    assert len(found) == 8 * 2 * len(sets)
    assert not {name for _, name in sets} & {row.get("unknown") for row in rows}


def test_answers_say_what_is_right_flagged_and_neither(small):
    _, rows = small
    found = {(row["set"], row["counts"]): row for row in rows if row["kind"] == "answers"}
    for row in found.values():
        # What is flagged is either right or wrong.
        wrong_flagged = row["wrong"] - row["wrong_unflagged"]
        assert row["flagged"] == pytest.approx(row["right_flagged"] + wrong_flagged)
        assert row["right"] == pytest.approx(1 - row["wrong"])
        assert row["right_first"] <= row["right"]
    # Half of the counts of noise spoil a spectrum.
    assert found["50 % flat noise", 3000.0]["right"] < found["as in training", 3000.0]["right"]


def test_the_left_out_minerals_are_not_in_its_model(small):
    folder, _ = small
    left = find_checkpoint(str(folder / "left-out"))
    assert not {"galena", "hematite", "epoxy"} & set(left.labels.members)
    assert left.labels.members == ("quartz", "calcite")
    assert left.detector is not None


def test_tables_and_figure_are_written(small):
    folder, rows = small
    page, figure = write_tables(rows, folder)
    assert figure.stat().st_size > 10_000
    text = page.read_text()
    for words in (
        "AUROC",
        "combined",
        "foreign elements",
        "called unknown",
        "µs a spectrum",
        "polyethylene",
    ):
        assert words in text
    lines = (folder / "unknown.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert len(panels(rows)) == 10
    assert "\n".join(tables(rows)) == text


def test_a_model_without_a_detector_is_refused(tiny_model, tmp_path):
    import dataclasses

    save_checkpoint(dataclasses.replace(tiny_model, detector=None), tmp_path / "bare")
    with pytest.raises(CheckpointError, match="recalibrate"):
        benchmark.benchmark_unknown(tmp_path / "out", model=str(tmp_path / "bare"))


def test_a_folder_without_measured_spectra_is_refused_before_anything_is_done(tiny_model, tmp_path):
    save_checkpoint(tiny_model, tmp_path / "tiny")
    with pytest.raises(InvalidValueError, match="--data"):
        benchmark.benchmark_unknown(
            tmp_path / "out", model=str(tmp_path / "tiny"), data=tmp_path / "nowhere"
        )
    assert not (tmp_path / "out").exists()
