"""How much of each mineral there is, corrected for what the model is known to confuse.

Counting the best class of each pixel gives every rare confusion a row of its own, and takes it from
the mineral that it belongs to. The scan's priors (`inference.priors`) are the shares of maximum
likelihood instead. Two intervals of 95 % stand beside each: *of this scan*, whose truth is the
scanned area; and *of the rock*, whose truth is what the scan was a sample of, by a block bootstrap
in addition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import Posteriors
from lithoscope.inference.priors import Likelihoods, ScanPriors
from lithoscope.segmentation.quantify import block_numbers
from lithoscope.segmentation.share_errors import ShareErrors

# A share is found from half a pixel on, and known to half a pixel at best.
HALF_A_PIXEL = 0.5


@dataclass(frozen=True, eq=False)
class EstimatedShares:
    """Shares of classes in a scan, of its pixels that are neither void nor unknown.

    Parameters
    ----------
    shares
        Sum 1, shape (class,).
    doubts
        Mean probability, over the pixels of a class, that a pixel is of another, shape (class,).
    block_errors
        Relative standard error of each share by the block bootstrap, shape (class,).
    pixels
        Number of these pixels.
    """

    shares: NDArray[np.float64]
    doubts: NDArray[np.float64]
    block_errors: NDArray[np.float64]
    pixels: int

    @property
    def found(self) -> NDArray[np.bool_]:
        """Classes of half a pixel or more, shape (class,)."""
        return np.asarray(self.shares * self.pixels >= HALF_A_PIXEL)


def estimated_shares(
    posteriors: Posteriors, priors: ScanPriors, use: NDArray[np.bool_]
) -> EstimatedShares:
    """Return the shares of classes with what is known of their error.

    The standard error is that which the block bootstrap tends to with many resamples, in closed
    form: with ``a_b`` of ``n_b`` pixels of block b of a class of share s, the square root of
    ``sum_b (a_b - s n_b)^2`` over ``sum_b a_b`` (Efron and Tibshirani 1993, An Introduction to the
    Bootstrap, chapter 22).

    Parameters
    ----------
    posteriors
        Under even priors, shape (y, x).
    priors
        The scan's, of the same pixels.
    use
        Pixels that are neither void nor unknown, shape (y, x).
    """
    if len(posteriors.shape) != 2 or use.shape != posteriors.shape:
        raise InvalidValueError(
            f"Posteriors of shape {posteriors.shape}, a mask of shape {use.shape}.",
            expected="the same shape (y, x)",
        )
    n_classes = priors.shares.size
    likelihoods = Likelihoods.of(posteriors, n_classes, use)
    above, total = likelihoods.weighed(priors.shares)
    floor = priors.shares[likelihoods.classes] * likelihoods.floor[:, None]
    said = (above + floor) / total[:, None]
    classes = likelihoods.classes
    own = np.bincount(classes.ravel(), said.ravel(), n_classes)
    squares = np.bincount(classes.ravel(), (said**2).ravel(), n_classes)
    blocks = block_numbers(use.shape)[use]
    n_blocks = int(blocks.max(initial=0)) + 1
    places = blocks[:, None] * n_classes + classes
    table = np.bincount(places.ravel(), said.ravel(), n_blocks * n_classes)
    table = table.reshape(n_blocks, n_classes)
    away = table - table.sum(axis=1, keepdims=True) * priors.shares
    some = np.maximum(own, 1e-9)
    return EstimatedShares(
        shares=priors.shares,
        doubts=np.clip(1 - squares / some, 0, 1),
        block_errors=np.sqrt((away**2).sum(axis=0)) / some,
        pixels=len(likelihoods),
    )


@dataclass(frozen=True)
class CorrectedShare:
    """What stands behind `weight_percent` in a row of ``minerals.csv``, in percent.

    Parameters
    ----------
    area
        Corrected share of the area that is neither void nor unknown.
    area_of_scan, area_of_rock
        Its interval of 95 % (low, high): of this scan, of the rock.
    weight, weight_of_scan, weight_of_rock
        The same by weight.
    """

    area: float
    area_of_scan: tuple[float, float]
    area_of_rock: tuple[float, float]
    weight: float
    weight_of_scan: tuple[float, float]
    weight_of_rock: tuple[float, float]

    def values(self) -> list[float]:
        """Return area, its intervals of scan and rock, and the same of the weight."""
        area = [self.area, *self.area_of_scan, *self.area_of_rock]
        return [*area, self.weight, *self.weight_of_scan, *self.weight_of_rock]


def corrected_shares(
    estimated: EstimatedShares,
    errors: ShareErrors,
    *,
    labels: LabelSet,
    densities_g_cm3: Mapping[str, float],
) -> dict[str, CorrectedShare]:
    """Return what was found of each class, by its label.

    Parameters
    ----------
    estimated
        From `estimated_shares`.
    errors
        How far such estimates were off.
    labels
        The classes.
    densities_g_cm3
        Density of each mineral; a group weighs the mean of its members.
    """
    density = np.array([np.mean([densities_g_cm3[name] for name in one.members]) for one in labels])
    scan, rock = share_intervals(estimated, errors)
    heavy = estimated.shares * density
    total = max(float(heavy.sum()), 1e-12)

    def by_weight(place: int, share: float) -> float:
        # All others keep their proportions among themselves.
        own, before = share * density[place], float(estimated.shares[place])
        if before >= 1:
            return 100 * share
        rest = (total - heavy[place]) * (1 - share) / (1 - before)
        return float(100 * own / max(own + rest, 1e-12))

    def both(place: int, ends: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
        low, high = ends[:, place].tolist()
        return (100 * low, 100 * high), (by_weight(place, low), by_weight(place, high))

    found = {}
    for place in np.flatnonzero(estimated.found).tolist():
        (of_scan, heavy_scan), (of_rock, heavy_rock) = both(place, scan), both(place, rock)
        found[labels.labels[place]] = CorrectedShare(
            area=float(100 * estimated.shares[place]),
            area_of_scan=of_scan,
            area_of_rock=of_rock,
            weight=float(100 * heavy[place] / total),
            weight_of_scan=heavy_scan,
            weight_of_rock=heavy_rock,
        )
    return found


def share_intervals(
    estimated: EstimatedShares, errors: ShareErrors
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the intervals of each share: of this scan and of the rock, each shape (2, class)."""
    pair = []
    for block_errors in (None, estimated.block_errors):
        low, high = errors.bounds(estimated.shares, estimated.doubts, block_errors)
        # A pixel is a pixel: no share is known better than to half of one.
        half = HALF_A_PIXEL / max(estimated.pixels, 1)
        ends = [(estimated.shares + half) * np.exp(end) - half for end in (low, high)]
        pair.append(np.clip([ends[0] - half, ends[1] + half], 0, 1))
    return pair[0], pair[1]
