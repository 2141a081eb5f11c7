"""Which few minerals a pixel holds, and how much of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import chi2, norm

from lithoscope.core.labels import LabelSet
from lithoscope.inference.energy_warp import EnergyWarp, fitted_warp
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import energy_hats
from lithoscope.inference.poisson_fit import amplitudes_from_counts
from lithoscope.inference.residual import deviance_from_expected, resolution_elements
from lithoscope.minerals import load_rocks

FloatArray = NDArray[np.float64]

MOST_CLASSES = 2
# Of the network's answers so many are candidates.
_FIRST = 5
LEAST_SIGNIFICANCE = 4.0
# Below this share of the area a component is an accessory that no boundary pixel is named by.
_LEAST_SHARE = 0.02
# Pairs that least squares proposes, and by what natural compositions differ from ideal ones.
_SCREENED = 24
_COMPOSITION_ERROR = 0.05
# What a class's spectra miss of its natural compositions, one relative error a resolution element.
_TEMPLATE_ERROR = 0.05
# Natural logarithm of the odds of a mineral that makes up rocks against one that is in none of the
# library's, and the power of the rank among the network's answers with which a prior falls.
_ROCK_ODDS, _RANK_POWER = 6.0, 1.0


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
    expected: FloatArray
    deviance: float
    spread: float
    prior: float

    @property
    def score(self) -> float:
        """Deviance less twice the log-prior, the lower the better."""
        return self.deviance - 2 * self.prior


def find_abundances(
    counts: FloatArray,
    banks: ExpectedBanks,
    ranking: Sequence[int],
    *,
    used: NDArray[np.bool_],
    most: int = MOST_CLASSES,
) -> Abundances:
    """Explain a spectrum by as few classes as it takes.

    ``n_j ~ Poisson(sum_k sum_t a_kt T_ktj)`` with ``a >= 0`` over the spectra T_kt that each class
    k has for its natural compositions. As T are counts a second of the whole beam on class k,
    ``sum_t a_kt`` are the seconds the beam would have spent on it, and area shares are
    ``sum_t a_kt / sum_kt a_kt``: right for thick grains side by side, not for a thin one on
    another.

    Candidates are the network's first five and the classes of the pairs that come nearest by least
    squares on ideal compositions (`nearest_pairs`): what a network makes of a mixture may be a
    third mineral, and neither of the two be among its first.

    Fits are compared by their deviance D over resolution elements, with 5 % error of each element
    for what the spectra miss of natural compositions, less twice the logarithm of a prior that
    falls with the third power of the network's rank. The best pair, which need not hold the best
    single class, is taken in that one's place, and the best triple that holds the pair in the
    pair's, if ``(D_fewer - D_more) / max(1, D_more / elements)`` (quasi-likelihood, McCullagh and
    Nelder 1989, section 9.2) is significant by 4 standard deviations for as many degrees of
    freedom as the new class has amplitudes above zero, and each share is above 2 %. A single
    class may also be bent smoothly, by a half and more at any energy, before a pair takes its
    place: an optic, air or tilt that are not the instrument's make no second mineral.

    Parameters
    ----------
    counts
        Measured counts, shape (bin,).
    banks
        Expected spectra of the instrument on the axis of `counts`.
    ranking
        All classes that the answer may hold, by falling probability.
    used
        Bins that were measured, shape (bin,).
    most
        Most classes of an answer.
    """
    candidates = list(ranking[:_FIRST])
    log_priors = _log_priors(banks.labels, ranking)
    ideal = banks.ideal()[list(ranking)][:, used]
    near = [
        (ranking[one], ranking[other])
        for one, other in nearest_pairs(
            counts=counts[used], templates=ideal, log_priors=log_priors, number=_SCREENED
        )
    ]
    every = list(dict.fromkeys([*candidates, *(label for pair in near for label in pair)]))
    templates = dict(zip(every, (one.total for one in banks.of_classes(every)), strict=True))
    priors = dict(zip(ranking, log_priors.tolist(), strict=True))

    def fitted(classes: tuple[int, ...], warp: EnergyWarp) -> _Mixture:
        prior = float(sum(priors[one] for one in classes))
        own = [templates[one] for one in classes]
        return _fit(counts, classes, own, banks.edges_keV, used, warp, prior)

    first = min((fitted((label,), EnergyWarp()) for label in every), key=_score)
    warp = _warp(counts, first, banks, used)
    best = min((fitted((label,), warp) for label in every), key=_score)
    # Any pair, not only those with the best class: of a mixture that is often a third mineral.
    larger: set[tuple[int, ...]] = {*itertools.combinations(candidates, 2), *near}
    significance = 0.0
    while larger and len(best.classes) < most:
        next_best = min((fitted(classes, warp) for classes in sorted(larger)), key=_score)
        if len(best.classes) == 1:
            smooth = _smooth_templates(templates[best.classes[0]], banks.edges_keV)
            bent = _fit(counts, best.classes, [smooth], banks.edges_keV, used, warp, 0.0)
            best = min(best, bent, key=lambda one: one.deviance)
        gained = _significance(best, next_best)
        shares = np.array(next_best.seconds) / max(sum(next_best.seconds), 1e-300)
        if gained < LEAST_SIGNIFICANCE or shares.min() < _LEAST_SHARE:
            break
        best, significance = next_best, gained
        larger = {(*best.classes, label) for label in every if label not in best.classes}
    if len(best.classes) == 1:
        # Alone, the network's answer stands: it knows of distortions that the fit does not.
        return Abundances((ranking[0],), (1.0,), (1.0,), 0.0)
    return _shares(best, significance)


def nearest_pairs(
    *, counts: FloatArray, templates: FloatArray, log_priors: FloatArray, number: int
) -> list[tuple[int, int]]:
    """The pairs of templates that counts are nearest to, by weighted least squares.

    With ``G = T W T'`` and ``c = T W n`` the pair (k, l) takes away
    ``(c_k^2 G_ll - 2 c_k c_l G_kl + c_l^2 G_kk) / (G_kk G_ll - G_kl^2)`` of ``n' W n``, if both
    amplitudes are positive; all pairs at once. The weights are those of counting noise and 5 % for
    what natural compositions differ by from ideal ones.

    Parameters
    ----------
    counts
        Shape (bin,).
    templates
        Shape (template, bin).
    log_priors
        Natural logarithm of each template's prior, twice which is added to what its pairs take
        away, shape (template,).
    number
        How many pairs to give, at most.

    Returns
    -------
    list of (int, int)
        Rows of `templates`, nearest first, in each the smaller first.
    """
    shapes = templates / templates.sum(axis=1, keepdims=True)
    smooth = np.convolve(counts, np.ones(5) / 5, "same")
    weights = 1 / (np.maximum(smooth, 0.2) + (_COMPOSITION_ERROR * smooth) ** 2)
    gram, c = (shapes * weights) @ shapes.T, (shapes * weights) @ counts
    own = np.diag(gram)
    determinant = np.maximum(np.outer(own, own) - gram**2, 1e-9 * np.outer(own, own))
    first = (c[:, None] * own[None, :] - c[None, :] * gram) / determinant
    positive = (first > 0) & (first.T > 0)
    prior = 2 * (log_priors[:, None] + log_priors[None, :])
    gain = first * c[:, None] + first.T * c[None, :] + prior
    rows, columns = np.triu_indices(len(c), 1)
    value = np.where(positive, gain, -np.inf)[rows, columns]
    order = np.argsort(-value)[:number]
    return [(int(rows[one]), int(columns[one])) for one in order if np.isfinite(value[one])]


def _smooth_templates(spectra: FloatArray, edges_keV: FloatArray) -> FloatArray:
    """Half of a class's spectra, and pieces of its mean that change smoothly with energy."""
    return np.concatenate([spectra / 2, energy_hats(edges_keV) * spectra.mean(axis=0)])


