"""Parallel convolutions of several widths."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.models.networks.trunk import ConvolutionTrunk, DenseFeatures

_STEM = (16, 32)
_BRANCH = 16
_KERNELS = (3, 5)
_LEAST_TO_STRIDE = 16


class InceptionModule(nn.Module):
    """Four branches side by side: kernels of 1, 3 and 5 positions, and the largest of three.

    The branches of Szegedy et al. 2015 (CVPR, figure 2b) in one dimension; a convolution of width
    one narrows what the wide ones are given.

    Parameters
    ----------
    width
        Filters that come in; 64 go out.
    stride
        Positions that each branch steps.
    """

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_convolution(width, 1, stride)])
        for kernel in _KERNELS:
            self.branches.append(
                nn.Sequential(_convolution(width, 1, 1), _convolution(_BRANCH, kernel, stride))
            )
        self.branches.append(
            nn.Sequential(nn.MaxPool1d(3, stride=1, padding=1), _convolution(width, 1, stride))
        )
        self.width = _BRANCH * len(self.branches)

    def forward(self, maps: Tensor) -> Tensor:
        """From (batch, width, position) to (batch, 64, position / stride)."""
        return torch.cat([branch(maps) for branch in self.branches], dim=1)


def _convolution(width: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(width, _BRANCH, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(_BRANCH),
        nn.GELU(approximate="tanh"),
    )


class Inception(SpectralNetwork):
    """After DeepSpectra, Zhang et al. 2019 (Anal. Chim. Acta 1058, 48): raw spectra, Inception.

    Two strided convolutions, two Inception modules with a stride of two, a dense layer over all
    positions. DeepSpectra regresses from a few hundred near-infrared spectra, with dropout and one
    module; spectra of a stream never repeat, so that dropout has nothing to prevent.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        self.convolutions = ConvolutionTrunk(n_inputs, n_bins, _STEM)
        width, length = self.convolutions.width, self.convolutions.length
        modules = []
        for _ in range(2):
            stride = 2 if length > _LEAST_TO_STRIDE else 1
            module = InceptionModule(width, stride)
            modules.append(module)
            width, length = module.width, (length - 1) // stride + 1
        self.inception = nn.Sequential(*modules)
        self.dense = DenseFeatures(width * length)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        maps = self.inception(self.convolutions(spectra))
        return self.dense(maps.flatten(1), log_total)
