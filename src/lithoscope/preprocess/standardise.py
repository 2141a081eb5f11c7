"""Standardisation of every channel by what was seen in training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from lithoscope.preprocess.layout import Kind, Layout
from lithoscope.preprocess.step import FittedStep, Transform

_TAKES: tuple[Kind, ...] = ("counts", "net", "shares", "scaled", "scores")


@dataclass(frozen=True, eq=False)
class Standardise(FittedStep):
    """Subtracts each channel's mean and divides by its standard deviation over the training.

    A channel that never varied there gives 0.
    """

    name: ClassVar[str] = "standardise"

    def after(self, layout: Layout) -> Layout:
        """The same axis, or scores as before."""
        layout.require(self.name, _TAKES)
        kind: Kind = "scores" if layout.kind == "scores" else "scaled"
        return Layout(kind, layout.length, layout.edges_keV)

    def fit(self, batches: Iterable[Tensor], layout: Layout) -> Self:
        """Gather mean and variance batch by batch (Chan et al. 1983, Am. Stat. 37, 242)."""
        layout.require(self.name, _TAKES)
        count, mean, squares = 0, np.zeros(layout.length), np.zeros(layout.length)
        for batch in batches:
            values = batch.cpu().numpy().astype(np.float64)
            if not len(values):
                continue
            total = count + len(values)
            own = values.mean(axis=0)
            apart = own - mean
            squares += ((values - own) ** 2).sum(axis=0) + apart**2 * count * len(values) / total
            mean += apart * len(values) / total
            count = total
        if count < 2:
            raise self.no_spectra()
        deviation = np.sqrt(squares / count)
        state = {"mean": mean.astype(np.float32), "deviation": deviation.astype(np.float32)}
        return dataclasses.replace(self, state=state)

    def bound(self, layout: Layout) -> Transform:
        """Standardise with the stored statistics."""
        mean = torch.from_numpy(self.learnt("mean", (layout.length,)))
        deviation = torch.from_numpy(self.learnt("deviation", (layout.length,)))
        scale = torch.where(deviation > 0, 1 / deviation.clamp_min(1e-30), 0.0)
        return lambda values, _: (values - mean.to(values)) * scale.to(values)
