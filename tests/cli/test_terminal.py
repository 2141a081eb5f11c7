"""What is printed fits 80 columns, and progress says rate and time left."""

import io
import re
import time

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lithoscope.cli import terminal
from lithoscope.cli.main import app


@pytest.mark.parametrize(
    "arguments",
    [("minerals", "list"), ("minerals", "show", "annite"), ("minerals", "show", "spodumene")],
)
def test_tables_fit_80_columns(arguments, lithoscope, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = lithoscope(*arguments)
    assert status == 0, err
    assert max(map(len, out.splitlines())) <= 80


def test_a_title_is_not_broken_to_the_width_of_a_narrow_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    title = "accuracy on the test split [of a data set], 60 spectra"
    terminal.print_table([("a", "left"), ("b", "right")], [["x", "1"]], title=title)
    assert capsys.readouterr().out.splitlines()[0] == title


def test_progress_says_rate_and_time_left(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        terminal,
        "Console",
        lambda **_: Console(file=screen, force_terminal=True, width=80, color_system=None),
    )
    with terminal.progress_bar("rows", "rows", after="pictures") as progress:
        for done in range(0, 60, 10):
            progress(done, 100)
            time.sleep(0.01)
    text = screen.getvalue()
    assert "50/100" in text
    assert "pictures" not in text
    assert re.search(r"\d rows/s", text)
    assert re.search(r"\d:\d\d:\d\d", text)


@pytest.mark.parametrize(
    ("speed", "unit", "text"),
    [(12345.6, "pixels", "12,346 pixels/s"), (0.25, "", "0.25/s"), (9.96, "rows", "10 rows/s")],
)
def test_slow_rates_keep_a_decimal(speed, unit, text):
    assert terminal._rate(speed, unit) == text


def test_completion_is_offered_and_names_commands():
    runner = CliRunner()
    shown = runner.invoke(app, ["--help"]).output
    assert "--install-completion" in shown
    environment = {
        "_LITHOSCOPE_COMPLETE": "complete_bash",
        "COMP_WORDS": "lithoscope m",
        "COMP_CWORD": "1",
    }
    said = runner.invoke(app, [], env=environment, prog_name="lithoscope").output
    assert {"map", "minerals", "models"} <= set(said.split())


def test_what_follows_the_last_step_is_told(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        terminal,
        "Console",
        lambda **_: Console(file=screen, force_terminal=True, width=80, color_system=None),
    )
    with terminal.progress_bar("rows", "rows", after="pictures") as progress:
        progress(100, 100)
    assert "pictures" in screen.getvalue()
