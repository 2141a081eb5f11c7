"""Multi-head self-attention over the positions of a spectrum, with weights that can be seen."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from lithoscope.models.networks.base import SpectralNetwork

_FIRST_SPREAD = 0.02


class AttendingNetwork(SpectralNetwork):
    """A network that can say which positions of a spectrum it attended to.

    Position j stands for the bins around ``j * bins_per_position``.
    """

    bins_per_position: int

    @abstractmethod
    def attention(self, spectra: Tensor) -> Tensor:
        """Return the share of attention that each position received.

        Attention shows where a network looked, not what followed from it (Jain and Wallace 2019,
        NAACL): gradients are to be asked beside it.

        Parameters
        ----------
        spectra
            Shape (batch, input, bin).

        Returns
        -------
        Tensor, shape (batch, position), rows of sum 1
        """


class SelfAttention(nn.Module):
    """Scaled dot-product attention of several heads (Vaswani et al. 2017, NeurIPS, section 3.2).

    Queries, keys and values have no biases: that of the keys would change nothing.

    Parameters
    ----------
    width
        Values at each position, a multiple of `heads`.
    heads
        Heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.projected = nn.Linear(width, 3 * width, bias=False)
        self.joined = nn.Linear(width, width)

    def forward(self, positions: Tensor) -> Tensor:
        """From (batch, position, width) to the same shape."""
        queries, keys, values = self._by_head(positions)
        # Written out: on a CPU the fused product of torch takes five times as long backwards.
        weights = _weights(queries, keys).to(values.dtype)
        joined: Tensor = self.joined((weights @ values).transpose(1, 2).flatten(2))
        return joined

    def weights(self, positions: Tensor) -> Tensor:
        """Return the weights by which `forward` mixes, shape (batch, head, query, key)."""
        queries, keys, _ = self._by_head(positions)
        return _weights(queries, keys)

    def _by_head(self, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (batch, head, position, width / heads)."""
        batch, length, _ = positions.shape
        parts = self.projected(positions).view(batch, length, 3, self.heads, -1)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)
        return queries, keys, values


def _weights(queries: Tensor, keys: Tensor) -> Tensor:
    scores = (queries * queries.shape[3] ** -0.5) @ keys.transpose(2, 3)
    return torch.softmax(scores.float(), dim=3)


class TransformerBlock(nn.Module):
    """Self-attention, then a dense layer at each position, each normalised before and added.

    The order of Xiong et al. 2020 (ICML), which trains without a warm-up of its own.

    Parameters
    ----------
    width, heads
        As of `SelfAttention`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.first_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.mixing = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(2 * width, width),
        )

    def forward(self, positions: Tensor) -> Tensor:
        """From (batch, position, width) to the same shape."""
        positions = positions + self.attention(self.first_norm(positions))
        mixed: Tensor = positions + self.mixing(positions)
        return mixed

    def weights(self, positions: Tensor) -> Tensor:
        """Return the attention weights of this block, shape (batch, head, query, key)."""
        return self.attention.weights(self.first_norm(positions))


def learned_positions(length: int, width: int) -> nn.Parameter:
    """Return what is added at each position so that attention knows it, shape (length, width)."""
    return nn.Parameter(_FIRST_SPREAD * torch.randn(length, width))


def attention_over_bins(attention: Tensor, *, n_bins: int, bins_per_position: int) -> Tensor:
    """Spread attention over the bins for drawing it above a spectrum.

    Linear between positions, the sum kept at 1.

    Parameters
    ----------
    attention
        As from `AttendingNetwork.attention`, shape (batch, position).
    n_bins
        Bins of the spectrum.
    bins_per_position
        The network's own.

    Returns
    -------
    Tensor, shape (batch, bin)
    """
    place = torch.arange(n_bins, dtype=attention.dtype, device=attention.device)
    place = (place / bins_per_position).clamp_max(attention.shape[1] - 1)
    below = place.floor().long()
    above = (below + 1).clamp_max(attention.shape[1] - 1)
    share = place - below
    spread = (1 - share) * attention[:, below] + share * attention[:, above]
    return spread / spread.sum(dim=1, keepdim=True)
