"""Distance from the nearest known spectra."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

import torch
from torch import Tensor

from lithoscope.inference.unknown.base import Detector, FloatArray, Seen, tensor, unfitted

NEIGHBOUR = 5
_MOST_KEPT = 8192
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Neighbours(Detector):
    """Distance from the fifth nearest known spectrum, features of length one (Sun et al. 2022).

    Parameters
    ----------
    bank
        Features of known spectra, each of length one, shape (known, feature).
    """

    name: ClassVar[str] = "nearest neighbours"
    bank: FloatArray = field(default_factory=unfitted)

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Keep known spectra, evenly taken if there are more than 8 192."""
        step = -(-len(known) // _MOST_KEPT)
        return type(self)(_of_length_one(known.features[::step]).numpy())

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        bank = tensor(self.bank)
        found = [
            (_of_length_one(chunk) @ bank.T).topk(min(NEIGHBOUR, len(bank)), dim=1).values[:, -1]
            for chunk in seen.features.split(_CHUNK)
        ]
        return torch.sqrt((2 - 2 * torch.cat(found)).clamp_min(0))


def _of_length_one(features: Tensor) -> Tensor:
    return features / torch.linalg.vector_norm(features, dim=1, keepdim=True).clamp_min(1e-12)
