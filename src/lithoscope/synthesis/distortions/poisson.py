"""Counting statistics."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.synthesis.distortions.base import Distortion, Draws, Parameters


class Poisson(Distortion):
    """Counts that are Poisson about what is expected, at any severity above 0.

    How noisy that is, is a matter of how many counts there are, which is asked for by itself.
    """

    name: ClassVar[str] = "poisson"
    summary: ClassVar[str] = "counting noise"

    def sample(self, draws: Draws) -> dict[str, Tensor]:
        """Draw the seed of the batch's noise, the same number for each spectrum."""
        return {"seed": draws.whole(2**31 - 1)[:1].expand(draws.count)}

    def apply(self, expected: Tensor, parameters: Parameters) -> Tensor:
        """Count."""
        if self.severity == 0:
            return expected
        generator = torch.Generator(expected.device)
        generator.manual_seed(int(parameters["seed"][0]))
        return torch.poisson(expected, generator=generator)
