"""Answers of a map's pixels: layers, and how much of the map each level and each answer has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.inference.answer import (
    KEY_LENGTH,
    LEVELS,
    TOO_FEW_LEVEL,
    VOID_LEVEL,
    Answer,
    AnswerTree,
    answer_from_key,
)
from lithoscope.segmentation.quantify import UNKNOWN_ROW

NO_ANSWER = -1
ANSWER_COLUMNS = ("answer", "level", "members", "pixels", "area_percent")
LEVEL_COLUMNS = ("level", "pixels", "area_percent")
GRAIN_ANSWER_COLUMNS = (
    *("mineral", "y", "x", "pixels", "pixels_summed", "counts"),
    *("answer", "level", "members", "probability", "unknown"),
    *("answer_of_pixels", "level_of_pixels", "percent_of_pixels"),
)


@dataclass(frozen=True, eq=False)
class MapAnswers:
    """The finest answer of each pixel.

    Parameters
    ----------
    answers
        The answers of the map, that of the most pixels first.
    numbers
        Place of each pixel's answer among them, `NO_ANSWER` without sample or with too few counts,
        shape (y, x), int32.
    levels
        Place of its level in `LEVELS`, shape (y, x), int8.
    unknown
        Pixels that are unknown, shape (y, x): they have an answer, as they have a mineral, and in
        the tables count only as unknown.
    """

    answers: tuple[Answer, ...]
    numbers: NDArray[np.int32]
    levels: NDArray[np.int8]
    unknown: NDArray[np.bool_]

    def level_rows(self) -> list[dict[str, Any]]:
        """Return pixels and area percent of each level and of unknown.

        Percents are of the pixels that have an answer or are unknown, as in ``minerals.csv``.
        """
        tally = np.bincount(self.levels[~self.unknown], minlength=len(LEVELS)).tolist()
        named, without = tally[:TOO_FEW_LEVEL], tally[TOO_FEW_LEVEL:]
        rows = [*zip(LEVELS, named, strict=False), (UNKNOWN_ROW, int(self.unknown.sum()))]
        return [
            *({"level": name, **self._pixels(number)} for name, number in rows),
            *(
                {"level": name, "pixels": number, "area_percent": None}
                for name, number in zip(LEVELS[TOO_FEW_LEVEL:], without, strict=True)
            ),
        ]

    def answer_rows(self) -> list[dict[str, Any]]:
        """Return pixels and area percent of each answer, the most frequent first."""
        known = self.numbers[(self.numbers != NO_ANSWER) & ~self.unknown]
        tally = np.bincount(known, minlength=len(self.answers))
        return [
            {
                "answer": self.answers[place].label,
                "level": self.answers[place].level,
                "members": ";".join(self.answers[place].members),
                **self._pixels(int(tally[place])),
            }
            for place in np.argsort(-tally, kind="stable").tolist()
            if tally[place]
        ]

    def _pixels(self, number: int) -> dict[str, Any]:
        seen = max(int((self.numbers != NO_ANSWER).sum()), 1)
        return {"pixels": number, "area_percent": round(100 * number / seen, 4)}


def answers_of_map(
    keys: NDArray[np.int16],
    *,
    classes: NDArray[np.integer],
    unknown: NDArray[np.bool_],
    counts: NDArray[np.floating],
    tree: AnswerTree,
    allowed: Sequence[int],
) -> MapAnswers:
    """Gather the answers of pixels, those that name the same classes in another order together.

    Parameters
    ----------
    keys
        From `keys_of_pixels`, shape (y, x, 4).
    classes
        Class of each pixel, `VOID` without sample or with too few counts, shape (y, x).
    unknown, counts
        Shape (y, x).
    tree, allowed
        By which the keys were made.
    """
    void = classes == VOID
    levels = keys[..., 0].astype(np.int8)
    levels[void] = np.where(counts[void] > 0, TOO_FEW_LEVEL, VOID_LEVEL)
    named = np.ascontiguousarray(keys[~void])
    named[:, 1:] = -np.sort(-named[:, 1:], axis=1)
    # The four numbers of a key as one: rows are sorted many times as slowly.
    whole, places, tally = np.unique(
        named.view(np.int64).ravel(), return_inverse=True, return_counts=True
    )
    found = whole.view(np.int16).reshape(-1, KEY_LENGTH)
    order = np.argsort(-tally, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    numbers = np.full(classes.shape, NO_ANSWER, dtype=np.int32)
    numbers[~void] = rank[places]
    answers = tuple(
        answer_from_key(_classes_rising(found[place]), tree, allowed=allowed)[0] for place in order
    )
    return MapAnswers(answers, numbers, levels, unknown & ~void)


def _classes_rising(key: NDArray[np.int16]) -> list[int]:
    level, *numbers = key.tolist()
    return [level, *sorted(number for number in numbers if number >= 0)]
