"""What belongs to a trained model, kept together."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from lithoscope.core.labels import LabelSet
from lithoscope.errors import CheckpointError
from lithoscope.models.confidence import UNCALIBRATED, ConformalThresholds, Temperature
from lithoscope.models.unknown_parts import StoredDetector
from lithoscope.preprocess.chain import DEFAULT_CHAIN, BoundChain, Chain
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition


@dataclass(frozen=True)
class UnknownThreshold:
    """Above which score a spectrum counts as unknown, by total counts and class.

    Parameters
    ----------
    counts
        Total counts at which thresholds were fitted, increasing.
    scores
        Threshold of each class at each of them; in between they are interpolated over log counts.
    false_alarms
        Share of known spectra of a class that lie above, by which the thresholds were chosen.
    """

    counts: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]
    false_alarms: float

    def __post_init__(self) -> None:
        if not self.counts or len(self.counts) != len(self.scores):
            raise CheckpointError(
                f"{len(self.counts)} count levels with {len(self.scores)} thresholds.",
                expected="a row of thresholds for each level",
            )
        if len({len(row) for row in self.scores}) != 1:
            raise CheckpointError(
                "Thresholds for differing numbers of classes.",
                expected="a threshold for each class at every level",
            )
        if list(self.counts) != sorted(set(self.counts)) or self.counts[0] <= 0:
            raise CheckpointError(
                f"Threshold count levels {self.counts}.", expected="positive, increasing counts"
            )


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained model with all that its use requires.

    Parameters
    ----------
    name
        What the model is called.
    network_name
        Its architecture in the registry.
    network
        The network with its weights, in evaluation mode.
    axis
        The axis onto which counts are brought.
    labels
        Its classes.
    condition
        How the spectra it was trained on were measured: distortions, and counts from where they
        suffice to most that it knows.
    instruments
        Names of the instruments it was trained for.
    voltages_kV
        Lowest and highest tube voltage it was trained for.
    threshold
        When a spectrum is unknown by the energy of its logits.
    card
        What it was trained and tested on, and the accuracies, for people to read.
    preprocessing
        What is done to counts on the axis before the network sees them.
    temperature
        By what logits are divided so that probabilities are right as often as they say.
    conformal
        What a class needs to stand in a set of a given coverage; ``None`` where it was not fitted.
    detector
        By what the unknown is told; ``None`` where it was not fitted, and `threshold` decides.
    """

    name: str
    network_name: str
    network: nn.Module
    axis: ModelAxis
    labels: LabelSet
    condition: Condition
    instruments: tuple[str, ...]
    voltages_kV: tuple[float, float]
    threshold: UnknownThreshold
    card: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Chain = DEFAULT_CHAIN
    temperature: Temperature = UNCALIBRATED
    conformal: ConformalThresholds | None = None
    detector: StoredDetector | None = None

    @functools.cached_property
    def bound_chain(self) -> BoundChain:
        """The preprocessing, ready for counts on the axis."""
        return self.preprocessing.on(self.axis.edges_keV)

    def with_network(self, network: nn.Module, *, name: str) -> Checkpoint:
        """Return this model with other weights, what was fitted to the old ones dropped."""
        return dataclasses.replace(
            self,
            name=name,
            network=network,
            temperature=UNCALIBRATED,
            conformal=None,
            detector=None,
        )
