"""The baseline 1D-CNN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lithoscope.preprocess.network_inputs import N_INPUTS

_WIDTHS = (24, 48, 72, 72)
_KERNELS = (7, 5, 3, 3)
_STRIDE = 2
_UNSTRIDED = 16


class Cnn(nn.Module):
    """Four strided convolutions, one dense layer, one output a class.

    Strides early on keep the work on two CPU cores small (design record 0004). Batch
    normalisation follows each convolution and folds into it at inference.

    Parameters
    ----------
    n_bins
        Length of what the preprocessing gives: bins of the model's axis by default.
    n_classes
        Classes.
    n_inputs
        Channels of what the preprocessing gives.
    dense
        Width of the dense layer, whose activations are the spectrum's features.
    """

    def __init__(
        self, n_bins: int, n_classes: int, *, n_inputs: int = N_INPUTS, dense: int = 256
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width, length = n_inputs, n_bins
        for wider, longest in zip(_WIDTHS, _KERNELS, strict=True):
            # A tap that lies in the padding at every place has no gradient, and in bfloat16 what
            # comes out for it is NaN (torch 2.13 on CPU): scores are few, and not strided over.
            kernel = min(longest, 2 * length - 1)
            stride = _STRIDE if length > _UNSTRIDED else 1
            layers += [
                nn.Conv1d(width, wider, kernel, stride=stride, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(wider),
                nn.GELU(approximate="tanh"),
            ]
            width, length = wider, (length - 1) // stride + 1
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Linear(width * length + 1, dense)
        self.activation = nn.GELU(approximate="tanh")
        self.head = nn.Linear(dense + 1, n_classes)

    def forward(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """Classify.

        Parameters
        ----------
        spectra
            Shape (batch, channel, bin).
        log_total
            Shape (batch, 1).

        Returns
        -------
        Tensor
            Logits, shape (batch, class).
        """
        features = self.convolutions(spectra).flatten(1)
        hidden = self.activation(self.dense(torch.cat([features, log_total], dim=1)))
        return self.head(torch.cat([hidden, log_total], dim=1))
