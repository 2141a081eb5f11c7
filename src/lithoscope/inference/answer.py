"""As fine an answer as the counts allow: a mineral, a group, two or three, a series, or none."""

from __future__ import annotations

import dataclasses
import functools
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
_MINERAL, _GROUP, _ALTERNATIVES, _SERIES, _UNRESOLVED = range(5)
TOO_FEW_LEVEL, VOID_LEVEL = 5, 6
_MOST_ALTERNATIVES = 3
# Numbers of a key: the level, then three classes or a series.
KEY_LENGTH = 1 + _MOST_ALTERNATIVES


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

    @functools.cached_property
    def holds(self) -> NDArray[np.bool_]:
        """Whether a class belongs to a series, shape (class, series)."""
        table = np.zeros((len(self.labels), len(self.series)), dtype=np.bool_)
        for number, (_, classes) in enumerate(self.series):
            table[list(classes), number] = True
        return table


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


def keys_from_probabilities(
    probabilities: NDArray[np.floating],
    tree: AnswerTree,
    *,
    allowed: Iterable[int] | None = None,
    least: float = ANSWER_PROBABILITY,
) -> NDArray[np.int16]:
    """Return the finest answers whose summed probability reaches a share, as numbers.

    In this order: the most probable class; the fewest classes among the two or three most
    probable, if one series holds them, and the series that hold the most probable class; the two
    or three most probable of any kind, since what X-ray fluorescence confuses need not be related
    (spodumene and pyrophyllite).

    Parameters
    ----------
    probabilities
        Shape (spectrum, class), 0 for classes that were ruled out.
    tree
        The classes and their series.
    allowed
        Classes that were not ruled out, all when left out; a series stands for those alone.
    least
        The share, at least a half, so that one answer alone at each level can reach it.

    Returns
    -------
    ndarray, shape (spectrum, 4), int16
        Place of the level in `LEVELS`, then up to three classes, the most probable first, or the
        number of the series; -1 where there is none. `answer_from_key` gives them their names.

    Raises
    ------
    InvalidValueError
        If `least` is below 0.5 or above 1, or the probabilities are not one for each class.
    """
    check_answer_probability(least)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(tree.labels):
        raise InvalidValueError(
            f"Probabilities of shape {probabilities.shape}.",
            expected=f"(spectrum, {len(tree.labels)}), one for each class",
        )
    # What cannot be reached for rounding alone is reached.
    enough = least - 1e-6
    kept = np.zeros(len(tree.labels), dtype=np.bool_)
    kept[slice(None) if allowed is None else list(allowed)] = True
    ranked = _most_probable(probabilities)
    keys = np.full((len(probabilities), KEY_LENGTH), -1, dtype=np.int16)
    sums = np.take_along_axis(probabilities, ranked, axis=1).cumsum(axis=1, dtype=np.float64)
    alone = sums[:, 0] >= enough
    keys[alone, 0] = levels_of_classes(tree.labels)[ranked[alone, 0]]
    keys[alone, 1] = ranked[alone, 0]
    open_yet = np.flatnonzero(~alone)
    keys[open_yet] = _coarser_keys(
        probabilities[open_yet], ranked[open_yet], sums[open_yet], tree, kept, enough
    )
    return keys


