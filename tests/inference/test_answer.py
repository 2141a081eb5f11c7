"""The finest answer, worked by hand on a small tree and on the library's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.inference.answer import (
    Answer,
    AnswerTree,
    answer_from_key,
    answer_from_probabilities,
    keys_from_probabilities,
    tree_of_labels,
)
from lithoscope.minerals import load_library

GROUPS = [
    ("albite",),
    ("oligoclase",),
    ("andesine",),
    ("labradorite",),
    ("orthoclase", "microcline", "sanidine"),
    ("spodumene",),
    ("pyrophyllite",),
    ("quartz", "cristobalite"),
    ("ferberite",),
    ("hubnerite",),
]
LABELS = LabelSet(tuple(Group(members) for members in GROUPS))
TREE = tree_of_labels(LABELS, load_library())


def answer(least=0.8, **said):
    """Answer to probabilities by first member; the rest is spread over nothing."""
    places = {group[0]: place for place, group in enumerate(GROUPS)}
    probabilities = np.zeros(len(GROUPS))
    for name, value in said.items():
        probabilities[places[name]] = value
    return answer_from_probabilities(probabilities, TREE, least=least)


def test_a_mineral_and_a_group():
    said = answer(albite=0.85, oligoclase=0.15)
    assert (said.label, said.members, said.level) == ("albite", ("albite",), "mineral")
    said = answer(quartz=0.8, albite=0.2)
    assert (said.label, said.level) == ("quartz/cristobalite", "group")
    assert said.members == ("quartz", "cristobalite")


def test_two_of_a_series_are_named_and_more_are_the_series():
    said = answer(albite=0.45, oligoclase=0.4, quartz=0.15)
    assert (said.label, said.level) == ("albite/oligoclase", "alternatives")
    said = answer(albite=0.3, oligoclase=0.25, andesine=0.2, labradorite=0.2, quartz=0.05)
    assert (said.label, said.level) == ("plagioclase", "series")
    assert said.members == ("albite", "oligoclase", "andesine", "labradorite")
    assert said.probability == pytest.approx(0.95)


def test_the_smallest_series_that_is_probable_enough():
    # Plagioclase has 0.75, the three most probable have 0.75, feldspar all.
    said = answer(albite=0.25, oligoclase=0.25, andesine=0.2, labradorite=0.05, orthoclase=0.25)
    assert (said.label, said.level) == ("feldspar", "series")
    # Plagioclase has 0.6, three of feldspar have 0.9.
    said = answer(albite=0.3, oligoclase=0.2, andesine=0.1, orthoclase=0.4)
    assert said.label == "orthoclase/microcline/sanidine/albite/oligoclase"
    assert said.level == "alternatives"


def test_two_that_are_all_of_a_series_have_its_name():
    said = answer(ferberite=0.5, hubnerite=0.45, quartz=0.05)
    assert (said.label, said.level) == ("wolframite", "series")


def test_what_is_confused_need_not_be_related():
    said = answer(spodumene=0.5, pyrophyllite=0.42, quartz=0.08)
    assert (said.label, said.level) == ("spodumene/pyrophyllite", "alternatives")
    assert said.probability == pytest.approx(0.92)


def test_nothing_is_probable_enough():
    names = ("albite", "orthoclase", "spodumene", "quartz", "ferberite")
    said = answer(**dict.fromkeys(names, 0.2))
    assert (said.label, said.members, said.level) == ("unresolved", (), "unresolved")


def test_the_share_can_be_set():
    assert answer(0.5, albite=0.6, quartz=0.4).level == "mineral"
    assert answer(0.9, albite=0.85, oligoclase=0.15).level == "alternatives"


def test_classes_that_were_ruled_out_are_no_members():
    probabilities = np.array([0.4, 0.3, 0.2, 0.0, 0.1, 0, 0, 0, 0, 0])
    named = [
        answer_from_probabilities(probabilities, TREE, allowed=allowed, least=0.99)
        for allowed in (None, (0, 1, 2, 4, 7))
    ]
    assert [said.label for said in named] == ["feldspar", "feldspar"]
    assert "labradorite" in named[0].members
    assert "labradorite" not in named[1].members
    # With two classes left there is no third to join.
    pair = np.array([0.7, 0, 0, 0, 0, 0, 0, 0.3, 0, 0])
    said = answer_from_probabilities(pair, TREE, allowed=(0, 7), least=0.9)
    assert said.label == "albite/quartz/cristobalite"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 100_000), st.floats(0.5, 1.0))
def test_an_answer_is_as_probable_as_asked_and_never_finer_at_a_higher_share(seed, least):
    draws = np.random.default_rng(seed)
    probabilities = draws.dirichlet(np.full(len(GROUPS), 0.2))
    said = answer_from_probabilities(probabilities, TREE, least=least)
    best = GROUPS[int(probabilities.argmax())]
    if said.level == "unresolved":
        assert np.sort(probabilities)[-3:].sum() < least
    else:
        assert said.probability >= least - 2e-6
        assert set(best) <= set(said.members)
        held = [set(group) <= set(said.members) for group in GROUPS]
        assert said.probability == pytest.approx(probabilities[held].sum())


def by_enumeration(probabilities, allowed, least):
    """The rule spelled out for one spectrum, with plain lists and sets."""
    order = sorted(range(len(GROUPS)), key=lambda place: -probabilities[place])
    enough = least - 1e-6
    if probabilities[order[0]] >= enough:
        return {order[0]}
    candidates = [set(order[:number]) for number in (2, 3) if number <= len(allowed)]
    candidates = [one for one in candidates if sum(probabilities[list(one)]) >= enough]
    series = [
        set(classes) & set(allowed)
        for _, classes in TREE.series
        if order[0] in classes and sum(probabilities[list(classes)]) >= enough
    ]
    related = [one for one in candidates if any(one <= set(classes) for _, classes in TREE.series)]
    if series and not (related and len(related[0]) < len(series[0])):
        return series[0]
    return (related + candidates + [set()])[0]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 100_000),
    st.floats(0.5, 1.0),
    st.sets(st.integers(0, len(GROUPS) - 1), min_size=1),
)
def test_many_spectra_at_once_are_answered_by_the_same_rule(seed, least, allowed):
    draws = np.random.default_rng(seed)
    probabilities = np.zeros((20, len(GROUPS)))
    probabilities[:, sorted(allowed)] = draws.dirichlet(np.full(len(allowed), 0.3), size=20)
    keys = keys_from_probabilities(probabilities, TREE, allowed=allowed, least=least)
    for row, key in zip(probabilities, keys, strict=True):
        _, classes = answer_from_key(key, TREE, allowed=allowed)
        assert set(classes) == by_enumeration(row, allowed, least)


def test_the_library_s_tree():
    series = dict(TREE.series)
    assert series["plagioclase"] == (0, 1, 2, 3)
    assert series["feldspar"] == (0, 1, 2, 3, 4)
    assert "silica" not in series, "one class is no series"
    sizes = [len(classes) for _, classes in TREE.series]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("least", [0.49, 1.01, np.nan])
def test_impossible_shares(least):
    with pytest.raises(InvalidValueError, match="probability"):
        answer(least, albite=1.0)


def test_what_does_not_fit():
    with pytest.raises(InvalidValueError, match="shape"):
        answer_from_probabilities(np.ones(3) / 3, TREE)
    with pytest.raises(InvalidValueError, match="level"):
        Answer("quartz", ("quartz",), "species", 1.0)
    for classes in ((0,), (0, 99)):
        with pytest.raises(InvalidValueError, match="Series"):
            AnswerTree(LABELS, (("any", classes),))
