"""How well named classes agree with labels: accuracy, overlap, confusion, calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.regions import interval_by_regions

# Bins of equal width of confidence (Guo et al. 2017).
CONFIDENCE_BINS = 15


@dataclass(frozen=True)
class Score:
    """A share with its 95 % interval, ``None`` where fewer than two regions give none."""

    value: float
    low: float | None
    high: float | None

    def __post_init__(self) -> None:
        for share in (self.value, self.low, self.high):
            if share is not None and not 0 <= share <= 1 + 1e-9:
                raise InvalidValueError(f"A share of {share}.", expected="from 0 to 1")


@dataclass(frozen=True)
class ClassAgreement:
    """One class among the labels.

    Parameters
    ----------
    index
        The class.
    labelled, named, right
        How often it was labelled, named where something is labelled, and both.
    regions
        Regions in which it is labelled.
    iou
        Intersection over union.
    """

    index: int
    labelled: int
    named: int
    right: int
    regions: int
    iou: Score


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well what was named agrees with labels.

    Parameters
    ----------
    number, regions
        Labelled pixels or spectra, and regions.
    accuracy
        Share named as labelled; what was left void is wrong.
    mean_iou
        Mean of the labelled classes' intersection over union.
    calibration_error
        Expected calibration error; ``None`` where all is void.
    classes
        Those that are labelled, the commonest first.
    confusion
        Times class i (row) was named j (column), shape (class, class + 1); the last column is void.
    """

    number: int
    regions: int
    accuracy: Score
    mean_iou: Score
    calibration_error: Score | None
    classes: tuple[ClassAgreement, ...]
    confusion: NDArray[np.int64]


