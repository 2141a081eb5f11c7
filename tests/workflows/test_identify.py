"""What is known about X-ray fluorescence and minerals, found again by computation."""

import dataclasses
import itertools

import numpy as np
import pytest

from lithoscope.core.instrument import Atmosphere
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InstrumentError, InvalidValueError
from lithoscope.io import load_instrument
from lithoscope.synthesis.instrument_changes import instrument_changes
from lithoscope.workflows.describe_confusion import describe_identifiability
from lithoscope.workflows.identify import identify_minerals

TORNADO = load_instrument("m4-tornado")
AIR = dataclasses.replace(TORNADO, name="in-air", atmosphere=Atmosphere("air", 1013.0))
IRON = {"Al2SiO5": (0.97, 1.0), "Fe2SiO5": (0.0, 0.03)}
MINERALS = {
    name: Mineral(name, formula, 3.0, mineral_class=series, **more)
    for name, formula, series, more in [
        ("kyanite", "Al2SiO5", "aluminosilicate", {"end_members": IRON}),
        (
            "andalusite",
            "Al2SiO5",
            "aluminosilicate",
            {"end_members": IRON, "traces": {"Cr": (5e-6, 5e-4)}},
        ),
        ("sillimanite", "Al2SiO5", "aluminosilicate", {"end_members": IRON}),
        ("quartz", "SiO2", "silica", {"traces": {"Ti": (1e-6, 2e-4)}}),
        ("cristobalite", "SiO2", "silica", {}),
        ("calcite", "CaCO3", "carbonate", {}),
        ("aragonite", "CaCO3", "carbonate", {"traces": {"Sr": (1e-4, 2e-2)}}),
        ("fluorite", "CaF2", "halide", {}),
        ("spodumene", "LiAlSi2O6", "pyroxene", {}),
        ("pyrophyllite", "Al2Si4O10(OH)2", "sheet silicate", {}),
        ("orthoclase", "KAlSi3O8", "feldspar", {}),
        ("albite", "NaAlSi3O8", "feldspar", {}),
        ("forsterite", "Mg2SiO4", "olivine", {}),
        ("nickel", "Ni", "metal", {}),
        ("bunsenite", "NiO", "oxide", {}),
        ("tin", "Sn", "metal", {}),
        ("cassiterite", "SnO2", "oxide", {}),
    ]
}


def identify(names, instrument, **more):
    return identify_minerals([MINERALS[name] for name in names], instrument, **more)


@pytest.fixture(scope="module")
def found():
    return identify(MINERALS, TORNADO, counts=3000, advice=False)


def error(found, first, second, counts):
    return found.pairs.at(counts)[found.pairs.index(first), found.pairs.index(second)]


def test_polymorphs_are_one_group(found):
    labels = {group.label for group in found.groups}
    assert {"kyanite/andalusite/sillimanite", "quartz/cristobalite", "calcite/aragonite"} <= labels


def test_polymorphs_of_equal_ranges_are_confused_by_the_classifier_itself():
    """Without the rule that polymorphs are one, the computation says the same."""
    names = {"kyanite": "Al2SiO5", "sillimanite-like": "Al2SiO5.000001"}
    minerals = [Mineral(name, formula, 3.0, end_members=IRON) for name, formula in names.items()]
    again = identify_minerals(minerals, TORNADO, advice=False)
    assert again.pairs.at(100_000)[0, 1] > 0.4


def test_spodumene_and_pyrophyllite_are_a_coin_flip_at_a_pixels_counts(found):
    assert error(found, "spodumene", "pyrophyllite", 1000) == pytest.approx(0.45, abs=0.05)


def test_metals_and_their_oxides_hardly_separate_at_300_counts(found):
    assert error(found, "nickel", "bunsenite", 300) > 0.35
    assert error(found, "tin", "cassiterite", 300) > 0.35


def test_quartz_and_orthoclase_separate_at_100_counts(found):
    assert error(found, "quartz", "orthoclase", 100) < 0.02


def test_in_air_sodium_magnesium_and_aluminium_lose_their_say(found):
    light = ("quartz", "albite", "forsterite")
    in_air = identify(light, AIR, advice=False).pairs.counts_needed()
    places = [found.pairs.index(name) for name in light]
    pumped = found.pairs.counts_needed()[np.ix_(places, places)]
    for pair in itertools.combinations(range(3), 2):
        assert in_air[pair] > 8 * pumped[pair]


def test_fluorite_and_calcite_separate_with_a_light_element_window_and_hardly_without(found):
    plus = identify(("fluorite", "calcite"), "m4-tornado-plus", advice=False)
    assert error(found, "fluorite", "calcite", 3000) > 0.18
    assert error(plus, "fluorite", "calcite", 3000) < 0.1
    assert plus.pairs.counts_needed()[0, 1] < found.pairs.counts_needed()[7, 5] / 4


def test_what_would_help_is_found_and_written_out(monkeypatch):
    tried = {
        name: machine
        for name, machine in instrument_changes(TORNADO).items()
        if name in ("light-element window", "30 kV")
    }
    monkeypatch.setattr("lithoscope.workflows.identify.instrument_changes", lambda _: tried)
    advised = identify(("fluorite", "calcite", "orthoclase"), TORNADO, counts=3000)
    helps = dict(advised.helps["fluorite", "calcite"])
    assert helps["light-element window"] < error(advised, "fluorite", "calcite", 3000) / 1.5
    document = describe_identifiability(advised)
    row = document["confusable_pairs"][0]
    assert row["minerals"] == ["fluorite", "calcite"]
    assert row["helps"][0]["change"] == "light-element window"
    assert {item["group"] for item in document["minerals"]} == {"fluorite", "calcite", "orthoclase"}


def test_every_mineral_stands_once_in_the_tree(found):
    members = [
        name for groups in found.tree().values() for group in groups for name in group.members
    ]
    assert sorted(members) == sorted(MINERALS)
    assert found.tree()["silica"][0].label == "quartz/cristobalite"
    coarse = [set(group.members) for group in found.groups_at_counts]
    assert all(any(set(group.members) <= wide for wide in coarse) for group in found.groups)


def test_bad_questions_are_refused():
    minerals = list(MINERALS.values())
    with pytest.raises(InvalidValueError, match="two or more"):
        identify_minerals(minerals[:1], TORNADO)
    with pytest.raises(InvalidValueError, match="5 counts"):
        identify_minerals(minerals[:2], TORNADO, counts=5)
    with pytest.raises(InstrumentError, match="m5"):
        identify_minerals(minerals[:2], "m5")
