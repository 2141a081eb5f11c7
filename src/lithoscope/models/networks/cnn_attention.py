"""The control with light self-attention over its positions."""

from __future__ import annotations

from torch import Tensor, nn

from lithoscope.models.networks.attention import (
    AttendingNetwork,
    SelfAttention,
    learned_positions,
)
from lithoscope.models.networks.trunk import ConvolutionTrunk, DenseFeatures

_HEADS = 3


class CnnAttention(AttendingNetwork):
    """`Cnn` with one layer of multi-head self-attention between convolutions and dense layer.

    Every position is shown the others, weighted by how much they have to say to each other, and the
    result is added to what it had (Vaswani et al. 2017); on spectra after Zhang et al. 2024
    (J. Anal. At. Spectrom. 39, 478). All else is as in `Cnn`, so that the two differ by
    attention alone.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.convolutions = ConvolutionTrunk(n_inputs, n_bins)
        width, length = self.convolutions.width, self.convolutions.length
        self.bins_per_position = self.convolutions.stride
        self.positions = learned_positions(length, width)
        self.norm = nn.LayerNorm(width)
        self.self_attention = SelfAttention(width, _HEADS)
        self.dense = DenseFeatures(width * length)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        maps = self.convolutions(spectra)
        mixed = self.self_attention(self._normalised(maps))
        return self.dense((maps + mixed.transpose(1, 2)).flatten(1), log_total)

    def attention_weights(self, spectra: Tensor) -> Tensor:
        """Return the weights of each head.

        Parameters
        ----------
        spectra
            Shape (batch, input, bin).

        Returns
        -------
        Tensor, shape (batch, head, query, key), sums over keys of 1
        """
        return self.self_attention.weights(self._normalised(self.convolutions(spectra)))

    def attention(self, spectra: Tensor) -> Tensor:
        """See `AttendingNetwork.attention`; the mean over heads and asking positions."""
        return self.attention_weights(spectra).mean(dim=(1, 2))

    def _normalised(self, maps: Tensor) -> Tensor:
        """From (batch, width, position) to (batch, position, width), places made known."""
        normalised: Tensor = self.norm(maps.transpose(1, 2) + self.positions)
        return normalised
