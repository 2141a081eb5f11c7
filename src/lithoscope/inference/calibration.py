"""Probabilities that are right as often as they say, and sets that hold the truth that often.

Temperature scaling (Guo et al. 2017, ICML, eq. 9) divides all logits by one number: which class is
the most probable stays, and how sure the model is of it changes. Conformal sets (Vovk et al. 2005)
take the classes above a threshold that the truth exceeds in a given share of held-out spectra; of
all sets of that coverage those by probability are smallest on average (Sadinle et al. 2019,
JASA 114; 'LAC'). The adaptive sets of Romano et al. (2020, NeurIPS) treat hard spectra more
evenly and are larger; we fit by count level instead, which is most of what makes spectra hard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from lithoscope.errors import InvalidValueError
from lithoscope.models.confidence import ConformalThresholds, Temperature

# Coverages for which thresholds are stored: every per cent, finer where few spectra are missed.
COVERAGES = (*(round(0.01 * percent, 2) for percent in range(50, 100)), 0.995, 0.998, 0.999)
# Temperatures are sought between a twentieth and twenty.
_MOST_LOG_TEMPERATURE = float(np.log(20.0))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a network said of spectra that it was not trained on, at one level of counts.

    Parameters
    ----------
    counts
        Expected total counts.
    logits
        Shape (spectrum, class).
    classes
        True class, shape (spectrum,).
    """

    counts: float
    logits: NDArray[np.floating]
    classes: NDArray[np.integer]

    def __post_init__(self) -> None:
        if self.logits.ndim != 2 or self.classes.shape != self.logits.shape[:1]:
            raise InvalidValueError(
                f"Logits of shape {self.logits.shape} with classes of shape {self.classes.shape}.",
                expected="(spectrum, class) and (spectrum,)",
            )
        if not self.classes.size or not np.isfinite(self.logits).all():
            raise InvalidValueError("Held-out logits.", expected="at least one row, all finite")
        low, high = int(self.classes.min()), int(self.classes.max())
        if low < 0 or high >= self.logits.shape[1]:
            raise InvalidValueError(
                f"Classes from {low} to {high}.",
                expected=f"0 to {self.logits.shape[1] - 1}, a column of the logits each",
            )
        if not (np.isfinite(self.counts) and self.counts > 0):
            raise InvalidValueError(f"{self.counts} counts.", expected="a positive number")


def fit_temperature(levels: Sequence[HeldOut]) -> Temperature:
    """Choose the temperature of each level that makes the held-out truth most likely.

    Minimises the mean of ``-log softmax(z / T)[y]`` over log T. It has one minimum, since it is
    convex in 1 / T.

    Parameters
    ----------
    levels
        Held-out spectra, counts increasing.
    """
    return Temperature(
        tuple(float(level.counts) for level in levels),
        tuple(_best_temperature(level) for level in levels),
    )


def _best_temperature(level: HeldOut) -> float:
    logits = np.asarray(level.logits, dtype=np.float64)
    rows = np.arange(len(logits))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits * np.exp(-log_temperature), axis=1)
        return float(-scaled[rows, level.classes].mean())

    bounds = (-_MOST_LOG_TEMPERATURE, _MOST_LOG_TEMPERATURE)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def temperature_at_counts(
    *, temperature: Temperature, counts: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Interpolate a temperature over the logarithm of counts, shape (spectrum,)."""
    levels = np.log(temperature.counts)
    return np.asarray(np.interp(np.log(np.maximum(counts, 1.0)), levels, temperature.values))


def probabilities_from_logits(
    *, logits: NDArray[np.floating], counts: NDArray[np.floating], temperature: Temperature
) -> NDArray[np.float32]:
    """Return ``softmax(z / T)``, T that of each spectrum's counts (Guo et al. 2017, eq. 9).

    Parameters
    ----------
    logits
        Shape (spectrum, class).
    counts
        Total counts, shape (spectrum,).
    temperature
        The model's.

    Returns
    -------
    ndarray, shape (spectrum, class), float32
    """
    values = temperature_at_counts(temperature=temperature, counts=counts).astype(np.float32)
    scaled = torch.from_numpy(np.asarray(logits)) / torch.from_numpy(values)[:, None]
    return np.asarray(torch.softmax(scaled, dim=1).numpy(), dtype=np.float32)


def fit_conformal(
    levels: Sequence[HeldOut], temperature: Temperature, *, coverages: Sequence[float] = COVERAGES
) -> ConformalThresholds:
    """Choose how probable a class must be to stand in the set of each coverage.

    Of n held-out spectra, the threshold is the k-th smallest probability of the truth,
    ``k = floor((n + 1) (1 - coverage))``, or 0 where k is 0: a new spectrum, exchangeable with
    them, has its truth in the set with at least that probability (Sadinle et al. 2019).

    Parameters
    ----------
    levels
        Held-out spectra, counts increasing; as many at each.
    temperature
        With which probabilities are computed.
    coverages
        Increasing shares.
    """
    rows = []
    for level in levels:
        probabilities = probabilities_from_logits(
            logits=level.logits,
            counts=np.full(len(level.logits), level.counts),
            temperature=temperature,
        )
        of_truth = np.sort(probabilities[np.arange(len(level.classes)), level.classes])
        # The sum of float rounding must not make a set of 95 % one of 94.99 %.
        places = np.floor((len(of_truth) + 1) * (1 - np.array(coverages)) + 1e-9).astype(int)
        padded = np.concatenate([[0.0], of_truth.astype(np.float64)])
        rows.append(tuple(padded[places].tolist()))
    return ConformalThresholds(
        tuple(float(level.counts) for level in levels),
        tuple(coverages),
        tuple(rows),
        min(len(level.classes) for level in levels),
    )


def prediction_sets(
    *,
    conformal: ConformalThresholds,
    probabilities: NDArray[np.floating],
    counts: NDArray[np.floating],
    coverage: float,
) -> NDArray[np.bool_]:
    """Return which classes stand in each spectrum's set.

    The next higher coverage that is stored holds; between levels of counts thresholds are
    interpolated over log counts. The most probable class always stands in the set, which makes
    sets of a low coverage hold the truth more often than asked; a class of probability 0 never
    does. With probabilities renormalised
    over fewer classes, the truth among them, each is only more probable, and the coverage holds.

    Parameters
    ----------
    conformal
        The model's thresholds.
    probabilities
        Shape (spectrum, class).
    counts
        Total counts, shape (spectrum,).
    coverage
        Share of sets that are to hold the truth, if the spectra are exchangeable with those by
        which the thresholds were fitted.

    Returns
    -------
    ndarray, shape (spectrum, class)

    Raises
    ------
    InvalidValueError
        If the coverage is not above 0, or above all that are stored.
    """
    most = conformal.coverages[-1]
    if not 0 < coverage <= most:
        raise InvalidValueError(
            f"A coverage of {coverage:g}.", expected=f"more than 0, at most {most:g}"
        )
    place = int(np.searchsorted(conformal.coverages, coverage - 1e-12))
    row = np.array(conformal.probabilities)[:, place]
    limits = np.interp(np.log(np.maximum(counts, 1.0)), np.log(conformal.counts), row)
    chosen = np.asarray(probabilities >= limits[:, None]) & (probabilities > 0)
    chosen[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return np.asarray(chosen)
