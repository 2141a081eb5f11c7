"""Looking minerals up by any of their names, and what is said where that fails."""

from __future__ import annotations

import pytest

from lithoscope.core.mineral import Mineral
from lithoscope.errors import MineralError
from lithoscope.minerals import Library, find_rock, load_library
from lithoscope.minerals.collective import SERIES

QUARTZ = Mineral("quartz", "SiO2", 2.65, aliases=("silica",))


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("spodumene", "spodumene"),
        ("Spodumene", "spodumene"),
        ("  SPODUMENE ", "spodumene"),
        ("native gold", "gold"),
        ("Native  Gold", "gold"),
        ("aluminum", "aluminium"),
        ("sulphur", "sulfur"),
        ("native sulphur", "sulfur"),
        ("barite", "baryte"),
        ("celestite", "celestine"),
        ("haematite", "hematite"),
        ("sphene", "titanite"),
        ("hübnerite", "hubnerite"),
        ("hu\u0308bnerite", "hubnerite"),
        ("monazite-(Ce)", "monazite-(ce)"),
        ("acmite", "aegirine"),
        ("monazite", "monazite-(ce)"),
        ("Bastnäsite-(Ce)", "bastnasite-(ce)"),
        ("PMMA", "acrylic"),
        ("Plexiglass", "acrylic"),
    ],
)
def test_names_and_aliases_in_any_case(asked: str, name: str) -> None:
    library = load_library()
    assert library.get(asked).name == name
    assert asked in library


def test_every_name_and_alias_finds_its_entry() -> None:
    library = load_library()
    for mineral in library:
        for name in (mineral.name, *mineral.aliases):
            assert library.get(name) is mineral


def test_unknown_name_gives_the_nearest_and_the_command() -> None:
    with pytest.raises(MineralError) as caught:
        load_library().get("spodumine")
    message = str(caught.value)
    assert "'spodumine'" in message
    assert "spodumene" in message
    assert "lithoscope minerals list" in message


def test_nearest_names_are_names_not_aliases() -> None:
    with pytest.raises(MineralError, match="such as acrylic"):
        load_library().get("plexyglass")


def test_unknown_name_that_is_like_nothing() -> None:
    with pytest.raises(MineralError, match="not in the mineral library") as caught:
        load_library().get("0815")
    assert "such as" not in str(caught.value)


@pytest.mark.parametrize("rock", ["granite", "Pegmatite", "basalt", "limestone"])
def test_rocks_are_mixtures(rock: str) -> None:
    with pytest.raises(MineralError, match="is a rock, a mixture of minerals") as caught:
        load_library().get(rock)
    assert find_rock(rock).main_minerals[0] in str(caught.value)


def test_series_names_give_their_members() -> None:
    with pytest.raises(MineralError, match="annite, phlogopite"):
        load_library().get("Biotite")


@pytest.mark.parametrize(
    "name",
    [
        *("plagioclase", "alkali feldspar", "hornblende", "tourmaline", "lepidolite"),
        *("columbite", "tantalite", "wolframite", "apatite", "garnet", "k-feldspar"),
    ],
)
def test_series_are_no_classes(name: str) -> None:
    with pytest.raises(MineralError, match="is a name for several minerals"):
        load_library().get(name)


def test_collective_names_stand_for_entries() -> None:
    library = load_library()
    for name, members in SERIES.items():
        assert name not in library
        assert set(members) <= set(library.names), name


def test_order_is_stable_and_kept() -> None:
    assert load_library() is load_library()
    library = Library((QUARTZ, Mineral("halite", "NaCl", 2.17)))
    assert library.names == ("quartz", "halite")
    assert [mineral.name for mineral in library] == ["quartz", "halite"]
    assert len(library) == 2
    assert "pyrite" not in library
    assert 7 not in library


@pytest.mark.parametrize(
    "other",
    [
        Mineral("quartz", "SiO2", 2.65),
        Mineral("silica", "SiO2", 2.2),
        Mineral("chert", "SiO2", 2.6, aliases=("Quartz",)),
        Mineral("chert", "SiO2", 2.6, aliases=("SILICA",)),
    ],
)
def test_one_name_for_two_entries_is_refused(other: Mineral) -> None:
    with pytest.raises(MineralError, match="means two entries"):
        Library((QUARTZ, other))


def test_a_library_needs_entries() -> None:
    with pytest.raises(MineralError, match="without minerals"):
        Library(())


def test_library_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        load_library().minerals = ()  # type: ignore[misc]
