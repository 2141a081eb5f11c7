"""Distance of features from those of the nearest class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from lithoscope.inference.unknown.base import Detector, FloatArray, Seen, linear, tensor, unfitted

# Added to variances: this share of their mean.
_SHRINKAGE = 1e-2


@dataclass(frozen=True, eq=False)
class Mahalanobis(Detector):
    """``min_k (f - mu_k)^T S^-1 (f - mu_k)``, S the covariance within classes (Lee et al. 2018).

    Parameters
    ----------
    whitening
        W with ``W W^T = S^-1``, shape (feature, feature).
    centres
        ``mu_k W``, shape (class, feature).
    """

    name: ClassVar[str] = "Mahalanobis"
    whitening: FloatArray = field(default_factory=unfitted)
    centres: FloatArray = field(default_factory=unfitted)

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Take means of classes, and what features scatter about them."""
        features = known.features.double()
        n_classes = known.logits.shape[1]
        number = torch.bincount(classes, minlength=n_classes).clamp_min(1)
        sums = torch.zeros(n_classes, features.shape[1], dtype=torch.float64)
        means = sums.index_add(0, classes, features) / number[:, None]
        whitening = whitening_of(features - means[classes])
        return type(self)(*_stored(whitening, means @ whitening))

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        own, centres = whitened(seen.features, self.whitening), tensor(self.centres)
        # Which class is nearest may be computed roughly, how far it is may not.
        nearest = linear(own, self.centres, -(self.centres**2).sum(axis=1) / 2).argmax(dim=1)
        return ((own - centres[nearest]) ** 2).sum(dim=1)


@dataclass(frozen=True, eq=False)
class RelativeMahalanobis(Detector):
    """The same less the distance from all classes as one (Ren et al. 2021, arXiv 2106.09022).

    Parameters
    ----------
    whitening, centres
        As of `Mahalanobis`.
    whole_whitening
        The same of all classes as one, shape (feature, feature).
    whole_centre
        Their mean, whitened, shape (feature,).
    """

    name: ClassVar[str] = "relative Mahalanobis"
    whitening: FloatArray = field(default_factory=unfitted)
    centres: FloatArray = field(default_factory=unfitted)
    whole_whitening: FloatArray = field(default_factory=unfitted)
    whole_centre: FloatArray = field(default_factory=unfitted)

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Take means and scatter, of classes and of all together."""
        own = Mahalanobis().fit(known, classes)
        features = known.features.double()
        mean = features.mean(dim=0)
        whole = whitening_of(features - mean)
        return type(self)(own.whitening, own.centres, *_stored(whole, mean @ whole))

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        return self.both(seen)[1]

    def both(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Return the scores of `Mahalanobis` and of this, shape (spectrum,) each."""
        own = Mahalanobis(self.whitening, self.centres).score(seen)
        whole = whitened(seen.features, self.whole_whitening) - tensor(self.whole_centre)
        return own, own - (whole**2).sum(dim=1)


def whitened(features: Tensor, whitening: FloatArray) -> Tensor:
    """Return ``f W``, shape (spectrum, feature)."""
    return linear(features, whitening.T, np.zeros(whitening.shape[1], dtype=np.float32))


def whitening_of(deviations: Tensor) -> Tensor:
    """Return W with ``W W^T = S^-1``, S the covariance of deviations (spectrum, feature).

    S gets 1 % of its mean variance on the diagonal, so that features that never move do not decide.
    """
    covariance = deviations.T @ deviations / len(deviations)
    variance = covariance.diagonal().mean().clamp_min(1e-12)
    covariance += _SHRINKAGE * variance * torch.eye(len(covariance), dtype=covariance.dtype)
    return torch.linalg.cholesky(torch.linalg.inv(covariance))


def _stored(*tensors: Tensor) -> list[FloatArray]:
    return [one.float().numpy() for one in tensors]