def _most_probable(probabilities: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the three most probable classes of each spectrum, the first among equals."""
    # Three passes take a fraction of the time of sorting hundreds of classes.
    left = probabilities.copy()
    rows = np.arange(len(left))
    ranked = np.empty((len(left), min(_MOST_ALTERNATIVES, left.shape[1])), dtype=np.intp)
    for place in range(ranked.shape[1]):
        ranked[:, place] = left.argmax(axis=1)
        left[rows, ranked[:, place]] = -1.0
    return ranked


def check_answer_probability(least: float) -> None:
    """Refuse a share that answers cannot be asked to reach.

    Raises
    ------
    InvalidValueError
        If it is below 0.5 or above 1.
    """
    if not 0.5 <= least <= 1:
        raise InvalidValueError(f"An answer's probability of {least:g}.", expected="0.5 to 1")


def levels_of_classes(labels: LabelSet) -> NDArray[np.int16]:
    """Return the level of an answer of one class: that of a mineral or a group, shape (class,)."""
    single = np.array([len(group.members) == 1 for group in labels])
    return np.where(single, _MINERAL, _GROUP).astype(np.int16)


def _coarser_keys(
    probabilities: NDArray[np.floating],
    ranked: NDArray[np.intp],
    sums: NDArray[np.float64],
    tree: AnswerTree,
    kept: NDArray[np.bool_],
    enough: float,
) -> NDArray[np.int16]:
    """Keys of spectra whose most probable class is not probable enough.

    `ranked` holds the three most probable classes, `sums` what they have together so far.
    """
    keys = np.full((len(probabilities), KEY_LENGTH), -1, dtype=np.int16)
    number_kept = int(kept.sum())
    # How many classes are named, 0 for none: of any kind, and of one series.
    likely, related = np.zeros((2, len(keys)), dtype=np.intp)
    for number in range(min(_MOST_ALTERNATIVES, number_kept, ranked.shape[1]), 1, -1):
        reached = sums[:, number - 1] >= enough
        likely[reached] = number
        together = np.any(np.all(tree.holds[ranked[:, :number]], axis=1), axis=1)
        related[reached & together] = number
    reached = (probabilities @ tree.holds >= enough) & tree.holds[ranked[:, 0]]
    # The first is the smallest.
    has_series = reached.any(axis=1)
    series = reached.argmax(axis=1) if tree.series else np.zeros(len(keys), dtype=np.intp)
    sizes = np.append(tree.holds[kept].sum(axis=0), 0)[series]
    by_series = has_series & ~((related > 0) & (related < sizes))
    named = np.where(by_series, 0, np.where(related > 0, related, likely))
    keys[:, 0] = np.where(by_series, _SERIES, np.where(named > 0, _ALTERNATIVES, _UNRESOLVED))
    for place in range(ranked.shape[1]):
        keys[:, 1 + place] = np.where(named > place, ranked[:, place], -1)
    keys[by_series, 1] = series[by_series]
    return keys


def answer_from_key(
    key: Iterable[int], tree: AnswerTree, *, allowed: Iterable[int] | None = None
) -> tuple[Answer, tuple[int, ...]]:
    """Return the answer that a key of `keys_from_probabilities` stands for, and its classes.

    Its probability is left 0.

    Parameters
    ----------
    key
        One key, shape (4,).
    tree, allowed
        By which it was made.
    """
    level, *numbers = (int(number) for number in key)
    if level in (TOO_FEW_LEVEL, VOID_LEVEL):
        return (TOO_FEW_COUNTS if level == TOO_FEW_LEVEL else VOID_ANSWER), ()
    if level == _UNRESOLVED:
        return UNRESOLVED, ()
    if level == _SERIES:
        name, classes = tree.series[numbers[0]]
        kept = set(classes if allowed is None else allowed)
        classes = tuple(place for place in classes if place in kept)
    else:
        classes = tuple(number for number in numbers if number >= 0)
        name = "/".join(tree.labels.labels[place] for place in classes)
    members = (member for place in classes for member in tree.labels.groups[place].members)
    return Answer(name, tuple(members), LEVELS[level], 0.0), classes


def answer_from_probabilities(
    probabilities: NDArray[np.floating],
    tree: AnswerTree,
    *,
    allowed: Iterable[int] | None = None,
    least: float = ANSWER_PROBABILITY,
) -> Answer:
    """Return the finest answer of one spectrum; see `keys_from_probabilities`.

    Parameters
    ----------
    probabilities
        Shape (class,).
    tree, allowed, least
        As of `keys_from_probabilities`.
    """
    kept = None if allowed is None else tuple(allowed)
    keys = keys_from_probabilities(probabilities[None, :], tree, allowed=kept, least=least)
    answer, classes = answer_from_key(keys[0], tree, allowed=kept)
    share = min(float(probabilities[list(classes)].sum()), 1.0)
    return dataclasses.replace(answer, probability=share)
