"""Fits of classes to a spectrum, and how much better one is than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import chi2, norm

from lithoscope.inference.poisson_fit import amplitudes_from_counts
from lithoscope.inference.residual import deviance_from_expected, resolution_elements

FloatArray = NDArray[np.float64]

# What a class's spectra miss of its natural compositions, one relative error a resolution element.
_TEMPLATE_ERROR = 0.05
# An amplitude of less than this share of the counts is none.
_LEAST_ACTIVE = 1e-3


@dataclass(frozen=True, eq=False)
class MixtureFit:
    """Some classes, fitted to a spectrum.

    Parameters
    ----------
    classes
        The classes.
    seconds
        Seconds that the beam would have spent on each.
    counts
        Counts of each.
    active
        Amplitudes of each that are more than nothing.
    expected
        Expected counts, shape (bin,).
    deviance
        About them, over resolution elements with 5 % error each.
    spread
        The same for one element.
    log_prior
        Natural logarithm of the prior.
    """

    classes: tuple[int, ...]
    seconds: tuple[float, ...]
    counts: tuple[float, ...]
    active: tuple[int, ...]
    expected: FloatArray
    deviance: float
    spread: float
    log_prior: float

    @property
    def score(self) -> float:
        """Deviance less twice the log-prior, the lower the better."""
        return self.deviance - 2 * self.log_prior


class MixtureFitter:
    """Fits classes to one spectrum.

    Parameters
    ----------
    counts
        Measured counts, shape (bin,).
    edges_keV
        Bin edges, shape (bin + 1,).
    used
        Bins that were measured, shape (bin,).
    """

    def __init__(self, counts: FloatArray, edges_keV: FloatArray, used: NDArray[np.bool_]) -> None:
        self._counts, self._used = counts[used], used
        _, self._elements = np.unique(resolution_elements(edges_keV)[used], return_inverse=True)
        self._of_elements = np.bincount(self._elements, self._counts).astype(np.float64)

    def __call__(
        self, classes: tuple[int, ...], templates: Sequence[FloatArray], log_prior: float = 0.0
    ) -> MixtureFit:
        """Fit classes by their templates, each of shape (template, bin)."""
        every = np.concatenate(list(templates))
        amplitudes = amplitudes_from_counts(counts=self._counts, templates=every[:, self._used])
        ends = np.cumsum([len(one) for one in templates])[:-1]
        given = amplitudes * every[:, self._used].sum(axis=1)
        expected = amplitudes @ every
        means = np.bincount(self._elements, expected[self._used]).astype(np.float64)
        deviance = deviance_from_expected(
            counts=self._of_elements,
            expected=means,
            relative_error=np.full(means.size, _TEMPLATE_ERROR),
        )
        least = _LEAST_ACTIVE * given.sum()
        return MixtureFit(
            classes,
            tuple(float(part.sum()) for part in np.split(amplitudes, ends)),
            tuple(float(part.sum()) for part in np.split(given, ends)),
            tuple(int((part > least).sum()) for part in np.split(given, ends)),
            expected,
            float(deviance.sum()),
            float(deviance.mean()),
            log_prior,
        )


def significance_of_more(*, fewer: MixtureFit, more: MixtureFit) -> float:
    """Significance of the classes that `more` has beyond `fewer`, in standard deviations.

    ``(D_fewer - D_more) / max(1, D_more / elements)`` (quasi-likelihood, McCullagh and Nelder 1989,
    section 9.2) as a chi-square value of as many degrees of freedom as there are more amplitudes.
    """
    gain = (fewer.deviance - more.deviance) / max(more.spread, 1.0)
    freedom = max(sum(more.active) - max(fewer.active), 1)
    return significance_of_gain(gain=max(gain, 0.0), freedom=freedom)


def significance_of_gain(*, gain: float, freedom: int) -> float:
    """Standard deviations that a chi-square value stands for, one-sided.

    ``z`` with ``Q(z) = P(chi2_k > gain)``; from 500 on by the leading terms of both tails,
    ``P ~ (x/2)^(k/2 - 1) exp(-x/2) / Gamma(k/2)`` and ``Q ~ exp(-z^2/2) / (z sqrt(2 pi))``.

    Parameters
    ----------
    gain
        Chi-square value, 0 or more.
    freedom
        Degrees of freedom k, 1 or more.
    """
    if gain < 500:
        return float(norm.isf(chi2.sf(gain, freedom)))
    tail = gain / 2 - (freedom / 2 - 1) * np.log(gain / 2) + gammaln(freedom / 2)
    return float(np.sqrt(2 * tail - np.log(4 * np.pi * tail)))
