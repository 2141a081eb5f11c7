"""What all detectors share."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.models.precision import cpu_has_bf16

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Seen:
    """Spectra, and what a network made of them.

    Parameters
    ----------
    counts
        On the model's axis, shape (spectrum, bin), float32.
    features
        What the network's head decides by, shape (spectrum, feature).
    logits
        Of all classes, shape (spectrum, class).
    """

    counts: Tensor
    features: Tensor
    logits: Tensor

    def __post_init__(self) -> None:
        sizes = {len(one) for one in (self.counts, self.features, self.logits)}
        if len(sizes) != 1 or any(
            one.ndim != 2 for one in (self.counts, self.features, self.logits)
        ):
            raise InvalidValueError(
                f"Counts {tuple(self.counts.shape)}, features {tuple(self.features.shape)} and "
                f"logits {tuple(self.logits.shape)}.",
                expected="a row of each for each spectrum",
            )

    def __len__(self) -> int:
        return len(self.counts)

    def of(self, rows: Tensor | slice) -> Seen:
        """Return some of the spectra."""
        return Seen(self.counts[rows], self.features[rows], self.logits[rows])

    @staticmethod
    def joined(parts: list[Seen]) -> Seen:
        """Return several one after the other."""
        return Seen(
            torch.cat([one.counts for one in parts]),
            torch.cat([one.features for one in parts]),
            torch.cat([one.logits for one in parts]),
        )


@dataclass(frozen=True, eq=False)
class Detector(ABC):
    """Scores how strange spectra are; its fields are arrays, empty until it is fitted."""

    name: ClassVar[str]

    @abstractmethod
    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Return a copy that was fitted.

        Parameters
        ----------
        known
            Spectra of what the model knows, at all counts.
        classes
            Their true classes, shape (spectrum,), int64.
        surrogates
            Spectra of what it does not know, made up; most detectors do without.
        """

    @abstractmethod
    def score(self, seen: Seen) -> Tensor:
        """Return how strange each spectrum is, shape (spectrum,), float32; higher is stranger."""

    def arrays(self) -> dict[str, FloatArray]:
        """What was fitted, by ``detector/field``."""
        return {
            f"{self.name}/{one.name}": getattr(self, one.name) for one in dataclasses.fields(self)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Return the detector whose `arrays` these are among.

        Raises
        ------
        CheckpointError
            If one is missing.
        """
        return cls(
            **{one.name: array_of(arrays, cls.name, one.name) for one in dataclasses.fields(cls)}
        )


def array_of(arrays: Mapping[str, Any], detector: str, field: str) -> Any:
    """Return one of a detector's stored arrays.

    Raises
    ------
    CheckpointError
        If it is missing.
    """
    try:
        return arrays[f"{detector}/{field}"]
    except KeyError:
        raise CheckpointError(
            f"The detector '{detector}' lacks its '{field}'.",
            expected="the arrays that `lithoscope train` wrote",
            remedy="fit it anew: python -m benchmarks.recalibrate MODEL -o DIR",
        ) from None


def tensor(array: FloatArray) -> Tensor:
    """Return a stored array for computing, single precision."""
    return torch.from_numpy(np.asarray(array, dtype=np.float32))


def linear(values: Tensor, weight: FloatArray, bias: FloatArray) -> Tensor:
    """Apply a layer, in half precision where the processor is fast at it; gives float32."""
    dtype = torch.bfloat16 if cpu_has_bf16() else torch.float32
    return nn.functional.linear(
        values.to(dtype), tensor(weight).to(dtype), tensor(bias).to(dtype)
    ).float()


def unfitted() -> FloatArray:
    """Return what stands in a field until it is fitted: nothing."""
    return np.zeros(0, dtype=np.float32)
