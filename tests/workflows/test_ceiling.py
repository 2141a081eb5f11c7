"""A model beside its ceiling, from Python and from the command line."""

import json

import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.models.checkpoint import save_checkpoint
from lithoscope.workflows.ceiling import model_beside_ceiling


def test_no_model_is_above_its_ceiling(tiny_model):
    found = model_beside_ceiling(
        tiny_model, condition="poisson", levels=(3.0, 300.0), spectra=1000, templates=200
    )
    for one in found:
        # Same draws: chance can lift a model by a spectrum or two, not by a percent.
        assert one.network <= one.ceiling.upper + 0.01
        assert one.ceiling.spectra == 1000
    assert found[0].ceiling.bound < found[1].ceiling.bound


def test_without_noise_there_is_no_ceiling(tiny_model):
    with pytest.raises(InvalidValueError, match="no counting noise"):
        model_beside_ceiling(
            tiny_model, condition="ideal", levels=(100.0,), spectra=100, templates=8
        )


def test_the_command_gives_what_python_gives(tiny_model, tmp_path, lithoscope):
    save_checkpoint(tiny_model, tmp_path / "model")
    options = ("--model", tmp_path / "model", "--spectra", 200, "--templates", 40)
    status, out, _ = lithoscope("ceiling", *options, "--counts", "100", "--json")
    assert status == 0
    (row,) = json.loads(out)
    (own,) = model_beside_ceiling(
        tiny_model, condition="poisson", levels=(100.0,), spectra=200, templates=40
    )
    assert row["network"] == own.network
    assert row["estimates"] == list(own.ceiling.estimates)
    status, out, _ = lithoscope("ceiling", *options, "--counts", "100")
    assert "200 spectra a level" in out


def test_bad_levels_are_refused(lithoscope):
    status, _, error = lithoscope("ceiling", "--counts", "many")
    assert status == 2
    assert "--counts many" in error
