"""Detectors that look at the network's outputs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from lithoscope.inference.unknown.base import Detector, Seen
from lithoscope.inference.unknown.energy import energy_score_from_logits


@dataclass(frozen=True, eq=False)
class MaximumSoftmax(Detector):
    """``-max_k softmax(z)_k`` (Hendrycks and Gimpel 2017, ICLR): how unsure the network is."""

    name: ClassVar[str] = "maximum softmax"

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Nothing is fitted."""
        return self

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        return -torch.softmax(seen.logits, dim=1).amax(dim=1)


@dataclass(frozen=True, eq=False)
class Energy(Detector):
    """``-log sum_k exp(z_k)`` (Liu et al. 2020, NeurIPS)."""

    name: ClassVar[str] = "energy"

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Nothing is fitted."""
        return self

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        return energy_score_from_logits(seen.logits)
