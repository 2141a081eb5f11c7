"""A hybrid of convolutions and a bidirectional LSTM."""

from __future__ import annotations

from torch import Tensor, nn

from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.models.networks.trunk import ConvolutionTrunk, DenseFeatures

_HIDDEN = 36


class CnnBiLstm(SpectralNetwork):
    """The control's convolutions, then an LSTM that reads the spectrum in both directions.

    Long short-term memory of Hochreiter and Schmidhuber 1997; the hybrid as Zhao et al. 2020
    (Sensors 20, 7109) and Yang et al. 2024 (Anal. Chim. Acta 1323, 343073) have it, but with the
    dense layer over the outputs at all positions, which are as many and wide as those of `Cnn`.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.convolutions = ConvolutionTrunk(n_inputs, n_bins)
        self.recurrent = nn.LSTM(
            self.convolutions.width, _HIDDEN, batch_first=True, bidirectional=True
        )
        self.dense = DenseFeatures(2 * _HIDDEN * self.convolutions.length)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        maps = self.convolutions(spectra)
        read, _ = self.recurrent(maps.transpose(1, 2))
        return self.dense(read.flatten(1), log_total)
