"""How far confidence can be trusted: calibration error, Brier score, likelihood, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.by_counts import COUNT_LEVELS
from lithoscope.inference.calibration import HeldOut
from lithoscope.inference.predict import Scorer
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.synthesis.stream import SpectrumStream

BINS = 15
# The smallest probability whose logarithm is taken.
_LEAST = 1e-12


@dataclass(frozen=True)
class ReliabilityBin:
    """Spectra of similar confidence.

    Parameters
    ----------
    confidence
        Their mean confidence.
    accuracy
        Share of them named right.
    spectra
        How many.
    """

    confidence: float
    accuracy: float
    spectra: int


@dataclass(frozen=True)
class Calibration:
    """How well probabilities fit what came true.

    Parameters
    ----------
    spectra
        Spectra it was measured on.
    accuracy
        Share named right.
    ece
        Expected calibration error of the most probable class: mean distance of accuracy and
        confidence over `BINS` bins of equal width, weighted by their spectra (Guo et al. 2017,
        eq. 3). With few spectra it is above 0 even for a perfect model.
    brier
        Mean over spectra of ``sum_k (p_k - [k is true])^2`` (Brier 1950), 0 to 2.
    nll
        Mean of ``-log p_true``, in nats.
    bins
        The reliability curve: bins that hold spectra, confidence rising.
    """

    spectra: int
    accuracy: float
    ece: float
    brier: float
    nll: float
    bins: tuple[ReliabilityBin, ...]


def calibration_from_probabilities(
    *, probabilities: NDArray[np.floating], classes: NDArray[np.integer], bins: int = BINS
) -> Calibration:
    """Measure the calibration of probabilities against the truth.

    Parameters
    ----------
    probabilities
        Shape (spectrum, class).
    classes
        True class, shape (spectrum,).
    bins
        Bins of confidence, of equal width from 0 to 1.

    Raises
    ------
    InvalidValueError
        If there are no spectra, or shapes differ.
    """
    if probabilities.ndim != 2 or not classes.size or classes.shape != probabilities.shape[:1]:
        raise InvalidValueError(
            f"Probabilities of shape {probabilities.shape}, classes of shape {classes.shape}.",
            expected="(spectrum, class) and (spectrum,), at least one spectrum",
        )
    exact = np.asarray(probabilities, dtype=np.float64)
    confidence = exact.max(axis=1)
    right = exact.argmax(axis=1) == classes
    truth = exact[np.arange(len(exact)), classes]
    # Bins hold their upper end, as in the paper.
    numbers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    filled = tuple(
        ReliabilityBin(
            float(confidence[numbers == number].mean()),
            float(right[numbers == number].mean()),
            int((numbers == number).sum()),
        )
        for number in np.unique(numbers)
    )
    return Calibration(
        spectra=len(exact),
        accuracy=float(right.mean()),
        ece=sum(abs(one.accuracy - one.confidence) * one.spectra for one in filled) / len(exact),
        brier=float(((exact**2).sum(axis=1) - 2 * truth + 1).mean()),
        nll=float(-np.log(np.maximum(truth, _LEAST)).mean()),
        bins=filled,
    )


def held_out_from_stream(
    checkpoint: Checkpoint,
    stream: SpectrumStream,
    *,
    spectra: int,
    levels: Sequence[float] = COUNT_LEVELS,
) -> list[HeldOut]:
    """Apply a model's network to simulated spectra, the same grains at each level of counts.

    Parameters
    ----------
    checkpoint
        The model.
    stream
        Spectra on the model's axis, of another seed than in training.
    spectra
        Spectra at each level, rounded up to whole batches.
    levels
        Total counts.
    """
    scorer = Scorer(checkpoint)
    logits: dict[float, list[NDArray[np.float32]]] = {level: [] for level in levels}
    classes = []
    for number in range(-(-spectra // stream.batch_size)):
        for level in levels:
            batch = stream.at(level).batch(number)
            logits[level].append(scorer(batch.counts).numpy())
        classes.append(batch.classes.numpy())
    truth = np.concatenate(classes)
    return [HeldOut(level, np.concatenate(logits[level]), truth) for level in levels]
