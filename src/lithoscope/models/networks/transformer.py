"""A transformer over patches of the spectrum."""

from __future__ import annotations

from torch import Tensor, nn

from lithoscope.models.networks.attention import AttendingNetwork, TransformerBlock
from lithoscope.models.networks.patches import Patches
from lithoscope.models.networks.trunk import DenseFeatures

_WIDTH, _HEADS, _BLOCKS = 64, 2, 2
# Values of each position that the dense layer is shown.
_NARROWED = 16


class Transformer(AttendingNetwork):
    """Patches with learned positions through two transformer blocks, no convolution.

    Dosovitskiy et al. 2021 (ICLR) in one dimension. Instead of a class token, which learns
    slowly, a dense layer sees all positions, narrowed to 16 values each.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.patches = Patches(n_inputs, n_bins, _WIDTH)
        self.bins_per_position = self.patches.size
        self.blocks = nn.ModuleList(TransformerBlock(_WIDTH, _HEADS) for _ in range(_BLOCKS))
        self.narrowed = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, _NARROWED))
        self.dense = DenseFeatures(_NARROWED * self.patches.length)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        positions = self.patches(spectra)
        for block in self.blocks:
            positions = block(positions)
        return self.dense(self.narrowed(positions).flatten(1), log_total)

    def attention_weights(self, spectra: Tensor) -> Tensor:
        """Return the weights of the first block, which attends to patches as they are.

        Parameters
        ----------
        spectra
            Shape (batch, input, bin).

        Returns
        -------
        Tensor, shape (batch, head, query, key), sums over keys of 1
        """
        first = self.blocks[0]
        assert isinstance(first, TransformerBlock)
        return first.weights(self.patches(spectra))

    def attention(self, spectra: Tensor) -> Tensor:
        """See `AttendingNetwork.attention`; first block, mean over heads and asking positions."""
        return self.attention_weights(spectra).mean(dim=(1, 2))
