"""Which few minerals a pixel holds, and how much of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.inference.energy_warp import EnergyWarp, fitted_warp
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import energy_hats
from lithoscope.inference.mixture_fit import MixtureFit, MixtureFitter, significance_of_more
from lithoscope.inference.nearest_pairs import nearest_pairs
from lithoscope.minerals import load_rocks

FloatArray = NDArray[np.float64]

MOST_CLASSES = 2
# Of the network's answers so many are candidates.
_FIRST = 5
LEAST_SIGNIFICANCE = 4.0
# Below this share of the area a component is an accessory that no boundary pixel is named by.
_LEAST_SHARE = 0.02
# Pairs that least squares proposes.
_SCREENED = 24
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
    falls with the network's rank and is small for minerals that are in none of the library's
    rocks. The best pair, which need not hold the best single class, is taken in that one's place,
    and the best triple that holds the pair in the pair's, if it is better by 4 standard deviations
    (`significance_of_more`) and each share is above 2 %. A single class may also be bent smoothly,
    by a half and more at any energy, before a pair takes its place: an optic, air or tilt that are
    not the instrument's make no second mineral.

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
    log_priors = _log_priors(banks.labels, ranking)
    priors = dict(zip(ranking, log_priors.tolist(), strict=True))
    near = _near(counts, banks, ranking, log_priors, used)
    candidates = ranking[:_FIRST]
    every = list(dict.fromkeys([*candidates, *(label for pair in near for label in pair)]))
    spectra = dict(zip(every, (one.total for one in banks.of_classes(every)), strict=True))
    fit = MixtureFitter(counts, banks.edges_keV, used)

    def best_of(choices: Sequence[tuple[int, ...]], shown: dict[int, FloatArray]) -> MixtureFit:
        fits = (
            fit(chosen, [shown[one] for one in chosen], sum(priors[one] for one in chosen))
            for chosen in choices
        )
        return min(fits, key=attrgetter("score"))

    single: list[tuple[int, ...]] = [(label,) for label in every]
    warp = _warp(counts, best_of(single, spectra), banks, used)
    warped = {label: warp.applied(one, banks.edges_keV) for label, one in spectra.items()}
    best, significance = best_of(single, warped), 0.0
    # Any pair, not only those with the best class: of a mixture that is often a third mineral.
    larger: set[tuple[int, ...]] = {*itertools.combinations(candidates, 2), *near}
    while larger and len(best.classes) < most:
        more = best_of(sorted(larger), warped)
        if len(best.classes) == 1:
            smooth = _smooth_templates(spectra[best.classes[0]], banks.edges_keV)
            bent = fit(best.classes, [warp.applied(smooth, banks.edges_keV)])
            best = min(best, bent, key=attrgetter("deviance"))
        gained = significance_of_more(fewer=best, more=more)
        shares = np.array(more.seconds) / max(sum(more.seconds), 1e-300)
        if gained < LEAST_SIGNIFICANCE or shares.min() < _LEAST_SHARE:
            break
        best, significance = more, gained
        larger = {(*best.classes, label) for label in every if label not in best.classes}
    if len(best.classes) == 1:
        # Alone, the network's answer stands: it knows of distortions that the fit does not.
        return Abundances((ranking[0],), (1.0,), (1.0,), 0.0)
    return _shares(best, significance)


def _near(
    counts: FloatArray,
    banks: ExpectedBanks,
    ranking: Sequence[int],
    log_priors: FloatArray,
    used: NDArray[np.bool_],
) -> list[tuple[int, int]]:
    """Pairs of classes that least squares on ideal compositions proposes."""
    ideal = banks.ideal()[list(ranking)][:, used]
    found = nearest_pairs(
        counts=counts[used], templates=ideal, log_priors=log_priors, number=_SCREENED
    )
    return [(ranking[one], ranking[other]) for one, other in found]


def _smooth_templates(spectra: FloatArray, edges_keV: FloatArray) -> FloatArray:
    """Half of a class's spectra, and pieces of its mean that change smoothly with energy."""
    return np.concatenate([spectra / 2, energy_hats(edges_keV) * spectra.mean(axis=0)])


def _log_priors(labels: LabelSet, ranking: Sequence[int]) -> FloatArray:
    """Of the classes in their ranking, shape (class,)."""
    common = {mineral for rock in load_rocks() for mineral in rock.shares}
    rare = [common.isdisjoint(labels.groups[label].members) for label in ranking]
    return -_RANK_POWER * np.log1p(np.arange(len(ranking))) - _ROCK_ODDS * np.array(rare, float)


def _warp(
    counts: FloatArray, best: MixtureFit, banks: ExpectedBanks, used: NDArray[np.bool_]
) -> EnergyWarp:
    return fitted_warp(
        counts=counts,
        expected=best.expected,
        unwarped=best.expected,
        edges_keV=banks.edges_keV,
        now=EnergyWarp(),
        used=used,
    )


def _shares(mixture: MixtureFit, significance: float) -> Abundances:
    seconds, counts = np.array(mixture.seconds), np.array(mixture.counts)
    order = np.argsort(-seconds)
    return Abundances(
        tuple(mixture.classes[number] for number in order),
        tuple((seconds[order] / max(seconds.sum(), 1e-300)).tolist()),
        tuple((counts[order] / max(counts.sum(), 1e-300)).tolist()),
        significance,
    )
