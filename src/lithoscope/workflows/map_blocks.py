"""What is done with one block of rows: read, bring onto the model's axis, predict, score."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.inference.net_counts import LineCounter
from lithoscope.inference.posteriors import Posteriors, posteriors_from_probabilities
from lithoscope.inference.predict import Predictor
from lithoscope.workflows.map_plan import MapPlan


@dataclass(frozen=True, eq=False)
class ReadBlock:
    """Counts of a block, as they are needed from here on.

    Parameters
    ----------
    binned
        Counts on the model's axis, shape (spectrum, bin).
    net_counts
        Net counts of the plan's lines, shape (spectrum, line).
    sum_spectrum
        Sum of the spectra on the scan's axis, shape (channel,).
    """

    binned: NDArray[np.float32]
    net_counts: NDArray[np.float32]
    sum_spectrum: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MappedBlock:
    """What a block leaves; spectra are in the order of rows and columns.

    Parameters
    ----------
    classes, confidence, unknown, ood_score, counts
        As in `Predictions`, shape (spectrum,).
    best, log_best, log_rest
        The fields `classes`, `log_probabilities` and `log_rest` of `Posteriors`.
    net_counts, sum_spectrum
        As in `ReadBlock`.
    """

    classes: NDArray[np.int16]
    confidence: NDArray[np.float32]
    unknown: NDArray[np.bool_]
    ood_score: NDArray[np.float32]
    counts: NDArray[np.float32]
    best: NDArray[np.uint16]
    log_best: NDArray[np.float16]
    log_rest: NDArray[np.float16]
    net_counts: NDArray[np.float32]
    sum_spectrum: NDArray[np.float64]

    def __post_init__(self) -> None:
        sizes = {name: len(values) for name, values in self.arrays().items() if name != _SUM}
        if len(set(sizes.values())) != 1:
            raise InvalidValueError(
                f"A block whose arrays have lengths of {sizes}.", expected="one length"
            )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    def posteriors(self, allowed: tuple[int, ...]) -> Posteriors:
        """Return the posterior probabilities, shape (spectrum,)."""
        return Posteriors(self.best, self.log_best, self.log_rest, allowed)


_SUM = "sum_spectrum"
ARRAYS = tuple(field.name for field in dataclasses.fields(MappedBlock))


class BlockMapper:
    """Maps blocks of a scan; reading and predicting may go on in two threads.

    Parameters
    ----------
    plan
        What to map.

    Raises
    ------
    InvalidValueError
        If the scan's axis covers too little of the model's.
    """

    def __init__(self, plan: MapPlan) -> None:
        self.plan = plan
        self._predictor = Predictor(
            plan.checkpoint, plan.scan.axis, plan.minerals, false_alarms=plan.false_alarms
        )
        self._count_lines = LineCounter(plan.windows, plan.scan.axis.n_channels)

    def __call__(self, first: int, last: int) -> MappedBlock:
        """Map rows `first` to ``last - 1``."""
        return self.predict(self.read(first, last))

    def read(self, first: int, last: int) -> ReadBlock:
        """Read rows `first` to ``last - 1``; their counts on the scan's axis are not kept."""
        counts = self.plan.scan.rows(first, last)
        spectra = counts.reshape(-1, counts.shape[-1])
        net_counts, total = self._count_lines(spectra)
        return ReadBlock(self._predictor.binned(spectra), net_counts, total)

    def predict(self, read: ReadBlock) -> MappedBlock:
        """Say what the spectra of a block are."""
        said = self._predictor.of_binned(read.binned)
        posteriors = posteriors_from_probabilities(said.probabilities, allowed=self.plan.allowed)
        return MappedBlock(
            classes=said.classes,
            confidence=said.confidence,
            unknown=said.unknown,
            ood_score=said.ood_score,
            counts=said.counts,
            best=posteriors.classes,
            log_best=posteriors.log_probabilities,
            log_rest=posteriors.log_rest,
            net_counts=read.net_counts,
            sum_spectrum=read.sum_spectrum,
        )
