"""How many spectra of each class go into training, validation and test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError

_NAMES = {2: ("training", "test"), 3: ("training", "validation", "test")}
_EXPECTED = "two shares (training, test) or three (training, validation, test), such as 70,15,15"
# Shares written as decimals need not sum to the last digit, as 33.3,33.3,33.3 does not.
_SUMS_WITHIN = Fraction(2, 1000)


@dataclass(frozen=True)
class Splits:
    """Shares of the spectra, in order.

    Parameters
    ----------
    shares
        Of training and test, or of training, validation and test; they sum to one.
    """

    shares: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        if len(self.shares) not in _NAMES:
            raise InvalidValueError(f"A split into {len(self.shares)} parts.", expected=_EXPECTED)
        if min(self.shares) <= 0 or sum(self.shares) != 1:
            shown = ", ".join(f"{float(share):g}" for share in self.shares)
            raise InvalidValueError(
                f"A split into shares of {shown}.", expected="positive shares that sum to one"
            )

    @classmethod
    def from_text(cls, text: str) -> Splits:
        """Read shares that sum to 100, or to 1, such as ``70,15,15``.

        Raises
        ------
        InvalidValueError
            If they are not two or three positive numbers of that sum.
        """
        parts = [part.strip() for part in text.split(",")]
        try:
            # By way of float: a fraction of 1e999999999 would fill the memory.
            shares = [Fraction(float(part)).limit_denominator(10**9) for part in parts]
        except (ValueError, OverflowError):
            raise InvalidValueError(f"A split of '{text}'.", expected=_EXPECTED) from None
        total = sum(shares, Fraction(0))
        whole = next((one for one in (100, 1) if abs(total - one) <= one * _SUMS_WITHIN), None)
        if len(shares) not in _NAMES or min(shares) <= 0 or whole is None:
            raise InvalidValueError(
                f"A split of '{text}', which sums to {float(total):g}.",
                expected=f"{_EXPECTED}, positive and with a sum of 100 or of 1",
            )
        return cls(tuple(share / total for share in shares))

    @property
    def names(self) -> tuple[str, ...]:
        """What the parts are called."""
        return _NAMES[len(self.shares)]

    def sizes(self, spectra: int) -> tuple[int, ...]:
        """Whole numbers that sum to `spectra`, each within one of its share.

        By largest remainders; of equal ones the first.
        """
        exact = [share * spectra for share in self.shares]
        sizes = [math.floor(value) for value in exact]
        by_remainder = sorted(range(len(exact)), key=lambda part: sizes[part] - exact[part])
        for part in by_remainder[: spectra - sum(sizes)]:
            sizes[part] += 1
        return tuple(sizes)

    def quotas(self, spectra: int, n_classes: int) -> NDArray[np.int64]:
        """Spectra of each class in each part, shape (part, class).

        In each part, and in all together, classes differ by one at most.

        Raises
        ------
        InvalidValueError
            If a part would lack a class; the message says how many spectra would do.
        """
        sizes = self.sizes(spectra)
        if min(sizes) < n_classes:
            part = self.names[int(np.argmin(sizes))]
            raise InvalidValueError(
                f"{spectra} spectra leave {min(sizes)} for {part}, which has {n_classes} classes.",
                expected=f"at least {self.least_spectra(n_classes)} spectra, one of each class in "
                "each part",
                remedy="raise -n, or give the smallest part of --split more",
            )
        # Classes are dealt in turn, and the next part goes on where the last one ended.
        ends = np.cumsum([0, *sizes])[:, None]
        return np.diff((ends + n_classes - 1 - np.arange(n_classes)) // n_classes, axis=0)

    def least_spectra(self, n_classes: int) -> int:
        """Smallest number of spectra with which every part holds every class."""
        smallest = min(self.shares)
        spectra = math.floor((n_classes - 1) / smallest)
        while min(self.sizes(spectra)) < n_classes:
            spectra += 1
        return spectra
