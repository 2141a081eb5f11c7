"""Convolutions, a bidirectional GRU, and attention over its outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lithoscope.models.networks.attention import AttendingNetwork
from lithoscope.models.networks.trunk import ConvolutionTrunk, DenseFeatures

_HIDDEN = 96


class CnnBiGruAttention(AttendingNetwork):
    """1D-CNN and attention-based BiGRU after Yuan et al. 2022 (Constr. Build. Mater. 350, 128799).

    A gated recurrent unit (Cho et al. 2014) reads the positions in both directions; additive
    attention (Bahdanau et al. 2015, ICLR) sums its outputs with one weight a position, and only
    this sum goes on. Theirs predicts moisture from near-infrared spectra; convolutions here are the
    control's.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.convolutions = ConvolutionTrunk(n_inputs, n_bins)
        self.bins_per_position = self.convolutions.stride
        self.recurrent = nn.GRU(
            self.convolutions.width, _HIDDEN, batch_first=True, bidirectional=True
        )
        # A last bias would add the same everywhere, which softmax takes away.
        self.score = nn.Sequential(
            nn.Linear(2 * _HIDDEN, _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, 1, bias=False)
        )
        self.dense = DenseFeatures(2 * _HIDDEN)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        read, weights = self._read(spectra)
        return self.dense((weights.to(read.dtype)[:, None] @ read).squeeze(1), log_total)

    def attention(self, spectra: Tensor) -> Tensor:
        """See `AttendingNetwork.attention`; these are the weights of the sum that goes on."""
        return self._read(spectra)[1]

    def _read(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs, shape (batch, position, width), and their weights, (batch, position)."""
        read, _ = self.recurrent(self.convolutions(spectra).transpose(1, 2))
        return read, torch.softmax(self.score(read).squeeze(2).float(), dim=1)
