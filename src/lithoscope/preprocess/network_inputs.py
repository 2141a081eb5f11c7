"""The step that ends the default chain: what a network is shown of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.preprocess.layout import Kind, Layout
from lithoscope.preprocess.step import Step, Transform

_TAKES: tuple[Kind, ...] = ("counts", "net", "shares")
# Channels that the step gives.
N_INPUTS = 2


def roots_and_shape(counts: Tensor) -> Tensor:
    """Two views of counts, shape (batch, 2, bin).

    The first is the logarithm of Anscombe-like roots, in which a small peak is as visible as its
    significance allows over six decades of counts; the second is the root of the spectrum's shape,
    independent of exposure.

    Parameters
    ----------
    counts
        Shape (batch, bin), 0 or more.
    """
    total = counts.sum(dim=1, keepdim=True).clamp_min(1.0)
    roots = torch.log1p(torch.sqrt(counts))
    return torch.stack([roots, 10 * torch.sqrt(counts / total)], dim=1)


@dataclass(frozen=True, eq=False)
class NetworkInputs(Step):
    """Ends a chain of counts or intensities with two channels: log of roots, and root of shape."""

    name: ClassVar[str] = "network"

    def after(self, layout: Layout) -> Layout:
        """Two channels on the same axis."""
        edges = layout.edges_for(self.name, _TAKES)
        return Layout("inputs", layout.length, edges, channels=N_INPUTS)

    def bound(self, layout: Layout) -> Transform:
        """Stack both views."""
        layout.edges_for(self.name, _TAKES)
        return lambda values, _: roots_and_shape(values)
