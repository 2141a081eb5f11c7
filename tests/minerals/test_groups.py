"""Groups: no chains, nothing merged that is not confused, polymorphs always together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.core.labels import Group
from lithoscope.core.mineral import Mineral
from lithoscope.minerals.groups import (
    clustered_order,
    complete_linkage_groups,
    confusable_pairs,
    joined_groups,
    label_set_from_groups,
    merged_groups,
    polymorph_mask,
)
from lithoscope.minerals.identifiability import PairErrors


def symmetric(size, values):
    matrix = np.full((size, size), 0.5)
    matrix[np.triu_indices(size, 1)] = values
    return np.triu(matrix) + np.triu(matrix, 1).T


def test_chains_are_no_groups():
    errors = symmetric(3, [0.4, 0.1, 0.45])
    groups = complete_linkage_groups(["a", "b", "c"], errors)
    assert [group.members for group in groups] == [("a",), ("b", "c")]


def test_exactly_a_quarter_is_not_confused():
    assert len(complete_linkage_groups(["a", "b"], symmetric(2, [0.25]))) == 2
    assert len(complete_linkage_groups(["a", "b"], symmetric(2, [0.2501]))) == 1
    assert complete_linkage_groups(["a"], symmetric(1, [])) == (Group(("a",)),)


@given(st.integers(2, 9), st.integers(0, 10_000))
def test_every_pair_in_a_group_is_confused(size, seed):
    values = np.random.default_rng(seed).uniform(0, 0.5, size * (size - 1) // 2)
    errors = symmetric(size, values)
    names = [f"m{number}" for number in range(size)]
    groups = complete_linkage_groups(names, errors)
    assert sorted(name for group in groups for name in group.members) == sorted(names)
    for group in groups:
        inside = [names.index(name) for name in group.members]
        assert (errors[np.ix_(inside, inside)] > 0.25).all()


def pair_table(errors):
    size = len(errors)
    names = tuple("abcdefgh"[:size])
    return PairErrors(names, np.array([100.0, 100_000.0]), np.stack([errors, errors]), 100)


def test_groups_merge_as_wholes():
    few = symmetric(4, [0.5, 0.3, 0.1, 0.3, 0.3, 0.1])
    pairs = pair_table(few)
    groups = (Group(("a", "b")), Group(("c",)), Group(("d",)))
    merged = merged_groups(groups, pairs, 100)
    assert [group.members for group in merged] == [("a", "b", "c"), ("d",)]
    rows = confusable_pairs(pairs, groups, 100, above=0.05)
    assert {row.minerals for row in rows} >= {("a", "c"), ("b", "d"), ("c", "d")}
    assert ("a", "b") not in {row.minerals for row in rows}
    assert [row.error for row in rows] == sorted((row.error for row in rows), reverse=True)
    assert all(np.isinf(row.counts_needed) for row in rows)


def test_polymorphs_have_one_ideal_composition():
    minerals = [
        Mineral("kyanite", "Al2SiO5", 3.61, traces={"Cr": (1e-5, 2e-3)}),
        Mineral("sillimanite", "Al2SiO5", 3.24),
        Mineral("topaz", "Al2SiO4F2", 3.5),
        Mineral("calcite", "CaCO3", 2.71, end_members={"CaCO3": (0.9, 1), "MgCO3": (0, 0.1)}),
        Mineral("aragonite", "CaCO3", 2.93),
    ]
    mask = polymorph_mask(minerals)
    assert [tuple(pair) for pair in np.argwhere(np.triu(mask))] == [(0, 1), (3, 4)]
    assert not mask.diagonal().any()


def test_label_sets_stand_in_the_order_asked_for():
    groups = (Group(("b", "c")), Group(("a",)))
    assert label_set_from_groups(groups).labels == ("b/c", "a")
    assert label_set_from_groups(groups, ["a", "c", "b"]).labels == ("a", "b/c")
    assert label_set_from_groups(groups).index_of("c") == 0


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_order_of_a_matrix_is_a_permutation(size):
    errors = symmetric(size, np.linspace(0, 0.5, size * (size - 1) // 2))
    assert sorted(clustered_order(errors)) == list(range(size))


def test_groups_are_joined_where_asked():
    groups = [Group(("a",)), Group(("b", "c")), Group(("d",))]
    joined = joined_groups(groups, [["c", "a", "of another library"], ["d"]])
    assert [group.members for group in joined] == [("a", "b", "c"), ("d",)]
    assert joined_groups(groups, []) == tuple(groups)
