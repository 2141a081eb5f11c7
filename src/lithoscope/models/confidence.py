"""What a model stores so that its probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lithoscope.errors import CheckpointError


def check_levels(counts: tuple[float, ...], rows: int, what: str) -> None:
    """Refuse count levels that do not rise, or are not as many as what belongs to them."""
    if not counts or len(counts) != rows:
        raise CheckpointError(
            f"{len(counts)} count levels with {rows} {what}.", expected="one for each level"
        )
    if not (np.isfinite(counts).all() and counts[0] > 0) or list(counts) != sorted(set(counts)):
        raise CheckpointError(
            f"Count levels {counts} of the {what}.", expected="positive, increasing counts"
        )


@dataclass(frozen=True)
class Temperature:
    """By what logits are divided before the softmax, by total counts (Guo et al. 2017).

    Parameters
    ----------
    counts
        Total counts at which temperatures were fitted, increasing.
    values
        The temperature at each; in between they are interpolated over log counts, beyond the
        ends the nearest holds. Above 1 the network was too sure of itself.
    """

    counts: tuple[float, ...] = (1.0,)
    values: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        check_levels(self.counts, len(self.values), "temperatures")
        if not (np.isfinite(self.values).all() and min(self.values) > 0):
            raise CheckpointError(f"Temperatures {self.values}.", expected="positive numbers")


@dataclass(frozen=True)
class ConformalThresholds:
    """How probable a class must be to stand in a spectrum's set of a given coverage.

    Parameters
    ----------
    counts
        Total counts at which thresholds were fitted, increasing.
    coverages
        Shares of the sets that hold the truth, increasing, between 0 and 1.
    probabilities
        Threshold of each coverage (inner) at each level of counts (outer); none rises with the
        coverage.
    spectra
        Spectra at each level by which they were fitted.
    """

    counts: tuple[float, ...]
    coverages: tuple[float, ...]
    probabilities: tuple[tuple[float, ...], ...]
    spectra: int

    def __post_init__(self) -> None:
        check_levels(self.counts, len(self.probabilities), "rows of thresholds")
        rising = list(self.coverages) == sorted(set(self.coverages))
        if not self.coverages or not rising or not 0 < self.coverages[0] <= self.coverages[-1] < 1:
            raise CheckpointError(
                f"Coverages {self.coverages}.", expected="increasing shares between 0 and 1"
            )
        if {len(row) for row in self.probabilities} != {len(self.coverages)}:
            raise CheckpointError(
                "Conformal thresholds that do not match the coverages.",
                expected="a threshold for each coverage at every level",
            )
        rows = np.array(self.probabilities)
        if not ((rows >= 0) & (rows <= 1)).all() or (np.diff(rows, axis=1) > 0).any():
            raise CheckpointError(
                "Conformal thresholds that are no falling probabilities.",
                expected="0 to 1, none above that of a lower coverage",
            )
        if self.spectra < 1:
            raise CheckpointError(
                f"Conformal thresholds from {self.spectra} spectra.", expected="1 or more"
            )


UNCALIBRATED = Temperature()
