"""A convolutional variational autoencoder of spectra, with a Poisson likelihood of the counts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lithoscope.preprocess.network_inputs import N_INPUTS, roots_and_shape

_WIDTHS = (16, 32, 48)
_KERNEL = 5
_STRIDE = 2
_DENSE = 256
# The likelihood of spectra of more counts is taken as of so many: beyond, few bright spectra would
# be all that is learnt.
_MOST_COUNTS = 10_000.0


class VaeNetwork(nn.Module):
    """Encodes spectra as a few normal variables, and decodes those to shares of bins.

    Kingma and Welling (2014, ICLR); beta after Higgins et al. (2017, ICLR).

    Parameters
    ----------
    n_bins
        Bins of a spectrum.
    latent
        Variables of the code.
    """

    def __init__(self, n_bins: int, latent: int) -> None:
        super().__init__()
        down: list[nn.Module] = []
        self.lengths = [n_bins]
        width = N_INPUTS
        for wider in _WIDTHS:
            down += [
                nn.Conv1d(width, wider, _KERNEL, stride=_STRIDE, padding=_KERNEL // 2),
                nn.GELU(approximate="tanh"),
            ]
            width = wider
            self.lengths.append((self.lengths[-1] - 1) // _STRIDE + 1)
        self.down = nn.Sequential(*down)
        flat = width * self.lengths[-1]
        self.encode_dense = nn.Sequential(nn.Linear(flat, _DENSE), nn.GELU(approximate="tanh"))
        self.code = nn.Linear(_DENSE, 2 * latent)
        self.decode_dense = nn.Sequential(
            nn.Linear(latent, _DENSE), nn.GELU(approximate="tanh"), nn.Linear(_DENSE, flat)
        )
        narrower = (*reversed(_WIDTHS[:-1]), 1)
        self.up = nn.ModuleList(
            nn.Conv1d(wide, narrow, _KERNEL, padding=_KERNEL // 2)
            for wide, narrow in zip(reversed(_WIDTHS), narrower, strict=True)
        )

    def encode(self, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the code of counts, shape (batch, latent) each."""
        hidden = self.encode_dense(self.down(roots_and_shape(counts)).flatten(1))
        mean, log_variance = self.code(hidden).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 6)

    def decode(self, code: Tensor) -> Tensor:
        """Logarithm of the share of each bin for codes, shape (batch, bin)."""
        values = self.decode_dense(code).unflatten(1, (_WIDTHS[-1], self.lengths[-1]))
        for index, layer in enumerate(self.up):
            values = nn.functional.gelu(values, approximate="tanh")
            values = nn.functional.interpolate(values, size=self.lengths[-2 - index])
            values = layer(values)
        return torch.log_softmax(values[:, 0].float(), dim=1)

    def forward(self, counts: Tensor) -> Tensor:
        """Expected counts of each bin, of the same total, from the code's mean."""
        mean, _ = self.encode(counts)
        return counts.sum(dim=1, keepdim=True) * torch.exp(self.decode(mean))


def vae_loss(network: VaeNetwork, counts: Tensor, *, beta: float, noise: Tensor) -> Tensor:
    """Negative evidence bound of a batch, a spectrum.

    ``-sum_j n_j ln s_j + beta KL(q(z | n) | N(0, 1))`` with the decoded shares s of a code drawn
    from q. With the total given, the Poisson likelihood of counts ``N s_j`` is this and a constant.

    Parameters
    ----------
    network
        The network.
    counts
        Shape (batch, bin).
    beta
        Weight of the divergence.
    noise
        Standard normal draws, shape (batch, latent).
    """
    mean, log_variance = network.encode(counts)
    log_shares = network.decode(mean + torch.exp(log_variance / 2) * noise)
    scale = (_MOST_COUNTS / counts.sum(dim=1).clamp_min(1.0)).clamp_max(1.0)
    surprise = -scale * (counts * log_shares).sum(dim=1)
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)
    return (surprise + beta * divergence).mean()
