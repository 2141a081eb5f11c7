"""What a network is shown of a spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from lithoscope.preprocess.chain import BoundChain
from lithoscope.preprocess.network_inputs import roots_and_shape


def network_inputs(counts: Tensor, chain: BoundChain | None = None) -> tuple[Tensor, Tensor]:
    """Turn counts into a network's inputs.

    Parameters
    ----------
    counts
        Shape (batch, bin), 0 or more, on the model's axis.
    chain
        The model's preprocessing; the default chain's logarithm of roots and root of the shape when
        left out.

    Returns
    -------
    spectra : Tensor
        Shape (batch, channel, length); (batch, 2, bin) by the default chain.
    log_total : Tensor
        Decimal logarithm of the total of the counts as they were, centred, shape (batch, 1):
        whatever the chain does, the network knows how much it can trust.
    """
    total = counts.sum(dim=1, keepdim=True).clamp_min(1.0)
    spectra = roots_and_shape(counts) if chain is None else chain.network_inputs(counts)
    return spectra, torch.log10(total) - 3.5
