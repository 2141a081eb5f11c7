"""How the small networks among the detectors are fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_BATCH, _EPOCHS, _LEARNING_RATE, _WEIGHT_DECAY = 256, 6, 2e-3, 1e-2

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Layers:
    """Weight and bias of two linear layers."""

    first: Weights
    second: Weights

    @classmethod
    def of(cls, network: nn.Sequential) -> Self:
        """Return those of a network."""
        linear = [layer for layer in network if isinstance(layer, nn.Linear)]
        found = [
            (layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy())
            for layer in linear
        ]
        return cls(found[0], found[1])


def fit_network(
    network: nn.Sequential, loss: Callable[[Tensor], Tensor], count: int
) -> nn.Sequential:
    """Minimise a loss over some passes through all rows, weights and order seeded.

    Parameters
    ----------
    network
        To be fitted, in place.
    loss
        Gives the mean loss of the rows of these numbers.
    count
        Rows.
    """
    generator = torch.Generator().manual_seed(0)
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
            nn.init.zeros_(layer.bias)
    batches = -(-count // _BATCH)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _LEARNING_RATE, total_steps=_EPOCHS * batches
    )
    for _ in range(_EPOCHS):
        for rows in torch.randperm(count, generator=generator).split(_BATCH):
            optimizer.zero_grad()
            loss(rows).backward()
            optimizer.step()
            schedule.step()
    return network.eval().requires_grad_(False)
