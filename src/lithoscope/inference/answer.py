"""As fine an answer as the counts allow: a mineral, a group, two or three, a series, or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.minerals.collective import SERIES

LEVELS = ("mineral", "group", "alternatives", "series", "unresolved", "too few counts", "void")
ANSWER_PROBABILITY = 0.8
_MOST_ALTERNATIVES = 3


@dataclass(frozen=True)
class Answer:
    """What can be said of a spectrum with enough probability.

    Parameters
    ----------
    label
        A class's label, classes joined by ``/``, a series' name, or ``unresolved``; ``None`` with
        too few counts or none.
    members
        The minerals that it stands for; none where it is unresolved.
    level
        One of `LEVELS`, from fine to coarse: a class of one mineral; a class of minerals that the
        instrument cannot part; two or three classes; a series or family of the library.
    probability
        Summed over the classes that it stands for; 0 where it is unresolved.
    """

    label: str | None
    members: tuple[str, ...]
    level: str
    probability: float

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise InvalidValueError(
                f"An answer at level '{self.level}'.", expected="one of " + ", ".join(LEVELS)
            )


TOO_FEW_COUNTS = Answer(None, (), "too few counts", 0.0)
VOID_ANSWER = Answer(None, (), "void", 0.0)
UNRESOLVED = Answer("unresolved", (), "unresolved", 0.0)


@dataclass(frozen=True)
class AnswerTree:
    """The classes of a model and the named sets of them.

    Parameters
    ----------
    labels
        The classes.
    series
        Name of each series or family with its classes, two or more, the smallest first. They
        overlap (albite is plagioclase and alkali feldspar), so it is a tree from each class up.
    """

    labels: LabelSet
    series: tuple[tuple[str, tuple[int, ...]], ...]

    def __post_init__(self) -> None:
        for name, classes in self.series:
            if len(classes) < 2 or not all(0 <= one < len(self.labels) for one in classes):
                raise InvalidValueError(
                    f"Series '{name}' of the classes {list(classes)}.",
                    expected=f"two or more of 0 to {len(self.labels) - 1}",
                )


def tree_of_labels(labels: LabelSet, minerals: Iterable[Mineral]) -> AnswerTree:
    """Find the series that mineralogists name, and the library's families, among classes.

    A class belongs to a series if all its members do.

    Parameters
    ----------
    labels
        Classes of a model.
    minerals
        The library; members that it lacks are in no family.
    """
    families: dict[str, set[str]] = {}
    for mineral in minerals:
        if mineral.mineral_class:
            families.setdefault(mineral.mineral_class, set()).add(mineral.name)
    named = [*((name, set(members)) for name, members in SERIES.items()), *families.items()]
    found: dict[tuple[int, ...], str] = {}
    for name, members in named:
        classes = tuple(
            place for place, group in enumerate(labels) if members.issuperset(group.members)
        )
        if len(classes) > 1:
            found.setdefault(classes, name)
    return AnswerTree(
        labels, tuple((found[classes], classes) for classes in sorted(found, key=len))
    )


def answer_from_probabilities(
    probabilities: NDArray[np.floating],
    tree: AnswerTree,
    *,
    allowed: Iterable[int] | None = None,
    least: float = ANSWER_PROBABILITY,
) -> Answer:
    """Return the finest answer whose summed probability reaches a share.

    In this order: the most probable class; the fewest classes among the two or three most
    probable, if one series holds them, and the series that hold the most probable class; the two
    or three most probable of any kind, since what X-ray fluorescence confuses need not be related
    (spodumene and pyrophyllite).

    Parameters
    ----------
    probabilities
        Of one spectrum, shape (class,).
    tree
        The classes and their series.
    allowed
        Classes that were not ruled out, all when left out; a series stands for those alone.
    least
        The share, at least a half, so that one answer alone at each level can reach it.

    Raises
    ------
    InvalidValueError
        If `least` is below 0.5 or above 1, or the probabilities are not one for each class.
    """
    if not 0.5 <= least <= 1:
        raise InvalidValueError(f"An answer's probability of {least:g}.", expected="0.5 to 1")
    if probabilities.shape != (len(tree.labels),):
        raise InvalidValueError(
            f"Probabilities of shape {probabilities.shape}.",
            expected=f"({len(tree.labels)},), one for each class",
        )
    order = np.argsort(-probabilities, kind="stable")
    best = int(order[0])
    # What cannot be reached for rounding alone is reached.
    enough = least - 1e-6
    if probabilities[best] >= enough:
        level = "mineral" if len(tree.labels.groups[best].members) == 1 else "group"
        return _answer(tree.labels, (best,), probabilities, level)
    kept = set(range(len(tree.labels)) if allowed is None else allowed)
    likely = [
        tuple(int(place) for place in order[:number])
        for number in range(2, min(_MOST_ALTERNATIVES, len(kept)) + 1)
        if probabilities[order[:number]].sum() >= enough
    ]
    series = [
        (name, tuple(place for place in classes if place in kept))
        for name, classes in tree.series
        if best in classes and probabilities[list(classes)].sum() >= enough
    ]
    related = [
        classes
        for classes in likely
        if any(set(classes) <= set(members) for _, members in tree.series)
    ]
    if series and not (related and len(related[0]) < len(series[0][1])):
        name, classes = series[0]
        return _answer(tree.labels, classes, probabilities, "series", name)
    if related or likely:
        return _answer(tree.labels, (related or likely)[0], probabilities, "alternatives")
    return UNRESOLVED


def _answer(
    labels: LabelSet,
    classes: tuple[int, ...],
    probabilities: NDArray[np.floating],
    level: str,
    name: str | None = None,
) -> Answer:
    groups = [labels.groups[place] for place in classes]
    return Answer(
        name or "/".join(group.label for group in groups),
        tuple(member for group in groups for member in group.members),
        level,
        min(float(probabilities[list(classes)].sum()), 1.0),
    )
