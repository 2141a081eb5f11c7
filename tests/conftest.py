"""What several test files share: a tiny model, and the command line in this process."""

import sys

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A model of five materials, trained in seconds by the quick recipe."""
    from lithoscope.minerals import load_library
    from lithoscope.workflows.make_model import make_model
    from lithoscope.workflows.recipe import load_recipe

    library = load_library()
    recipe = load_recipe("quick").model_copy(
        update={"spectra": 12_000, "test_spectra": 200, "threshold_spectra": 200}
    )
    folder = tmp_path_factory.mktemp("model") / "tiny"
    names = ["quartz", "calcite", "hematite", "galena", "epoxy"]
    return make_model(recipe, folder, minerals=[library.get(name) for name in names])


@pytest.fixture
def lithoscope(monkeypatch, capsys):
    """Run the command line; give exit status, stdout and stderr."""
    from lithoscope.cli.main import run

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["lithoscope", *map(str, arguments)])
        status = 0
        try:
            run()
        except SystemExit as stop:
            status = stop.code or 0
        said = capsys.readouterr()
        return status, said.out, said.err

    return call
