"""The detector that models use: four scores, made comparable and added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from lithoscope.errors import InvalidValueError
from lithoscope.inference.unknown.base import Detector, FloatArray, Seen, array_of, unfitted
from lithoscope.inference.unknown.exposure import Exposure
from lithoscope.inference.unknown.mahalanobis import RelativeMahalanobis
from lithoscope.inference.unknown.reconstruction import Reconstruction
from lithoscope.inference.unknown.strangeness import FALSE_ALARMS, strangeness_from_scores

# Weight of the squared weights, which keeps them where a score adds nothing.
_RIDGE = 1e-3
_MOST_SHOWN = 10.0
_FIELDS = ("log_counts", "tables", "weights")
FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Combined(Detector):
    """A weighted sum of `Exposure`, `Reconstruction` and both Mahalanobis distances.

    Each score is first turned into ``-log10`` of the share of known spectra of its counts that
    exceed it, which makes scores of different units and levels of counts comparable. The weights
    are those of a logistic regression between known spectra and surrogates to which none of the
    detectors was fitted.

    Parameters
    ----------
    exposure, distances
        Fitted detectors; the other two scores come with them.
    log_counts
        Levels at which the shares were measured, shape (level,).
    tables
        What shares `FALSE_ALARMS` of known spectra exceed, shape (score, level, share).
    weights
        Of the scores, shape (score,).
    """

    name: ClassVar[str] = "combined"
    exposure: Exposure = field(default_factory=Exposure)
    distances: RelativeMahalanobis = field(default_factory=RelativeMahalanobis)
    log_counts: FloatArray = field(default_factory=unfitted)
    tables: FloatArray = field(default_factory=unfitted)
    weights: FloatArray = field(default_factory=unfitted)

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Fit the parts alone; `fit_weights` does the rest, on other spectra."""
        distances = RelativeMahalanobis().fit(known, classes, surrogates)
        rebuilt = self.exposure.reconstruction.fit(known, classes, surrogates)
        exposure = Exposure(rebuilt).fit(known, classes, surrogates)
        return type(self)(exposure, distances)

    def fit_weights(self, known: Mapping[float, Seen], surrogates: Mapping[float, Seen]) -> Self:
        """Return a copy that weighs its parts.

        Parameters
        ----------
        known, surrogates
            Spectra to which the parts were not fitted, by total counts, increasing.
        """
        if not known or list(known) != list(surrogates):
            raise InvalidValueError(
                f"Known spectra at {list(known)} and surrogates at {list(surrogates)} counts.",
                expected="the same levels of both",
            )
        log_counts = np.log(list(known))
        of_known = {level: self._parts(seen) for level, seen in known.items()}
        tables = np.stack([_quantiles(scores).T for scores in of_known.values()], axis=1)
        shown = [
            _comparable(scores, np.full(len(scores), level), log_counts, tables)
            for level, scores in of_known.items()
        ]
        strange = [
            _comparable(self._parts(seen), np.full(len(seen), level), log_counts, tables)
            for level, seen in surrogates.items()
        ]
        weights = _logistic_weights(np.concatenate(shown), np.concatenate(strange))
        return type(self)(self.exposure, self.distances, log_counts, tables, weights)

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        totals = seen.counts.sum(dim=1).double().numpy()
        used = np.flatnonzero(self.weights)
        shown = _comparable(
            self._parts(seen)[:, used],
            totals,
            self.log_counts.astype(float),
            self.tables[used].astype(float),
        )
        return torch.from_numpy(shown @ self.weights[used].astype(float))

    def arrays(self) -> dict[str, FloatArray]:
        """What was fitted, the parts' arrays among it."""
        own = {f"{self.name}/{one}": getattr(self, one) for one in _FIELDS}
        return {**self.exposure.arrays(), **self.distances.arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """See `Detector.from_arrays`."""
        return cls(
            Exposure.from_arrays(arrays),
            RelativeMahalanobis.from_arrays(arrays),
            **{one: array_of(arrays, cls.name, one) for one in _FIELDS},
        )

    @classmethod
    def on_axis(cls, edges_keV: NDArray[np.float64]) -> Self:
        """Return one for spectra on an axis, not yet fitted; edges have shape (bin + 1,)."""
        return cls(Exposure(Reconstruction.on_axis(edges_keV)))

    def _parts(self, seen: Seen) -> FloatMatrix:
        """Scores of the parts, shape (spectrum, score)."""
        with torch.inference_mode():
            residuals = self.exposure.reconstruction.residuals(seen)
            scores = (
                self.exposure.score_of(seen, residuals),
                (residuals**2).mean(dim=1),
                *self.distances.both(seen),
            )
            return torch.stack(scores, dim=1).double().numpy()


def _quantiles(scores: FloatMatrix) -> FloatMatrix:
    """Return what shares of known spectra exceed, shape (share, score)."""
    return np.asarray(np.quantile(scores, 1 - np.array(FALSE_ALARMS), axis=0))


def _comparable(
    scores: FloatMatrix, totals: FloatMatrix, log_counts: FloatMatrix, tables: FloatMatrix
) -> FloatMatrix:
    columns = [
        strangeness_from_scores(
            scores=scores[:, number],
            totals=totals,
            log_counts=log_counts,
            table=table,
            false_alarms=FALSE_ALARMS,
        )
        for number, table in enumerate(tables)
    ]
    return np.array(columns, dtype=np.float64).reshape(len(tables), len(scores)).T


def _logistic_weights(known: FloatMatrix, strange: FloatMatrix) -> FloatMatrix:
    """Weights, 0 or more, of a logistic regression, both sides alike in weight."""
    # A score far out must not decide for all others.
    shown = np.minimum(np.concatenate([known, strange]), _MOST_SHOWN)
    sign = np.repeat([-1.0, 1.0], [len(known), len(strange)])
    share = np.repeat([0.5 / len(known), 0.5 / len(strange)], [len(known), len(strange)])

    def loss(values: FloatMatrix) -> tuple[float, FloatMatrix]:
        margin = sign * (shown @ values[1:] + values[0])
        found = (share * np.logaddexp(0, -margin)).sum() + _RIDGE * (values[1:] ** 2).sum()
        slope = -share * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        gradient = np.concatenate([[slope.sum()], shown.T @ slope + 2 * _RIDGE * values[1:]])
        return float(found), gradient

    bounds = [(None, None), *[(0.0, None)] * shown.shape[1]]
    found = minimize(loss, np.zeros(shown.shape[1] + 1), jac=True, bounds=bounds)
    return np.asarray(found.x[1:])
