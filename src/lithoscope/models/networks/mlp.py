"""Dense layers alone."""

from __future__ import annotations

from torch import Tensor, nn

from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.models.networks.trunk import DenseFeatures

_HIDDEN = 384


class Mlp(SpectralNetwork):
    """Two dense layers over all bins: no neighbourhood is assumed.

    The multilayer perceptron of Rumelhart et al. 1986 with batch normalisation; for codes such as
    PCA scores, whose order means nothing, the network that assumes no order either.
    """

    least_bins = 1

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.hidden = nn.Sequential(
            nn.Linear(n_inputs * n_bins, _HIDDEN, bias=False),
            nn.BatchNorm1d(_HIDDEN),
            nn.GELU(approximate="tanh"),
        )
        self.dense = DenseFeatures(_HIDDEN)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        return self.dense(self.hidden(spectra.flatten(1)), log_total)
