"""Which spectra of a block are unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import CheckpointError
from lithoscope.inference.unknown.base import Seen
from lithoscope.inference.unknown.combined import Combined
from lithoscope.inference.unknown.energy import energy_score_from_logits, threshold_at_counts
from lithoscope.inference.unknown.strangeness import strangeness_from_scores
from lithoscope.models.checkpoint import Checkpoint

# Brighter spectra are judged as if they had so many counts (decision 0033): detectors find no more
# at 1 000 000 counts than here, but begin to see what the simulation lacks of measured spectra.
BRIGHTEST_JUDGED = 30_000.0

# From counts, shape (spectrum, bin), to features and logits.
Look = Callable[[Tensor], tuple[Tensor, Tensor]]


class UnknownJudge:
    """Gives a block of spectra scores and flags.

    With a stored detector the score is ``-log10`` of the share of known spectra that are stranger,
    and what is above that of the share of false alarms is unknown. Where only some classes may be
    named, a spectrum is unknown too whose energy over these is above the model's threshold: it may
    be known, and not to them. Without a detector the energy alone decides. A stored detector is
    shown spectra of more than `BRIGHTEST_JUDGED` counts scaled down to these.

    Parameters
    ----------
    checkpoint
        The model.
    allowed
        The classes that may be named.
    look
        The model's network, for the spectra that are scaled down.
    false_alarms
        Share of known spectra that may be called unknown; the model's when left out.

    Raises
    ------
    CheckpointError
        If the model has no detector, and thresholds for another share alone.
    InvalidValueError
        If the share lies outside those that are stored.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        allowed: Sequence[int],
        *,
        look: Look,
        false_alarms: float | None = None,
    ) -> None:
        self._look = look
        self._stored, self._threshold = checkpoint.detector, checkpoint.threshold
        share = self._threshold.false_alarms if false_alarms is None else false_alarms
        self._allowed, self._all = list(allowed), len(allowed) == len(checkpoint.labels)
        if self._stored is None:
            self._detector: Combined | None = None
            if share != self._threshold.false_alarms:
                raise CheckpointError(
                    f"The model '{checkpoint.name}' has no detector of the unknown by which "
                    f"--false-alarms {share:g} could be chosen.",
                    expected=f"{self._threshold.false_alarms:g}, for which it has thresholds",
                    remedy="leave --false-alarms out, or fit a detector: python -m "
                    "benchmarks.recalibrate MODEL -o DIR",
                )
        else:
            self._stored.check_false_alarms(share)
            self._detector = Combined.from_arrays(self._stored.arrays)
        self._limit = -np.log10(share)

    def __call__(
        self, seen: Seen, totals: NDArray[np.floating], *, classes: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Judge spectra.

        Parameters
        ----------
        seen
            Counts on the model's axis, the network's features, and its logits of all classes.
        totals
            Total counts, shape (spectrum,).
        classes
            Most probable class among those allowed, shape (spectrum,).

        Returns
        -------
        scores, unknown : ndarray, shape (spectrum,)
            Higher is stranger.
        """
        if self._detector is None or self._stored is None:
            return self._by_energy(seen, totals, classes)
        scores = strangeness_from_scores(
            scores=self._detector.score(self._dimmed(seen)).numpy(),
            totals=np.minimum(totals, BRIGHTEST_JUDGED),
            log_counts=np.log(self._stored.counts),
            table=np.array(self._stored.scores),
            false_alarms=self._stored.false_alarms,
        )
        strange = scores > self._limit
        if not self._all:
            strange |= self._by_energy(seen, totals, classes)[1]
        return scores, strange

    def _dimmed(self, seen: Seen) -> Seen:
        totals = seen.counts.sum(dim=1)
        bright = totals > BRIGHTEST_JUDGED
        if not bright.any():
            return seen
        fewer = seen.counts[bright] * (BRIGHTEST_JUDGED / totals[bright])[:, None]
        parts = seen.counts.clone(), seen.features.clone(), seen.logits.clone()
        for whole, part in zip(parts, (fewer, *self._look(fewer)), strict=True):
            whole[bright] = part
        return Seen(*parts)

    def _by_energy(
        self, seen: Seen, totals: NDArray[np.floating], classes: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        # Thresholds were fitted to logits as they are, without the temperature.
        energy = energy_score_from_logits(seen.logits[:, self._allowed]).numpy()
        limits = threshold_at_counts(threshold=self._threshold, counts=totals, classes=classes)
        return energy, energy > limits
