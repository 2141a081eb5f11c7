"""``classify``: how sure, how fine, and sets of a coverage."""

import json

import pytest

from lithoscope.models.checkpoint import save_checkpoint
from lithoscope.workflows.simulate import simulate, write_spectrum


@pytest.fixture
def files(tiny_model, tmp_path):
    save_checkpoint(tiny_model, tmp_path / "tiny")
    write_spectrum(simulate("quartz", counts=3000, seed=1), tmp_path / "quartz.msa", "quartz")
    return tmp_path / "quartz.msa", "--model", tmp_path / "tiny"


def test_json_has_answer_and_set(lithoscope, files):
    status, out, _ = lithoscope("classify", *files, "--coverage", "0.95", "--json")
    assert status == 0
    said = json.loads(out)[0]
    assert said["answer"]["label"] == "quartz"
    assert said["answer"]["level"] == "mineral"
    assert said["coverage"] == 0.95
    assert "quartz" in said["coverage_set"]
    status, out, _ = lithoscope("classify", *files, "--json")
    assert "coverage_set" not in json.loads(out)[0]


def test_the_table_names_the_level_and_the_set(lithoscope, files):
    status, out, _ = lithoscope("classify", *files, "--coverage", "0.95")
    assert status == 0
    assert "quartz (mineral)" in out
    assert "set of 0.95 coverage: quartz" in out


@pytest.mark.parametrize(
    "option", [("--coverage", "1.5"), ("--coverage", "0"), ("--answer-probability", "0.3")]
)
def test_impossible_shares_are_refused(lithoscope, files, option):
    status, _, err = lithoscope("classify", *files, *option)
    assert status == 2
    assert "Traceback" not in err
    assert option[1] in err or option[0] in err
