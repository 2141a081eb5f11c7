"""Whether one way is better than another, by the same seeds of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from lithoscope.errors import InvalidValueError


@dataclass(frozen=True)
class PairedTest:
    """A difference of pairs and how surely it is not 0.

    Parameters
    ----------
    pairs
        How many.
    mean, deviation
        Mean difference, and the standard deviation of differences.
    p
        Two-sided probability of a mean as far from 0 if there were no difference; 1 where all
        pairs are equal.
    """

    pairs: int
    mean: float
    deviation: float
    p: float

    def __post_init__(self) -> None:
        if self.pairs < 2 or not (0 <= self.p <= 1 and self.deviation >= 0):
            raise InvalidValueError(
                f"A paired test {self.pairs=}, {self.deviation=}, {self.p=}.",
                expected="two pairs or more, a deviation of 0 or more, a probability",
            )


def paired_t_test(first: Sequence[float], second: Sequence[float]) -> PairedTest:
    """Student's paired t-test of ``first - second``.

    ``t = mean(d) sqrt(n) / s(d)`` with n - 1 degrees of freedom (Student 1908, Biometrika 6, 1).

    Parameters
    ----------
    first, second
        Values of the same seeds in the same order, shape (seed,).

    Raises
    ------
    InvalidValueError
        If there are fewer than two pairs, or not as many of both.
    """
    if len(first) != len(second) or len(first) < 2:
        raise InvalidValueError(
            f"{len(first)} and {len(second)} values.", expected="two pairs or more"
        )
    differences = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    count, mean = differences.size, float(differences.mean())
    deviation = float(differences.std(ddof=1))
    if deviation == 0:
        p = 1.0 if mean == 0 else 0.0
    else:
        p = 2 * float(stdtr(count - 1, -abs(mean) * np.sqrt(count) / deviation))
    return PairedTest(count, mean, deviation, p)
