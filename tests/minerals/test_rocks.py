"""Rocks: mixtures of entries, drawn within their ranges, and never classes themselves."""

from __future__ import annotations

import numpy as np
import pytest

from lithoscope.errors import FileFormatError, LithoscopeError, MineralError
from lithoscope.minerals import Rock, find_rock, load_library, load_rocks, sample_rock
from lithoscope.minerals.rock_reading import read_rocks


def test_rocks_hold_entries_of_the_library() -> None:
    library = load_library()
    for rock in load_rocks():
        assert set(rock.shares) <= set(library.names), rock.name
        assert rock.main_minerals, rock.name
        for name in (rock.name, *rock.aliases):
            assert name not in library


@pytest.mark.parametrize(
    "name",
    [
        *("granite", "pegmatite", "gneiss", "basalt", "limestone", "marble"),
        *("Porphyry copper ore", "massive sulfide ore", "nickel sulfide ore", "lead-zinc ore"),
        *("gold quartz vein", "chromitite", "banded iron formation", "bauxite"),
    ],
)
def test_what_is_there(name: str) -> None:
    assert find_rock(name) in load_rocks()


@pytest.mark.parametrize("rock", load_rocks(), ids=lambda rock: rock.name)
def test_shares_sum_to_one_within_their_ranges(rock: Rock) -> None:
    drawn = sample_rock(rock, 200, np.random.default_rng(1))
    low, high = np.array([*rock.shares.values()]).T
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-12)
    assert (drawn >= low - 1e-9).all()
    assert (drawn <= high + 1e-9).all()
    np.testing.assert_array_equal(drawn, sample_rock(rock, 200, np.random.default_rng(1)))


def test_granite_is_one_by_quartz_and_feldspars() -> None:
    """QAPF (Le Maitre et al. 2002): quartz 20 to 60 % of quartz and feldspars."""
    granite = find_rock("granite")
    drawn = dict(
        zip(granite.shares, sample_rock(granite, 500, np.random.default_rng(2)).T, strict=True)
    )
    feldspars = sum(drawn[name] for name in ("microcline", "orthoclase", "albite", "oligoclase"))
    quartz = drawn["quartz"] / (drawn["quartz"] + feldspars)
    assert quartz.min() > 0.2
    assert quartz.max() < 0.6


def test_unknown_rock() -> None:
    with pytest.raises(MineralError, match="such as granite"):
        find_rock("granit")


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", FileFormatError, "line 1"),
        ("- name: x1\n", FileFormatError, "line 1: 0.minerals"),
        ("- name: x1\n  minerals:\n    quartz: 1\n", FileFormatError, "line 3"),
        ("- name: x1\n  minerals: {quartz: [1, 1]}\n  als: []", FileFormatError, "line 3"),
        ("- {name: x1, minerals: {quartz: [0, 0.5]}}", MineralError, "line 1: x1: .* sum to"),
        ("- {name: x1, minerals: {quartz: [1, 0.5]}}", MineralError, "line 1: x1: quartz ranges"),
        ("- {name: x1, minerals: {}}", MineralError, "sum to 0"),
        (
            "- {name: x1, minerals: {quartz: [0, 1]}}\n- {name: X1, minerals: {quartz: [0, 1]}}",
            MineralError,
            "line 2: 'x1' is the rock of line 1 too",
        ),
        ("- {name: x1", FileFormatError, "not YAML"),
    ],
)
def test_what_is_no_rock(text: str, error: type[LithoscopeError], says: str) -> None:
    with pytest.raises(error, match=f"mine.yaml.*{says}"):
        read_rocks(text, "mine.yaml")
