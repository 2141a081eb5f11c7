"""Net counts of lines by the control's convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lithoscope.models.networks.cnn import Cnn


class CnnLines(nn.Module):
    """Shares of a spectrum's counts that belong to groups of lines.

    The convolutions, dense layer and head of `Cnn`; a softmax over the groups and one more, all
    that belongs to none (scatter, background), so that shares are positive and sum to one. After
    Preisler et al., X-Ray Spectrometry, whose network reads line intensities from spectra; theirs
    is a regression without that constraint.

    Parameters
    ----------
    n_inputs, n_bins
        As of `SpectralNetwork`.
    n_groups
        Groups of lines.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_groups: int) -> None:
        super().__init__()
        self.trunk = Cnn(n_inputs, n_bins, n_groups + 1)

    def forward(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """Logarithms of the shares.

        Parameters
        ----------
        spectra
            Shape (batch, input, bin).
        log_total
            Shape (batch, 1).

        Returns
        -------
        Tensor, shape (batch, group + 1), float32
            The last column is of what is no line.
        """
        # In bfloat16 a share would be rounded by some per cent, more than 10 000 counts allow.
        with torch.autocast(spectra.device.type, enabled=False):
            return nn.functional.log_softmax(self.trunk(spectra, log_total), dim=1)


def deviance_of_shares(log_shares: Tensor, shares: Tensor, totals: Tensor) -> Tensor:
    """Poisson deviance of true net counts about the network's, the weighted mean over a batch.

    ``2 T sum_g s_g ln(s_g / p_g)``: twice the difference of the Poisson log likelihoods of the
    counts T s and T p, which have the same sum. About the sum of the squared errors, each in units
    of the standard deviation that counting alone gives; its minimum is the posterior mean. Spectra
    are weighted by ``1 / sqrt(T)``: of many counts, for which a network errs by more than noise,
    few would else decide all.

    Parameters
    ----------
    log_shares
        Logarithms of p, shape (batch, group + 1).
    shares
        True shares s of all groups and the rest, shape (batch, group + 1).
    totals
        Counts T, shape (batch,).

    Returns
    -------
    Tensor, shape ()
    """
    divergence = nn.functional.kl_div(log_shares, shares, reduction="none").sum(dim=1)
    return 2 * (totals.sqrt() * divergence).mean()
