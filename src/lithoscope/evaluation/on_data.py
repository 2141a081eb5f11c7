"""Accuracy of a model on spectra that lie on disk, and thresholds from them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.evaluation.by_counts import COUNT_LEVELS, LevelAccuracy
from lithoscope.inference.predict import logits_from_counts
from lithoscope.inference.unknown.energy import energy_score_from_logits
from lithoscope.models.baselines.templates import Templates, classes_from_angles
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold
from lithoscope.training.on_data import BinnedSplit

_TEMPLATES_PER_CLASS = 30


def templates_from_split(split: BinnedSplit) -> Templates:
    """Take the spectra of most counts of each class as templates."""
    order = np.argsort(-split.totals, kind="stable")
    chosen = np.concatenate(
        [
            order[split.classes[order] == label][:_TEMPLATES_PER_CLASS]
            for label in np.unique(split.classes)
        ]
    )
    return Templates.from_expected(
        split.counts[chosen], split.classes[chosen], int(split.classes.max()) + 1
    )


def accuracy_on_split(
    checkpoint: Checkpoint, split: BinnedSplit, templates: Templates
) -> tuple[LevelAccuracy, list[LevelAccuracy]]:
    """Test a model on spectra that it has not seen.

    Returns
    -------
    overall : LevelAccuracy
        Of all spectra; its counts are their median.
    by_counts : list of LevelAccuracy
        Of those whose total is nearest, in its logarithm, to each of `COUNT_LEVELS`; levels near
        which there are none are left out.
    """
    logits = logits_from_counts(checkpoint, torch.from_numpy(split.counts))
    network = logits.argmax(dim=1).numpy() == split.classes
    sam = split.classes == classes_from_angles(counts=split.counts, templates=templates)
    distances = np.abs(np.log(split.totals)[:, None] - np.log(COUNT_LEVELS))
    nearest = distances.argmin(axis=1)
    levels = [
        _accuracy(level, network[nearest == number], sam[nearest == number])
        for number, level in enumerate(COUNT_LEVELS)
        if (nearest == number).any()
    ]
    return _accuracy(float(np.median(split.totals)), network, sam), levels


def _accuracy(counts: float, network: NDArray[np.bool_], sam: NDArray[np.bool_]) -> LevelAccuracy:
    share, number = float(network.mean()), network.size
    # Where all are right or all wrong, as if one were not.
    error = float(np.sqrt(max(share * (1 - share), 1 / number) / number))
    return LevelAccuracy(counts, number, share, float(sam.mean()), error)


def threshold_from_split(
    checkpoint: Checkpoint, split: BinnedSplit, *, false_alarms: float
) -> UnknownThreshold:
    """Choose thresholds that a given share of each class's spectra exceeds, at any counts.

    A class without spectra gets that of all. Few spectra of a class make for a rough threshold:
    below ``1 / false_alarms`` it is near their strangest.
    """
    logits = logits_from_counts(checkpoint, torch.from_numpy(split.counts))
    strangeness = energy_score_from_logits(logits).numpy()
    scores = []
    for label in range(len(checkpoint.labels)):
        own = strangeness[split.classes == label]
        own = own if own.size else strangeness
        scores.append(float(np.quantile(own, 1 - false_alarms)))
    level = float(np.median(split.totals))
    return UnknownThreshold((level,), (tuple(scores),), false_alarms)
