"""The control with squeeze-and-excitation after each convolution."""

from __future__ import annotations

from torch import Tensor, nn

from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.models.networks.trunk import ConvolutionTrunk, DenseFeatures

_REDUCTION = 8


class SqueezeExcitation(nn.Module):
    """Weighs each filter by what all filters found in the whole spectrum.

    Hu et al. 2018 (CVPR), equations 2 to 4.

    Parameters
    ----------
    width
        Filters.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = width // _REDUCTION
        self.excitation = nn.Sequential(
            nn.Linear(width, narrow),
            nn.GELU(approximate="tanh"),
            nn.Linear(narrow, width),
            nn.Sigmoid(),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """From (batch, width, position) to the same shape; further axes of positions may follow."""
        weights = self.excitation(maps.flatten(2).mean(dim=2))
        weighted: Tensor = maps * weights.reshape(*weights.shape, *(1,) * (maps.dim() - 2))
        return weighted


class CnnSqueezeExcitation(SpectralNetwork):
    """`Cnn` with squeeze-and-excitation after each activation.

    On X-ray spectra after Yang et al. 2024 (Anal. Chim. Acta 1323, 343073), whose wavelets and
    LSTM are left out here.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.convolutions = ConvolutionTrunk(n_inputs, n_bins, between=SqueezeExcitation)
        self.dense = DenseFeatures(self.convolutions.width * self.convolutions.length)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        maps = self.convolutions(spectra)
        return self.dense(maps.flatten(1), log_total)