def agreement_from_labels(
    *,
    labelled: NDArray[np.integer],
    named: NDArray[np.integer],
    confidence: NDArray[np.floating],
    regions: NDArray[np.integer],
    n_classes: int,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Agreement:
    """Compare named classes with labels; intervals are by regions.

    - accuracy: ``sum_i C_ii / sum_ij C_ij`` of the confusion matrix C;
    - intersection over union of class i: ``C_ii / (sum_j C_ij + sum_j C_ji - C_ii)`` (Jaccard
      1912), over labelled pixels alone;
    - expected calibration error: ``sum_b n_b / n |acc_b - conf_b|`` over 15 bins of confidence
      (Guo et al. 2017, ICML, equation 3). Resampling adds noise to each bin, so that its interval
      lies somewhat high.

    Parameters
    ----------
    labelled
        True classes, shape (pixel,).
    named
        Named classes, ``VOID`` for none, shape (pixel,).
    confidence
        Probability of the named class, shape (pixel,).
    regions
        Number of each pixel's region, shape (pixel,).
    n_classes
        Number of classes.
    seed
        Seed of the bootstrap.
    progress
        Called with resamples done and resamples in all.
    """
    _check(labelled, named, confidence, regions, n_classes)
    confusion = np.zeros((n_classes, n_classes + 1), dtype=np.int64)
    np.add.at(confusion, (labelled, np.where(named == VOID, n_classes, named)), 1)
    present = np.flatnonzero(confusion.sum(axis=1))
    _, region = np.unique(regions, return_inverse=True)
    terms = _terms(labelled, named, confidence, region, present)
    whole = _statistics(np.asarray(terms.sum(axis=0)).reshape(1, -1), present.size)[0]
    low, high = interval_by_regions(
        terms, lambda sums: _statistics(sums, present.size), seed=seed, progress=progress
    )
    scores = [Score(*_plain(*values)) for values in zip(_zeroed(whole), low, high, strict=True)]
    of_class = [
        ClassAgreement(
            index=int(index),
            labelled=int(confusion[index].sum()),
            named=int(confusion[:, index].sum()),
            right=int(confusion[index, index]),
            regions=int(np.unique(region[labelled == index]).size),
            iou=iou,
        )
        for index, iou in zip(present, scores[3:], strict=True)
    ]
    return Agreement(
        number=int(labelled.size),
        regions=int(region.max()) + 1,
        accuracy=scores[0],
        mean_iou=scores[1],
        calibration_error=None if np.isnan(whole[2]) else scores[2],
        classes=tuple(sorted(of_class, key=lambda one: (-one.labelled, one.index))),
        confusion=confusion,
    )


def _check(
    labelled: NDArray[np.integer],
    named: NDArray[np.integer],
    confidence: NDArray[np.floating],
    regions: NDArray[np.integer],
    n_classes: int,
) -> None:
    shapes = {array.shape for array in (labelled, named, confidence, regions)}
    if len(shapes) != 1 or labelled.ndim != 1 or not labelled.size:
        raise InvalidValueError(
            f"Arrays of shapes {sorted(shapes)} to compare.", expected="four of one length, not 0"
        )
    if labelled.min() < 0 or max(labelled.max(), named.max()) >= n_classes or named.min() < VOID:
        raise InvalidValueError(
            f"Classes from {min(labelled.min(), named.min())} to "
            f"{max(labelled.max(), named.max())}.",
            expected=f"labels from 0 to {n_classes - 1}, names of {VOID} besides",
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise InvalidValueError(
            f"Confidences from {confidence.min()} to {confidence.max()}.", expected="0 to 1"
        )


def _terms(
    labelled: NDArray[np.integer],
    named: NDArray[np.integer],
    confidence: NDArray[np.floating],
    region: NDArray[np.intp],
    present: NDArray[np.intp],
) -> sparse.csr_matrix:
    """Sums over regions: right, labelled and named of each class, then each bin's surplus, n.

    A bin's surplus is its number of right answers less the sum of their confidences.
    """
    n, void = present.size, named == VOID
    row_of = np.full(max(labelled.max(), named.max()) + 1, -1)
    row_of[present] = np.arange(n)
    truth = row_of[labelled]
    # A named class that is labelled nowhere counts for no class's union.
    guess = np.where(void, -1, row_of[np.where(void, 0, named)])
    right = labelled == named
    bins = np.clip(np.ceil(confidence * CONFIDENCE_BINS).astype(int) - 1, 0, CONFIDENCE_BINS - 1)
    seen, sure = guess >= 0, ~void
    ones = np.ones(labelled.size)
    parts = [
        (region[right], truth[right], ones[right]),
        (region, n + truth, ones),
        (region[seen], 2 * n + guess[seen], ones[seen]),
        (region[sure], 3 * n + bins[sure], (right - confidence)[sure]),
        (region[sure], np.full(int(sure.sum()), 3 * n + CONFIDENCE_BINS), ones[sure]),
    ]
    rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    shape = (int(region.max()) + 1, 3 * n + CONFIDENCE_BINS + 1)
    return sparse.csr_matrix((values, (rows, columns)), shape=shape)


def _statistics(sums: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Accuracy, mean IoU, calibration error and each IoU, shape (resample, 3 + class)."""
    right, labelled, named = (sums[:, place * n : (place + 1) * n] for place in range(3))
    surplus, sure = sums[:, 3 * n : -1], sums[:, -1]
    union = labelled + named - right
    with np.errstate(divide="ignore", invalid="ignore"):
        # A class that a resample does not hold says nothing of how well it is found.
        iou = np.where(labelled > 0, right / union, np.nan)
        accuracy = right.sum(axis=1) / labelled.sum(axis=1)
        calibration = np.abs(surplus).sum(axis=1) / sure
    held = (labelled > 0).sum(axis=1)
    mean_iou = np.nansum(iou, axis=1) / held
    return np.column_stack([accuracy, mean_iou, calibration, iou])


def _zeroed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.nan_to_num(values, nan=0.0)


def _plain(value: float, low: float, high: float) -> tuple[float, float | None, float | None]:
    bounds = [None if np.isnan(bound) else float(bound) for bound in (low, high)]
    return float(value), bounds[0], bounds[1]
