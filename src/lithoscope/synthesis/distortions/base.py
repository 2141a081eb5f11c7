"""What a distortion is: parameters are sampled first, then applied, and both are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.surface import Surface

# Parameters of a batch by name, each of shape (batch, ...).
Parameters = Mapping[str, Tensor]

MAX_SEVERITY = 5.0


@dataclass(frozen=True)
class Distortion(ABC):
    """Something that makes measured spectra differ from ideal ones.

    Parameters
    ----------
    severity
        From 0, which changes nothing at all, to 5. At 2 it is as strong as on real machines, as
        far as that has been measured; each module says how strong that is, and why.
    """

    severity: float = 2.0
    name: ClassVar[str]
    summary: ClassVar[str]

    def __post_init__(self) -> None:
        if not 0 <= self.severity <= MAX_SEVERITY:
            raise InvalidValueError(
                f"{self.name} at severity {self.severity}.",
                expected=f"0 (nothing) to {MAX_SEVERITY:g}",
            )


class MachineDistortion(Distortion):
    """Something about the machine that no header tells; drawn once for each machine."""

    @abstractmethod
    def sample(self, instrument: Instrument, rng: np.random.Generator) -> dict[str, float]:
        """Draw the parameters of one machine of this make."""

    @abstractmethod
    def apply(self, instrument: Instrument, parameters: Mapping[str, float]) -> Instrument:
        """Return the machine with these parameters."""


class SurfaceDistortion(Distortion):
    """How a sample lies and what it is apart from its composition."""

    @abstractmethod
    def sample(
        self, surface: Surface, instrument: Instrument, rng: np.random.Generator
    ) -> dict[str, NDArray[np.float64]]:
        """Draw the parameters of each sample, shapes (sample,)."""

    @abstractmethod
    def apply(
        self,
        surface: Surface,
        parameters: Mapping[str, NDArray[np.float64]],
        instrument: Instrument,
    ) -> Surface:
        """Return the samples with these parameters."""


class SpectrumDistortion(Distortion):
    """Something done to expected spectra before they are counted."""

    @abstractmethod
    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw the parameters of each spectrum, shapes (batch, ...)."""

    @abstractmethod
    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Return the distorted spectra.

        Parameters
        ----------
        spectra
            Counts in the batch's fine bins up to a factor for each spectrum, shape (batch, bin).
        parameters
            As `sample` drew them.
        batch
            What the spectra are of.
        """


class ElectronicDistortion(SpectrumDistortion):
    """The same, on spectra whose counts on the target axis sum to one, to which it adds its own."""


class CountsDistortion(Distortion):
    """Something done to expected counts on the target axis."""

    @abstractmethod
    def sample(self, draws: Draws) -> dict[str, Tensor]:
        """Draw the parameters of each spectrum, shapes (batch, ...)."""

    @abstractmethod
    def apply(self, counts: Tensor, parameters: Parameters, edges_keV: Tensor) -> Tensor:
        """Return the distorted counts.

        Parameters
        ----------
        counts
            Shape (batch, bin).
        parameters
            As `sample` drew them.
        edges_keV
            Edges of the target's bins, shape (bin + 1,).
        """


class Draws:
    """Random numbers for a batch, all from one seed.

    Parameters
    ----------
    count
        Spectra in the batch.
    generator
        Source of the numbers, on the device where they are wanted.
    """

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count = count
        self.generator = generator

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Numbers from low to high, shape (batch, *shape)."""
        numbers = torch.rand(
            (self.count, *shape), generator=self.generator, device=self.generator.device
        )
        return low + (high - low) * numbers

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, shape (batch, *shape)."""
        return torch.randn(
            (self.count, *shape), generator=self.generator, device=self.generator.device
        )

    def happens(self, probability: float) -> Tensor:
        """Whether something of a probability happens, shape (batch,)."""
        return self.uniform() < probability

    def whole(self, below: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to less than `below`, shape (batch, *shape)."""
        return torch.randint(
            below,
            (self.count, *shape),
            generator=self.generator,
            device=self.generator.device,
        )
