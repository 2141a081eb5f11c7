"""The strided convolutions that the convolutional networks begin with, and their last layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lithoscope.models.networks.base import FEATURES

WIDTHS = (24, 48, 72, 72)
_LATER_KERNELS = (5, 3, 3)
# The first convolution leaves at most this many positions, so that 4096 channels cost hardly more
# than 466 bins; a later one strides while more than these are left.
_MOST_AFTER_FIRST, _LEAST_TO_STRIDE = 256, 16


class ConvolutionTrunk(nn.Sequential):
    """Convolutions with batch normalisation and GELU.

    From (batch, input, bin) to (batch, width, position).

    On 466 bins, strides are 2 and kernels 7, 5, 3, 3, which leaves 30 positions (design record
    0004). Over more channels the first stride is larger and its kernel twice as wide and three;
    where 16 positions or fewer are left, as with short codes, nothing strides.

    Parameters
    ----------
    n_inputs
        Inputs a bin.
    n_bins
        Bins.
    widths
        Filters of each convolution.
    between
        Makes what follows each activation, from its number of filters.
    """

    width: int
    length: int
    stride: int

    def __init__(
        self,
        n_inputs: int,
        n_bins: int,
        widths: Sequence[int] = WIDTHS,
        between: Callable[[int], nn.Module] | None = None,
    ) -> None:
        layers: list[nn.Module] = []
        n_filters, length, total_stride = n_inputs, n_bins, 1
        for number, wider in enumerate(widths):
            stride = _stride(length, first=number == 0)
            kernel = 2 * max(stride, 2) + 3 if number == 0 else _LATER_KERNELS[number - 1]
            layers += [
                nn.Conv1d(n_filters, wider, kernel, stride=stride, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(wider),
                nn.GELU(approximate="tanh"),
            ]
            if between is not None:
                layers.append(between(wider))
            n_filters, length = wider, (length - 1) // stride + 1
            total_stride *= stride
        super().__init__(*layers)
        self.width, self.length, self.stride = n_filters, length, total_stride


def _stride(length: int, *, first: bool) -> int:
    stride = 2 if length > _LEAST_TO_STRIDE else 1
    while first and (length - 1) // stride + 1 > _MOST_AFTER_FIRST:
        stride *= 2
    return stride


class DenseFeatures(nn.Linear):
    """A dense layer over what was found in a spectrum, shown total counts before and after it.

    Confidence depends on counts, so the head sees them too.

    Parameters
    ----------
    n_found
        Values found in a spectrum.
    width
        Width of the layer; there is one feature more.
    """

    def __init__(self, n_found: int, width: int = FEATURES) -> None:
        super().__init__(n_found + 1, width)

    @property
    def n_features(self) -> int:
        """Features that come out."""
        return self.out_features + 1

    def forward(self, found: Tensor, log_total: Tensor) -> Tensor:  # type: ignore[override]
        """From (batch, found) and (batch, 1) to (batch, feature)."""
        hidden = super().forward(torch.cat([found, log_total.to(found.dtype)], dim=1))
        hidden = nn.functional.gelu(hidden, approximate="tanh")
        return torch.cat([hidden, log_total], dim=1)
