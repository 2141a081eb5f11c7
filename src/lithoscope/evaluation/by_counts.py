"""Accuracy of a model by count level, beside the classical baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lithoscope.core.rebin import rebin_counts
from lithoscope.evaluation.sam import classes_from_angles
from lithoscope.inference.predict import energy_score_from_logits, logits_from_counts
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold
from lithoscope.synthesis.bank import SpectrumBank
from lithoscope.synthesis.stream import SpectrumStream

_BATCH = 2048
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


def accuracy_by_counts(
    checkpoint: Checkpoint,
    *,
    held_out: SpectrumBank,
    templates: SpectrumBank,
    spectra: int,
    seed: int,
    levels: Sequence[float] = COUNT_LEVELS,
) -> list[LevelAccuracy]:
    """Test a model on simulated spectra of single minerals, of compositions it has not seen.

    Parameters
    ----------
    checkpoint
        The model.
    held_out
        Bank of compositions drawn with another seed than in training.
    templates
        Bank whose spectra, on the model's axis, are the templates of spectral angle mapping.
    spectra
        Spectra at each level.
    seed
        Seed of the draws.
    levels
        Total counts.
    """
    edges = checkpoint.axis.edges_keV
    expected = _template_spectra(templates, checkpoint)
    results = []
    for index, level in enumerate(levels):
        stream = _stream_at(held_out, checkpoint, edges, level, spectra, seed + index)
        batch = stream.batch()
        truth = batch.classes.numpy()
        named = logits_from_counts(checkpoint, batch.counts).argmax(dim=1).numpy()
        angles = classes_from_angles(
            counts=batch.counts.numpy(), templates=expected, template_classes=templates.classes
        )
        right = float((named == truth).mean())
        error = float(np.sqrt(max(right * (1 - right), 1 / spectra) / spectra))
        results.append(LevelAccuracy(level, spectra, right, float((angles == truth).mean()), error))
    return results


def fit_unknown_threshold(
    checkpoint: Checkpoint,
    *,
    bank: SpectrumBank,
    false_alarms: float,
    spectra_per_class: int,
    seed: int,
    levels: Sequence[float] = COUNT_LEVELS,
) -> UnknownThreshold:
    """Choose thresholds that a given share of each class's spectra exceeds, at each count level.

    Known spectra are all that training held, mixtures too: a pixel of two minerals is not unknown.
    Classes differ in how sure a network can be of them; with one threshold for all, the 1 % of
    false alarms fell on few classes (13 % of albite, none of quartz).
    """
    edges, n_classes = checkpoint.axis.edges_keV, len(checkpoint.labels)
    rows = []
    for index, level in enumerate(levels):
        conditions = dataclasses.replace(checkpoint.conditions, counts=(level, level))
        stream = SpectrumStream(bank, conditions, edges, batch_size=_BATCH, seed=seed + index)
        scores, classes = [], []
        for _ in range(-(-spectra_per_class * n_classes // _BATCH)):
            batch = stream.batch()
            logits = logits_from_counts(checkpoint, batch.counts)
            scores.append(energy_score_from_logits(logits).numpy())
            classes.append(batch.classes.numpy())
        strangeness, truth = np.concatenate(scores), np.concatenate(classes)
        rows.append(
            tuple(
                float(np.quantile(strangeness[truth == label], 1 - false_alarms))
                for label in range(n_classes)
            )
        )
    return UnknownThreshold(tuple(levels), tuple(rows), false_alarms)


def _stream_at(
    bank: SpectrumBank,
    checkpoint: Checkpoint,
    edges: np.ndarray,
    level: float,
    spectra: int,
    seed: int,
) -> SpectrumStream:
    conditions = dataclasses.replace(
        checkpoint.conditions,
        counts=(level, level),
        mixed_probability=0.0,
        bragg_probability=0.0,
    )
    return SpectrumStream(bank, conditions, edges, batch_size=spectra, seed=seed)


def _template_spectra(bank: SpectrumBank, checkpoint: Checkpoint) -> np.ndarray:
    return rebin_counts(
        bank.spectra, from_edges_keV=bank.edges_keV, to_edges_keV=checkpoint.axis.edges_keV
    )
