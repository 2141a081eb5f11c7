"""Groups: minerals that an instrument cannot tell apart, however long it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform

from lithoscope.core.labels import Group, LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.minerals.identifiability import PairErrors

FloatArray = NDArray[np.float64]

CONFUSED_ERROR = 0.25
GROUP_COUNTS = 100_000
# Mass fractions of polymorphs agree to rounding; those of any two other minerals do not.
_SAME_COMPOSITION = 1e-6


@dataclass(frozen=True)
class ConfusablePair:
    """Two minerals that are often taken for each other.

    Parameters
    ----------
    minerals
        Their names.
    error
        Error of the best classifier at the counts asked for.
    uncertainty
        Its Monte Carlo standard deviation.
    counts_needed
        Counts for an error of 5 %; infinity where no counts that were tried do.
    """

    minerals: tuple[str, str]
    error: float
    uncertainty: float
    counts_needed: float


def complete_linkage_groups(
    names: Sequence[str], errors: FloatArray, *, above: float = CONFUSED_ERROR
) -> tuple[Group, ...]:
    """Cluster minerals so that every pair inside a group is confused.

    Complete linkage: a mineral joins a group only if it is confused with every member. Confusion
    is not transitive, and chains (a like b, b like c) do not make a group.

    Parameters
    ----------
    names
        The minerals.
    errors
        Pairwise errors, shape (mineral, mineral), symmetric.
    above
        Error above which two minerals are confused.

    Returns
    -------
    tuple of Group
        In the order of their first members; members in the order of `names`.
    """
    if len(names) == 1:
        return (Group(tuple(names)),)
    distances = 0.5 - errors
    tree = linkage(squareform(distances, checks=False), method="complete")
    # fcluster keeps what is exactly at the threshold, which is not confused.
    numbers = fcluster(tree, np.nextafter(0.5 - above, -1), criterion="distance")
    members: dict[int, list[str]] = {}
    for name, number in zip(names, numbers, strict=True):
        members.setdefault(int(number), []).append(name)
    return tuple(Group(tuple(group)) for group in members.values())


def merged_groups(
    groups: Sequence[Group], pairs: PairErrors, counts: float, *, above: float = CONFUSED_ERROR
) -> tuple[Group, ...]:
    """Merge groups further, to what can be told apart at fewer counts.

    Complete linkage again, of whole groups: every pair inside is confused at these counts.
    """
    errors = pairs.at(counts)
    indices = [[pairs.index(name) for name in group.members] for group in groups]
    between = np.full((len(groups), len(groups)), 0.5)
    for row, first in enumerate(indices):
        for column, second in enumerate(indices[:row]):
            lowest = errors[np.ix_(first, second)].min()
            between[row, column] = between[column, row] = lowest
    by_label = {group.label: group for group in groups}
    merged = complete_linkage_groups(list(by_label), between, above=above)
    return tuple(
        Group(tuple(name for label in cluster.members for name in by_label[label].members))
        for cluster in merged
    )


def confusable_pairs(
    pairs: PairErrors, groups: Sequence[Group], counts: float, *, above: float
) -> list[ConfusablePair]:
    """List the pairs in different groups that are confused at some counts, worst first."""
    errors, needed = pairs.at(counts), pairs.counts_needed()
    group_of = {name: number for number, group in enumerate(groups) for name in group.members}
    found = []
    for row, column in np.argwhere(np.triu(errors, 1) > above):
        first, second = pairs.names[row], pairs.names[column]
        if group_of[first] != group_of[second]:
            error = float(errors[row, column])
            found.append(
                ConfusablePair(
                    (first, second), error, pairs.uncertainty(error), float(needed[row, column])
                )
            )
    return sorted(found, key=lambda pair: (-pair.error, -pair.counts_needed, pair.minerals))


def polymorph_mask(minerals: Sequence[Mineral]) -> NDArray[np.bool_]:
    """Pairs of one ideal composition, shape (mineral, mineral), False on the diagonal.

    X-ray fluorescence sees atoms, not how they are stacked. Libraries give polymorphs different
    traces, since those of different deposits were analysed; no classifier should rest on that.
    """
    symbols = sorted({symbol for mineral in minerals for symbol in mineral.composition.elements})
    table = np.array(
        [[dict(mineral.composition).get(symbol, 0.0) for symbol in symbols] for mineral in minerals]
    )
    apart = np.abs(table[:, None] - table[None]).max(axis=2)
    return (apart < _SAME_COMPOSITION) & ~np.eye(len(minerals), dtype=bool)


def joined_groups(groups: Sequence[Group], together: Sequence[Sequence[str]]) -> tuple[Group, ...]:
    """Join the groups that hold minerals which shall stand in one.

    Parameters
    ----------
    groups
        The groups.
    together
        Names of minerals that shall stand in one group; those that no group holds are passed over.
    """
    joined = list(groups)
    for names in together:
        met = [group for group in joined if set(names) & set(group.members)]
        if len(met) > 1:
            one = Group(tuple(name for group in met for name in group.members))
            joined[joined.index(met[0])] = one
            joined = [group for group in joined if group not in met]
    return tuple(joined)


def label_set_from_groups(groups: Sequence[Group], order: Sequence[str] | None = None) -> LabelSet:
    """Make the classes of a model from groups.

    Parameters
    ----------
    groups
        The groups.
    order
        Minerals in the order in which classes shall stand (a class stands where its first member
        does); the groups' own when left out.
    """
    if order is None:
        return LabelSet(tuple(groups))
    place = {name: number for number, name in enumerate(order)}
    return LabelSet(
        tuple(sorted(groups, key=lambda group: min(place[name] for name in group.members)))
    )


def clustered_order(errors: FloatArray) -> list[int]:
    """Order in which confused minerals stand side by side, for a matrix plot."""
    if len(errors) < 3:
        return list(range(len(errors)))
    distances = squareform(0.5 - errors, checks=False)
    tree = linkage(distances, method="average", optimal_ordering=True)
    return [int(index) for index in leaves_list(tree)]
