"""What a model stores to tell the unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.models.confidence import check_levels


@dataclass(frozen=True, eq=False)
class StoredDetector:
    """A fitted detector of the unknown: its arrays, and how known spectra score.

    Parameters
    ----------
    arrays
        What `inference.unknown` needs to score, by name.
    counts
        Total counts at which known spectra were scored, increasing.
    false_alarms
        Shares of known spectra, falling from below 1 to above 0.
    scores
        The score that this share of known spectra exceeds, for each share (inner, rising) at each
        level of counts (outer).
    spectra
        Known spectra at each level.
    """

    arrays: Mapping[str, NDArray[np.floating]]
    counts: tuple[float, ...]
    false_alarms: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]
    spectra: int

    def __post_init__(self) -> None:
        check_levels(self.counts, len(self.scores), "rows of scores")
        shares = self.false_alarms
        falling = list(shares) == sorted(set(shares), reverse=True)
        if len(shares) < 2 or not falling or not 0 < shares[-1] < shares[0] < 1:
            raise CheckpointError(
                f"Shares of false alarms {shares}.", expected="two or more, falling, from 0 to 1"
            )
        if {len(row) for row in self.scores} != {len(shares)}:
            raise CheckpointError(
                "Scores of known spectra that do not match the shares.",
                expected="a score for each share at every level",
            )
        rows = np.array(self.scores)
        if not np.isfinite(rows).all() or (np.diff(rows, axis=1) < 0).any():
            raise CheckpointError(
                "Scores of known spectra that do not rise.",
                expected="finite scores, none below that of a larger share",
            )
        if self.spectra < 1:
            raise CheckpointError(
                f"A detector scored on {self.spectra} spectra.", expected="1 or more"
            )
        for name, values in self.arrays.items():
            if not np.isfinite(values).all():
                raise CheckpointError(
                    f"The detector's '{name}' is not finite.",
                    expected="numbers",
                    remedy="fit it anew: python -m benchmarks.recalibrate MODEL -o DIR",
                )

    def check_false_alarms(self, share: float) -> None:
        """Refuse a share that cannot be looked up.

        Raises
        ------
        InvalidValueError
            If it lies outside the stored ones.
        """
        most, least = self.false_alarms[0], self.false_alarms[-1]
        if not least <= share <= most:
            raise InvalidValueError(
                f"A share of false alarms of {share:g}.", expected=f"{least:g} to {most:g}"
            )


def in_stored_precision(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return an array as it is stored: weights in half precision, what is short in single."""
    # Axes and scales need more digits than weights; they are short.
    small = values.ndim < 2 or np.abs(values).max(initial=0.0) > np.finfo(np.float16).max
    return np.ascontiguousarray(values, dtype=np.float32 if small else np.float16)
