"""What all baselines share: they are fitted to labelled counts, and score counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class LabelledCounts:
    """Spectra that a baseline is fitted to.

    Parameters
    ----------
    counts
        Counts on the model's axis, 0 or more, shape (spectrum, bin).
    expected
        What they are Poisson about, shape (spectrum, bin); the counts themselves of measured
        spectra.
    classes
        Class of each, shape (spectrum,).
    n_classes
        Number of classes.
    """

    counts: FloatArray
    expected: FloatArray
    classes: NDArray[np.int64]
    n_classes: int

    def __post_init__(self) -> None:
        count = len(self.classes)
        if self.counts.ndim != 2 or self.counts.shape != self.expected.shape:
            raise InvalidValueError(
                f"Counts of shape {self.counts.shape}, expected ones {self.expected.shape}.",
                expected="the same, (spectrum, bin)",
            )
        if count != len(self.counts) or not count:
            raise InvalidValueError(
                f"{len(self.counts)} spectra with {count} classes.", expected="one class each"
            )
        if not (np.isfinite(self.counts).all() and (self.counts >= 0).all()):
            raise InvalidValueError("Counts that are negative or no numbers.", expected="0 or more")
        missing = sorted(set(range(self.n_classes)) - set(self.classes.tolist()))
        if missing or self.classes.min() < 0 or self.classes.max() >= self.n_classes:
            raise InvalidValueError(
                f"Classes {self.classes.min()} to {self.classes.max()}, without {missing[:5]}.",
                expected=f"some spectra of each class from 0 to {self.n_classes - 1}",
            )


class Fitted(Protocol):
    """A baseline that has been fitted."""

    def scores(self, counts: FloatArray) -> FloatArray:
        """Score classes, the higher the likelier.

        Parameters
        ----------
        counts
            Shape (spectrum, bin).

        Returns
        -------
        ndarray, shape (spectrum, class)
        """


class Baseline(Protocol):
    """A way to name minerals, with its settings."""

    def fit(self, spectra: LabelledCounts) -> Fitted:
        """Learn from labelled spectra."""
