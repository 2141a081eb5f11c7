"""Numbers in text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def counts_from_words(words: Sequence[str]) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return counts: measured ones (int64) where all words are whole numbers, else float64.

    Raises
    ------
    ValueError
        If a word is no number.
    """
    try:
        return np.array([int(word) for word in words], dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array([float(word) for word in words], dtype=np.float64)


def finite_number(word: str | None) -> float | None:
    """Return a number, ``None`` where it is missing, none, or not finite."""
    try:
        number = float(word or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
