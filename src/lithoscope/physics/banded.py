"""The detector's response as a product that skips what no photon can reach.

A photon gives counts at its own energy and below, none above, and far below only what varies
slowly: shelf, tail and recoil. Of the matrix (photon, channel), with photons by energy, one
triangle is empty, a band is full, and the rest has a low rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK_CHANNELS = 256
# Photons this far above a block of channels reach it with their slowly varying parts alone; the
# escape peak, the last of the narrow ones, lies 1.74 keV below its line.
_NEAR_KEV = 2.6
# Singular values below this share of the largest are left out (compiled and reference spectra agree
# to 1e-6, tests/physics/test_simulate.py).
_LEAST_SINGULAR = 1e-9
_LARGEST_RANK = 160
# Counts per photon below this are no counts, but slow denormal numbers.
_LEAST_COUNTS = 1e-20


@dataclass(frozen=True, eq=False)
class _Block:
    """Counts per photon in a range of channels.

    Parameters
    ----------
    first, far
        Of the photons by energy, the first that reaches the block and the first that is far above.
    far_up
        Takes far photons to their slowly varying parts, shape (photon, rank).
    counts
        Counts of near photons and of the slowly varying parts, shape (far - first + rank, channel).
    """

    first: int
    far: int
    far_up: NDArray[np.floating]
    counts: NDArray[np.floating]

    def only(self, kept: NDArray[np.int64]) -> _Block:
        first, far = (int(np.searchsorted(kept, index)) for index in (self.first, self.far))
        near = self.counts[kept[first:far] - self.first]
        slow = self.counts[self.far - self.first :]
        return _Block(first, far, self.far_up[kept[far:] - self.far], np.concatenate([near, slow]))

    def of_photons(self, photons: NDArray[np.floating]) -> NDArray[np.floating]:
        near, far = photons[:, self.first : self.far], photons[:, self.far :]
        return np.concatenate([near, far @ self.far_up], axis=1) @ self.counts

    @property
    def nbytes(self) -> int:
        return self.counts.nbytes + self.far_up.nbytes


@dataclass(frozen=True, eq=False)
class BandedResponse:
    """Counts per photon, stored by blocks of channels.

    Parameters
    ----------
    order
        Photons by ascending energy, shape (photon,).
    blocks
        Blocks of channels, from the first on.
    """

    order: NDArray[np.int64]
    blocks: tuple[_Block, ...]

    @property
    def nbytes(self) -> int:
        """Memory that the blocks take."""
        return sum(block.nbytes for block in self.blocks)

    def only(self, photons: NDArray[np.int64]) -> BandedResponse:
        """Return the response of some of the photons, in the order in which they are given."""
        place = np.full(self.order.size, -1)
        place[photons] = np.arange(photons.size)
        kept = np.flatnonzero(place[self.order] >= 0)
        return BandedResponse(
            place[self.order[kept]], tuple(block.only(kept) for block in self.blocks)
        )

    def add_counts(self, photons: NDArray[np.floating], counts: NDArray[np.floating]) -> None:
        """Add the counts that photons give.

        Parameters
        ----------
        photons
            Shape (sample, photon).
        counts
            Shape (sample, channel), changed in place.
        """
        ordered = photons[:, self.order]
        channel = 0
        for block in self.blocks:
            end = channel + block.counts.shape[1]
            counts[:, channel:end] += block.of_photons(ordered)
            channel = end


def banded_response(
    *,
    response: NDArray[np.floating],
    energies_keV: NDArray[np.floating],
    edges_keV: NDArray[np.floating],
    dtype: type[np.floating],
) -> BandedResponse:
    """Store a response by blocks.

    Parameters
    ----------
    response
        Counts per photon, shape (photon, channel).
    energies_keV
        Of the photons, shape (photon,).
    edges_keV
        Of the channels, shape (channel + 1,).
    dtype
        Precision to store it in.
    """
    order = np.argsort(energies_keV, kind="stable")
    ordered = energies_keV[order]
    blocks = []
    for channel in range(0, response.shape[1], _BLOCK_CHANNELS):
        block = response[order, channel : channel + _BLOCK_CHANNELS]
        block[block < _LEAST_COUNTS] = 0.0
        reached = np.flatnonzero(block.any(axis=1))
        top = edges_keV[min(channel + _BLOCK_CHANNELS, edges_keV.size - 1)]
        far = int(np.searchsorted(ordered, top + _NEAR_KEV))
        first = min(int(reached[0]), far) if reached.size else far
        up, down = _factors(block[far:])
        counts = np.concatenate([block[first:far], down])
        blocks.append(_Block(first, far, up.astype(dtype), counts.astype(dtype)))
    return BandedResponse(order, tuple(blocks))


def _factors(block: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Two factors of low rank whose product is the block (Halko et al. 2011, algorithm 4.1)."""
    if not block.any():
        return np.zeros((len(block), 0)), np.zeros((0, block.shape[1]))
    width = min(_LARGEST_RANK, *block.shape)
    sketch = np.random.default_rng(0).standard_normal((width, len(block))) @ block
    basis, _ = np.linalg.qr(sketch.T)
    up, singular, down = np.linalg.svd(block @ basis, full_matrices=False)
    rank = int((singular > _LEAST_SINGULAR * singular[0]).sum())
    return up[:, :rank] * singular[:rank], down[:rank] @ basis.T
