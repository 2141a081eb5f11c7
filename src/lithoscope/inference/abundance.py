"""Which few minerals a pixel holds, and how much of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from lithoscope.inference.energy_warp import EnergyWarp, fitted_warp
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.poisson_fit import amplitudes_from_counts, log_likelihood_from_counts
from lithoscope.inference.residual import residual_deviance_from_fit

FloatArray = NDArray[np.float64]

MOST_CLASSES = 3
LEAST_SIGNIFICANCE = 4.0
# Below this share of the area a component is an accessory that no boundary pixel is named by.
_LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Abundances:
    """The classes that explain a spectrum together.

    Parameters
    ----------
    classes
        By falling share.
    area_shares
        Share of the area under the beam, weighted by its intensity; sum one.
    count_shares
        Share of the counts; sum one.
    significance
        Of the last class that joined, in standard deviations; 0 for a single class.
    """

    classes: tuple[int, ...]
    area_shares: tuple[float, ...]
    count_shares: tuple[float, ...]
    significance: float


@dataclass(frozen=True, eq=False)
class _Mixture:
    classes: tuple[int, ...]
    seconds: tuple[float, ...]
    counts: tuple[float, ...]
    active: tuple[int, ...]
    log_likelihood: float
    expected: FloatArray


def find_abundances(
    counts: FloatArray,
    banks: ExpectedBanks,
    candidates: Sequence[int],
    *,
    used: NDArray[np.bool_],
    most: int = MOST_CLASSES,
) -> Abundances:
    """Explain a spectrum by as few classes as it takes.

    ``n_j ~ Poisson(sum_k sum_t a_kt T_ktj)`` with ``a >= 0`` over the spectra T_kt that each class
    k has for its natural compositions. As T are counts a second of the whole beam on class k,
    ``sum_t a_kt`` are the seconds the beam would have spent on it, and area shares are
    ``sum_t a_kt / sum_kt a_kt``: right for thick grains side by side, not for a thin one on another.

    The best pair is taken in place of the best single class, and a triple that holds the pair in
    place of the pair, if twice the gain of log-likelihood over the pair's deviance per resolution
    element (where that exceeds 1: quasi-likelihood, McCullagh and Nelder 1989, section 9.2) is
    significant by 4 standard deviations for as many degrees of freedom as the new class has
    amplitudes above zero, and each share is above 2 %.

    Parameters
    ----------
    counts
        Measured counts, shape (bin,).
    banks
        Expected spectra of the instrument on the axis of `counts`.
    candidates
        Classes to choose among, the likeliest first.
    used
        Bins that were measured, shape (bin,).
    most
        Most classes of an answer.
    """
    templates = [one.total for one in banks.of_classes(candidates)]
    place = {label: number for number, label in enumerate(candidates)}

    def fitted(classes: tuple[int, ...], warp: EnergyWarp) -> _Mixture:
        return _fit(counts, classes, [templates[place[one]] for one in classes], banks, used, warp)

    singles = [fitted((label,), EnergyWarp()) for label in candidates]
    warp = _warp(counts, max(singles, key=_likelihood), banks, used)
    best = max((fitted((label,), warp) for label in candidates), key=_likelihood)
    significance = 0.0
    while len(best.classes) < min(most, len(candidates)):
        larger = [
            fitted(classes, warp)
            for classes in itertools.combinations(candidates, len(best.classes) + 1)
            # Pairs are free, since a mixture's best single class may be a third mineral.
            if len(classes) == 2 or set(best.classes) <= set(classes)
        ]
        next_best = max(larger, key=_likelihood)
        gained = _significance(counts, best, next_best, banks, used)
        shares = np.array(next_best.seconds) / sum(next_best.seconds)
        if gained < LEAST_SIGNIFICANCE or shares.min() < _LEAST_SHARE:
            break
        best, significance = next_best, gained
    return _shares(best, significance)


def _likelihood(mixture: _Mixture) -> float:
    return mixture.log_likelihood


def _fit(
    counts: FloatArray,
    classes: tuple[int, ...],
    templates: Sequence[FloatArray],
    banks: ExpectedBanks,
    used: NDArray[np.bool_],
    warp: EnergyWarp,
) -> _Mixture:
    every = warp.applied(np.concatenate(list(templates)), banks.edges_keV)
    amplitudes = amplitudes_from_counts(counts=counts[used], templates=every[:, used])
    ends = np.cumsum([len(one) for one in templates])[:-1]
    given = amplitudes * every[:, used].sum(axis=1)
    least = 1e-3 * given.sum()
    expected = amplitudes @ every
    return _Mixture(
        classes,
        tuple(float(part.sum()) for part in np.split(amplitudes, ends)),
        tuple(float(part.sum()) for part in np.split(given, ends)),
        tuple(int((part > least).sum()) for part in np.split(given, ends)),
        log_likelihood_from_counts(counts=counts[used], expected=expected[used]),
        expected,
    )


def _warp(
    counts: FloatArray, best: _Mixture, banks: ExpectedBanks, used: NDArray[np.bool_]
) -> EnergyWarp:
    return fitted_warp(
        counts=counts,
        expected=best.expected,
        unwarped=best.expected,
        edges_keV=banks.edges_keV,
        now=EnergyWarp(),
        used=used,
    )


def _significance(
    counts: FloatArray,
    fewer: _Mixture,
    more: _Mixture,
    banks: ExpectedBanks,
    used: NDArray[np.bool_],
) -> float:
    """Of the classes that `more` has beyond `fewer`, in standard deviations."""
    spread = residual_deviance_from_fit(
        counts=np.where(used, counts, 0.0),
        expected=np.where(used, more.expected, 0.0),
        edges_keV=banks.edges_keV,
        relative_error=np.zeros(counts.size),
    )
    gain = 2 * (more.log_likelihood - fewer.log_likelihood) / max(spread, 1.0)
    freedom = max(sum(more.active) - max(fewer.active), 1)
    tail = chi2.logsf(max(gain, 0.0), freedom)
    # Beyond what the normal quantile can express the leading term of its expansion is near enough.
    return float(norm.isf(np.exp(tail)) if tail > -600 else np.sqrt(-2 * tail))


def _shares(mixture: _Mixture, significance: float) -> Abundances:
    seconds, counts = np.array(mixture.seconds), np.array(mixture.counts)
    order = np.argsort(-seconds)
    return Abundances(
        tuple(mixture.classes[number] for number in order),
        tuple((seconds[order] / max(seconds.sum(), 1e-300)).tolist()),
        tuple((counts[order] / max(counts.sum(), 1e-300)).tolist()),
        significance,
    )
