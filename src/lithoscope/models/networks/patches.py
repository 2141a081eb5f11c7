"""A spectrum cut into patches, each made one position of a transformer."""

from __future__ import annotations

from torch import Tensor, nn

from lithoscope.models.networks.attention import learned_positions

_MOST_PATCHES = 64


class Patches(nn.Module):
    """Equal stretches of bins, each projected to a vector, with learned positions added.

    Dosovitskiy et al. 2021 (ICLR), in one dimension. Patches are the shortest power of two bins
    with which there are at most 64 (8 bins each on 466, 64 on 4096); the last is filled with zeros.

    Parameters
    ----------
    n_inputs, n_bins
        Of the spectra.
    width
        Values at each position.
    """

    def __init__(self, n_inputs: int, n_bins: int, width: int) -> None:
        super().__init__()
        self.size = 1
        while -(-n_bins // self.size) > _MOST_PATCHES:
            self.size *= 2
        self.length = -(-n_bins // self.size)
        self.filled = self.length * self.size - n_bins
        self.projection = nn.Conv1d(n_inputs, width, self.size, stride=self.size, bias=False)
        self.positions = learned_positions(self.length, width)

    def forward(self, spectra: Tensor) -> Tensor:
        """From (batch, input, bin) to (batch, position, width)."""
        filled = nn.functional.pad(spectra, (0, self.filled))
        placed: Tensor = self.projection(filled).transpose(1, 2) + self.positions
        return placed
