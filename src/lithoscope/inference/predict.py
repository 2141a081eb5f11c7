"""From counts to classes: probabilities, confidence, and what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import VOID
from lithoscope.inference.calibration import probabilities_from_logits
from lithoscope.inference.prepare import CHUNK, prepared_for_inference
from lithoscope.inference.unknown.base import Seen
from lithoscope.inference.unknown.judge import UnknownJudge
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.base import SpectralNetwork


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of spectra.

    Parameters
    ----------
    classes
        Most probable class, or ``VOID`` where there are too few counts, shape (spectrum,).
    probabilities
        Shape (spectrum, class), after the model's temperature; zero for classes that were ruled
        out.
    unknown
        Whether the spectrum is like nothing the model knows, shape (spectrum,).
    ood_score
        The score by which that was judged, higher is stranger, shape (spectrum,).
    counts
        Total counts on the model's axis, zero peak left out, shape (spectrum,).
    """

    classes: NDArray[np.int16]
    probabilities: NDArray[np.float32]
    unknown: NDArray[np.bool_]
    ood_score: NDArray[np.float32]
    counts: NDArray[np.float32]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the most probable class; 0 for void, shape (spectrum,)."""
        return np.where(self.classes == VOID, 0.0, self.probabilities.max(axis=1)).astype(
            np.float32
        )


class Predictor:
    """Applies a checkpoint to spectra on one measured axis.

    Parameters
    ----------
    checkpoint
        The model.
    axis
        The axis of the spectra to come.
    minerals
        Minerals to choose among; all of the model's when left out.
    false_alarms
        Share of known spectra that may be called unknown; the model's when left out.

    Raises
    ------
    MineralError
        If the model lacks one of `minerals`.
    CheckpointError
        If the model cannot tell the unknown at this share of false alarms.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        axis: EnergyAxis,
        minerals: Sequence[str] | None = None,
        *,
        false_alarms: float | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self._rebin = checkpoint.axis.rebinner(axis)
        self._scorer = Scorer(checkpoint)
        allowed = range(len(checkpoint.labels))
        self.allowed = tuple(
            allowed if minerals is None else checkpoint.labels.indices_of(minerals)
        )
        self._judge = UnknownJudge(
            checkpoint,
            self.allowed,
            look=self._scorer.features_and_logits,
            false_alarms=false_alarms,
        )

    def __call__(self, counts: NDArray[np.generic]) -> Predictions:
        """Classify counts of shape (spectrum, channel)."""
        return self.of_binned(self.binned(counts))

    def of_binned(self, binned: NDArray[np.float32]) -> Predictions:
        """Classify counts that are on the model's axis already, shape (spectrum, bin)."""
        totals = binned.sum(axis=1)
        features, logits = self._scorer.features_and_logits(torch.from_numpy(binned))
        scores = logits[:, list(self.allowed)]
        probabilities = np.zeros((len(binned), len(self.checkpoint.labels)), dtype=np.float32)
        probabilities[:, list(self.allowed)] = probabilities_from_logits(
            logits=scores.numpy(), counts=totals, temperature=self.checkpoint.temperature
        )
        best = probabilities.argmax(axis=1)
        void = totals < self.checkpoint.condition.counts[0]
        strangeness, unknown = self._judge(
            Seen(torch.from_numpy(binned), features, logits), totals, classes=best
        )
        return Predictions(
            classes=np.where(void, VOID, best).astype(np.int16),
            probabilities=probabilities,
            unknown=unknown & ~void,
            ood_score=np.where(void, 0.0, strangeness).astype(np.float32),
            counts=totals,
        )

    def binned(self, counts: NDArray[np.generic]) -> NDArray[np.float32]:
        """Bring counts of shape (spectrum, channel) onto the model's axis, (spectrum, bin)."""
        return np.asarray(self._rebin(counts))


class Scorer:
    """A checkpoint's network, made ready to be applied to many spectra on its own axis.

    Spectra of more counts than the model was trained for are scaled down to the most it knows:
    beyond, its trust in small differences would exceed what the simulation deserves.

    Parameters
    ----------
    checkpoint
        The model.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._network = prepared_for_inference(cast(SpectralNetwork, checkpoint.network))
        self._chain = checkpoint.bound_chain
        self._most = checkpoint.condition.counts[1]
        self._classes = len(checkpoint.labels)

    def __call__(self, counts: torch.Tensor) -> torch.Tensor:
        """Logits, shape (spectrum, class), of counts, shape (spectrum, bin), float32."""
        return self.features_and_logits(counts)[1]

    def features_and_logits(self, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the network's head decides by, shape (spectrum, feature), and its logits."""
        logits = torch.empty(len(counts), self._classes)
        features = torch.empty(len(counts), self._network.network.head.in_features)
        with torch.inference_mode():
            for first in range(0, len(counts), CHUNK):
                chunk = counts[first : first + CHUNK]
                scale = (self._most / chunk.sum(dim=1, keepdim=True).clamp_min(1.0)).clamp_max(1.0)
                inputs = network_inputs(chunk * scale, self._chain)
                found = self._network.features(*inputs)
                features[first : first + CHUNK] = found
                logits[first : first + CHUNK] = self._network.network.head(found)
        return features, logits


def logits_from_counts(checkpoint: Checkpoint, counts: torch.Tensor) -> torch.Tensor:
    """Apply a checkpoint's network once, as `Scorer` does.

    Parameters
    ----------
    counts
        Shape (spectrum, bin), float32, on the model's axis.

    Returns
    -------
    Tensor
        Shape (spectrum, class).
    """
    return Scorer(checkpoint)(counts)
