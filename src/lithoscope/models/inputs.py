"""What a network is shown of a spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

# Channels of the network's input.
N_INPUTS = 2


def network_inputs(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Turn counts into a network's inputs.

    The first channel is the logarithm of Anscombe-like roots, in which a small peak is as
    visible as its significance allows over six decades of counts; the second is the root of the
    spectrum's shape, independent of exposure.

    Parameters
    ----------
    counts
        Shape (batch, bin), 0 or more.

    Returns
    -------
    spectra : Tensor
        Shape (batch, 2, bin).
    log_total : Tensor
        Decimal logarithm of total counts, centred, shape (batch, 1).
    """
    total = counts.sum(dim=1, keepdim=True).clamp_min(1.0)
    roots = torch.log1p(torch.sqrt(counts))
    shape = 10 * torch.sqrt(counts / total)
    return torch.stack([roots, shape], dim=1), torch.log10(total) - 3.5
