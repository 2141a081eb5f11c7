"""The control: a plain 1D-CNN, the same at the cost of attention, and the same in large."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from lithoscope.models.networks.base import FEATURES, SpectralNetwork
from lithoscope.models.networks.trunk import WIDTHS, ConvolutionTrunk, DenseFeatures

# Filters and dense width that cost what `cnn-attention` does, parameters and multiply-adds, on 466
# bins and 275 classes, within 1 % (tests/models/test_networks.py).
_WIDE, _WIDE_DENSE = (28, 52, 104, 72), 260
# What two cores can name 25 000 spectra a second with; in multiples of 32, by which CPUs multiply
# bfloat16.
_LARGE, _LARGE_DENSE = (32, 64, 128, 96), 512


class Cnn(SpectralNetwork):
    """Strided convolutions, one dense layer over all positions, one output a class.

    Strides early on keep the work on two CPU cores small (design record 0004). Batch
    normalisation follows each convolution and folds into it at inference.

    Parameters
    ----------
    n_inputs, n_bins, n_classes
        As of `SpectralNetwork`.
    widths
        Filters of each convolution.
    dense
        Width of the dense layer.
    """

    def __init__(
        self,
        n_inputs: int,
        n_bins: int,
        n_classes: int,
        *,
        widths: Sequence[int] = WIDTHS,
        dense: int = FEATURES,
    ) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.convolutions = ConvolutionTrunk(n_inputs, n_bins, widths)
        self.dense = DenseFeatures(self.convolutions.width * self.convolutions.length, dense)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        maps = self.convolutions(spectra)
        return self.dense(maps.flatten(1), log_total)


class WideCnn(Cnn):
    """The control at the parameters and multiply-adds of `CnnAttention` on 466 bins.

    What attention gains over this one it does not gain by size or work.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes, widths=_WIDE, dense=_WIDE_DENSE)


class LargeCnn(Cnn):
    """The control with more filters and twice the features; the shipped model (record 0018)."""

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes, widths=_LARGE, dense=_LARGE_DENSE)
