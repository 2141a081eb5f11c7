"""`minerals confusable` and `minerals show`: what they print, and what they do with bad input."""

import json

import numpy as np
import pytest

from lithoscope.cli.terminal import broken_between
from lithoscope.cli.terminal_plot import spectrum_lines
from lithoscope.core.mineral import Mineral
from lithoscope.minerals import Library


@pytest.fixture
def small_library(monkeypatch):
    names = [("nickel", "Ni"), ("bunsenite", "NiO"), ("quartz", "SiO2"), ("cristobalite", "SiO2")]
    library = Library(tuple(Mineral(name, formula, 5.0) for name, formula in names))
    for home in ("lithoscope.minerals", "lithoscope.workflows.describe"):
        monkeypatch.setattr(f"{home}.load_library", lambda: library)
    return library


def test_confusable_prints_groups_and_pairs_within_100_columns(
    lithoscope, small_library, monkeypatch, tmp_path
):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("lithoscope.workflows.identify.instrument_changes", lambda _: {})
    figure = tmp_path / "matrix.png"
    status, out, err = lithoscope(
        "minerals", "confusable", "--counts", 3000, "--figure", figure, "--instrument", "m4-tornado"
    )
    assert status == 0, err
    assert "quartz / cristobalite" in out
    assert "nickel - bunsenite" in out
    assert max(map(len, out.splitlines())) <= 100
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_confusable_json_is_one_document(lithoscope, small_library, monkeypatch):
    monkeypatch.setattr("lithoscope.workflows.identify.instrument_changes", lambda _: {})
    status, out, err = lithoscope("minerals", "confusable", "--minerals", "nickel,quartz", "--json")
    document = json.loads(out)
    assert status == 0, err
    assert document["instrument"] == "m4-tornado"
    assert [row["label"] for row in document["groups"]] == ["nickel", "quartz"]
    assert document["confusable_pairs"] == []
    assert document["counts_needed"] == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--counts", "5"], "30 to 1,000,000"),
        (["--minerals", "quartz"], "two or more"),
        (["--minerals", "quarz,nickel"], "quartz"),
        (["--instrument", "m5"], "m4-tornado"),
        (["--figure", "matrix.doc"], ".png"),
        (["--figure", "nowhere/matrix.png"], "nowhere"),
    ],
)
def test_bad_questions_exit_2_with_one_message(lithoscope, small_library, arguments, expected):
    status, out, err = lithoscope("minerals", "confusable", *arguments)
    assert status == 2
    assert expected in err
    assert out == ""


def test_show_draws_the_spectrum_and_names_confusions(lithoscope, small_library, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    status, out, err = lithoscope("minerals", "show", "nickel")
    assert status == 0, err
    assert "Ni Kα 7.47" in out
    assert "█" in out
    assert "bunsenite" in out
    assert max(map(len, out.splitlines())) <= 100


def test_show_json_has_the_outline_and_the_confusions(lithoscope, small_library):
    status, out, err = lithoscope("minerals", "show", "cristobalite", "--json")
    facts = json.loads(out)
    assert status == 0, err
    assert facts["confused_with"][0] == {"mineral": "quartz", "error": 0.5, "counts_needed": None}
    assert len(facts["spectrum"]["edges_keV"]) == len(facts["spectrum"]["counts_per_s"]) + 1


def test_a_plot_has_a_bar_where_the_counts_are():
    counts = np.full(20, 1e-9)
    counts[10] = 100.0
    counts[5] = 1.0
    lines = spectrum_lines(counts, np.linspace(0, 20, 21), [(10.0, "Fe"), (10.5, "Mn")], rows=6)
    assert lines[0] == " " * 10 + "Fe Mn"
    assert [line[10] for line in lines[1:7]] == ["█"] * 6
    assert [line[5] for line in lines[1:7]].count("█") == 2
    assert lines[-1].startswith("0 keV5")


def test_lines_break_between_parts_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    parts = ["NaCa2(Mg4Al)(Al2Si6)O22(OH)2 0.05 to 1", "Ca Kα 3.691", "Ca Kβ 4.013"]
    text = broken_between(parts, "; ", 10)
    assert text.split("\n") == [f"{parts[0]};", "; ".join(parts[1:])]
