"""Accuracy of a model by count level, beside the classical baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.inference.predict import logits_from_counts
from lithoscope.inference.unknown.energy import energy_score_from_logits
from lithoscope.models.baselines.templates import Templates, classes_from_angles
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold
from lithoscope.synthesis.stream import SpectrumStream

COUNT_LEVELS = (30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 100_000.0, 1_000_000.0)


@dataclass(frozen=True)
class LevelAccuracy:
    """Accuracies at one count level, on the same simulated spectra.

    Parameters
    ----------
    counts
        Expected total counts.
    spectra
        Number of spectra.
    network, sam
        Share named right by the network and by spectral angle mapping.
    standard_error
        Of the network's share.
    """

    counts: float
    spectra: int
    network: float
    sam: float
    standard_error: float


def templates_from_stream(stream: SpectrumStream, count: int) -> Templates:
    """Take the noise-free expected spectra of a stream's first batches."""
    batches = [stream.batch(number) for number in range(-(-count // stream.batch_size))]
    return Templates.from_expected(
        np.concatenate([batch.expected.cpu().numpy() for batch in batches])[:count],
        np.concatenate([batch.classes.cpu().numpy() for batch in batches])[:count],
        len(stream.labels),
    )


def accuracy_by_counts(
    checkpoint: Checkpoint,
    stream: SpectrumStream,
    templates: Templates,
    *,
    spectra: int,
    levels: Sequence[float] = COUNT_LEVELS,
) -> list[LevelAccuracy]:
    """Test a model on simulated spectra that it has not seen.

    Parameters
    ----------
    checkpoint
        The model.
    stream
        Spectra on the model's axis, of another seed than in training; each level gets the same
        grains.
    templates
        For spectral angle mapping.
    spectra
        Spectra at each level, rounded up to whole batches.
    levels
        Total counts.
    """
    right = {level: [0.0, 0.0] for level in levels}
    batches = -(-spectra // stream.batch_size)
    for number in range(batches):
        for level in levels:
            batch = stream.at(level).batch(number)
            truth = batch.classes.numpy()
            named = logits_from_counts(checkpoint, batch.counts).argmax(dim=1).numpy()
            angles = classes_from_angles(counts=batch.counts.numpy(), templates=templates)
            right[level][0] += (named == truth).sum()
            right[level][1] += (angles == truth).sum()
    count = batches * stream.batch_size
    return [
        LevelAccuracy(
            level, count, float(network / count), float(sam / count), _error(network / count, count)
        )
        for level, (network, sam) in right.items()
    ]


def _error(share: float, count: int) -> float:
    return float(np.sqrt(max(share * (1 - share), 1 / count) / count))


def fit_unknown_threshold(
    checkpoint: Checkpoint,
    stream: SpectrumStream,
    *,
    false_alarms: float,
    spectra_per_class: int,
    levels: Sequence[float] = COUNT_LEVELS,
) -> UnknownThreshold:
    """Choose thresholds that a given share of each class's spectra exceeds, at each count level.

    Known spectra are all that training held, mixtures too: a pixel of two minerals is not unknown.
    Classes differ in how sure a network can be of them; with one threshold for all, the 1 % of
    false alarms fell on few classes (13 % of albite, none of quartz).

    Parameters
    ----------
    checkpoint
        The model.
    stream
        Spectra as in training, of another seed; each level gets the same grains.
    false_alarms
        Share of a class's spectra that is to lie above its threshold.
    spectra_per_class
        Spectra of each class at each level.
    levels
        Total counts.
    """
    n_classes = len(checkpoint.labels)
    scores: dict[float, list[NDArray[np.float32]]] = {level: [] for level in levels}
    classes = []
    for number in range(-(-spectra_per_class * n_classes // stream.batch_size)):
        for level in levels:
            batch = stream.at(level).batch(number)
            logits = logits_from_counts(checkpoint, batch.counts)
            scores[level].append(energy_score_from_logits(logits).numpy())
        classes.append(batch.classes.numpy())
    truth = np.concatenate(classes)
    rows = tuple(
        tuple(
            float(np.quantile(strangeness[truth == label], 1 - false_alarms))
            for label in range(n_classes)
        )
        for strangeness in (np.concatenate(scores[level]) for level in levels)
    )
    return UnknownThreshold(tuple(levels), rows, false_alarms)