def _log_priors(labels: LabelSet, ranking: Sequence[int]) -> FloatArray:
    """Of the classes in their ranking, shape (class,)."""
    common = {mineral for rock in load_rocks() for mineral in rock.shares}
    rare = [common.isdisjoint(labels.groups[label].members) for label in ranking]
    return -_RANK_POWER * np.log1p(np.arange(len(ranking))) - _ROCK_ODDS * np.array(rare, float)


def _score(mixture: _Mixture) -> float:
    return mixture.score


def _fit(
    counts: FloatArray,
    classes: tuple[int, ...],
    templates: Sequence[FloatArray],
    edges_keV: FloatArray,
    used: NDArray[np.bool_],
    warp: EnergyWarp,
    prior: float,
) -> _Mixture:
    every = warp.applied(np.concatenate(list(templates)), edges_keV)
    amplitudes = amplitudes_from_counts(counts=counts[used], templates=every[:, used])
    ends = np.cumsum([len(one) for one in templates])[:-1]
    given = amplitudes * every[:, used].sum(axis=1)
    least = 1e-3 * given.sum()
    expected = amplitudes @ every
    elements = resolution_elements(edges_keV)[used]
    n = np.bincount(elements, counts[used]).astype(np.float64)
    m = np.bincount(elements, expected[used]).astype(np.float64)
    deviances = deviance_from_expected(
        counts=n, expected=m, relative_error=np.full(m.size, _TEMPLATE_ERROR)
    )
    return _Mixture(
        classes,
        tuple(float(part.sum()) for part in np.split(amplitudes, ends)),
        tuple(float(part.sum()) for part in np.split(given, ends)),
        tuple(int((part > least).sum()) for part in np.split(given, ends)),
        expected,
        float(deviances.sum()),
        float(deviances.sum() / max(len(set(elements.tolist())), 1)),
        prior,
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


def _significance(fewer: _Mixture, more: _Mixture) -> float:
    """Of the classes that `more` has beyond `fewer`, in standard deviations."""
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


def _shares(mixture: _Mixture, significance: float) -> Abundances:
    seconds, counts = np.array(mixture.seconds), np.array(mixture.counts)
    order = np.argsort(-seconds)
    return Abundances(
        tuple(mixture.classes[number] for number in order),
        tuple((seconds[order] / max(seconds.sum(), 1e-300)).tolist()),
        tuple((counts[order] / max(counts.sum(), 1e-300)).tolist()),
        significance,
    )
