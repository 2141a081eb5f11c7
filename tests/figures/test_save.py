"""Saving: the same bytes each time, whole or not at all, and no trace in global settings."""

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import OutputError
from lithoscope.figures.save import figure_bytes, save_figure
from lithoscope.figures.spectrum_plot import spectrum_figure
from lithoscope.figures.style import figure_style


def make_figure():
    axis = EnergyAxis(0.0, 0.01, 1000)
    counts = 1 + 500 * np.exp(-(((axis.energies_keV - 6.4) / 0.07) ** 2))
    return spectrum_figure(Spectrum(counts, axis), elements=["Fe"], title="iron")


@pytest.mark.parametrize("file_format", ["png", "svg"])
def test_the_same_figure_gives_the_same_bytes_whatever_the_settings(file_format):
    first = figure_bytes(make_figure(), file_format=file_format)
    with matplotlib.rc_context({"font.size": 20, "savefig.transparent": True, "svg.hashsalt": "x"}):
        assert figure_bytes(make_figure(), file_format=file_format) == first
    assert matplotlib.__version__.encode() not in first
    assert b"<dc:date>" not in first


def test_settings_are_as_before_afterwards():
    # A value of the test's own, as figures made before might have left theirs.
    with matplotlib.rc_context({"font.size": 17.0}):
        before = dict(matplotlib.rcParams)
        figure_bytes(make_figure())
        assert dict(matplotlib.rcParams) == before
        with pytest.raises(RuntimeError, match="inside"), figure_style():
            raise RuntimeError("inside")
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("b.SVG", b"<?xml")])
def test_a_file_is_written_whole_and_nothing_else(tmp_path, name, start):
    (tmp_path / name).write_bytes(b"old")
    save_figure(make_figure(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_old_file_stays_where_the_new_cannot_be_finished(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        save_figure(make_figure(), tmp_path / "a.png")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_what_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match="png or svg"):
        save_figure(make_figure(), tmp_path / "a.jpeg")
    with pytest.raises(OutputError, match="missing"):
        save_figure(make_figure(), tmp_path / "missing" / "a.png")


def test_figures_never_load_pyplot_or_torch():
    code = (
        "import sys\n"
        "import lithoscope.figures.scan_overview, lithoscope.figures.element_maps\n"
        "import lithoscope.figures.save\n"
        "sys.exit(bool({'matplotlib.pyplot', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
