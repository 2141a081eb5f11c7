"""What a network costs: parameters and multiply-adds."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameter_count(network: nn.Module) -> int:
    """Trainable parameters."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def multiply_adds(network: nn.Module, *, n_inputs: int, n_bins: int) -> int:
    """Multiply-adds of matrix products and convolutions for one spectrum.

    Normalisation, activations and sums are not counted. Counted on shapes alone, without
    arithmetic, so that recurrent layers appear as the products they consist of.

    Parameters
    ----------
    network
        A network of inputs as in `models.networks.base`.
    n_inputs, n_bins
        Shape of one spectrum.
    """
    shapes = copy.deepcopy(network).to("meta").eval()
    spectrum = torch.zeros(1, n_inputs, n_bins, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shapes(spectrum, torch.zeros(1, 1, device="meta"))
    return counter.get_total_flops() // 2
