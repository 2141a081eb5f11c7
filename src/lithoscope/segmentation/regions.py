"""Grains as a map shows them: their number and sizes, and which mineral touches which.

A grain is a connected region of one code; pixels that touch at a corner are connected. All codes
are taken at once, as the components of a graph whose edges join neighbours of one code: no table of
regions is made, which takes minutes where a map has 100 000 of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from lithoscope.errors import InvalidValueError

PERCENTILES = (10.0, 50.0, 90.0)


@dataclass(frozen=True, eq=False)
class Regions:
    """Connected regions of a map.

    Parameters
    ----------
    numbers
        Region of each pixel, from 0 on; -1 where a pixel belongs to none, shape (y, x).
    codes
        Code of each region, shape (region,).
    pixels
        Pixels of each region, shape (region,).
    """

    numbers: NDArray[np.int64]
    codes: NDArray[np.int64]
    pixels: NDArray[np.int64]

    def __post_init__(self) -> None:
        highest = int(self.numbers.max(initial=-1))
        if self.codes.shape != self.pixels.shape or highest >= len(self.codes):
            raise InvalidValueError(
                f"{len(self.codes)} codes and {len(self.pixels)} sizes of regions numbered up to "
                f"{highest}.",
                expected="one of each for every region",
            )

    def __len__(self) -> int:
        return len(self.codes)


def regions_from_codes(codes: NDArray[np.integer], *, none: int = -1) -> Regions:
    """Number the connected regions of equal code, of all codes at once.

    Parameters
    ----------
    codes
        Shape (y, x).
    none
        Code of pixels that belong to no region.
    """
    if codes.ndim != 2:
        raise InvalidValueError(f"A map of shape {codes.shape}.", expected="(y, x)")
    places = np.arange(codes.size, dtype=np.int32).reshape(codes.shape)
    pairs = [
        (places[here][same], places[there][same])
        for here, there in _NEIGHBOURS
        for same in [codes[here] == codes[there]]
    ]
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    joined = np.ones(first.size, dtype=bool)
    graph = sparse.coo_array((joined, (first, second)), shape=(codes.size, codes.size))
    _, labels = csgraph.connected_components(graph.tocsr(), directed=False)
    seen = (codes != none).ravel()
    _, starts, inside, pixels = np.unique(
        labels[seen], return_index=True, return_inverse=True, return_counts=True
    )
    numbers = np.full(codes.size, -1, dtype=np.int64)
    numbers[seen] = inside
    return Regions(
        numbers.reshape(codes.shape), codes.ravel()[seen][starts].astype(np.int64), pixels
    )


# Right, below, and both ways across: each pair of neighbours once.
_ALL, _NOT_LAST, _NOT_FIRST = slice(None), slice(None, -1), slice(1, None)
_SIDES = (
    ((_ALL, _NOT_LAST), (_ALL, _NOT_FIRST)),
    ((_NOT_LAST, _ALL), (_NOT_FIRST, _ALL)),
)
_NEIGHBOURS = (
    *_SIDES,
    ((_NOT_LAST, _NOT_LAST), (_NOT_FIRST, _NOT_FIRST)),
    ((_NOT_LAST, _NOT_FIRST), (_NOT_FIRST, _NOT_LAST)),
)


@dataclass(frozen=True)
class GrainSizes:
    """Grains of one code.

    Parameters
    ----------
    code
        Their code.
    number
        How many there are.
    pixels
        Pixels of all together.
    diameters
        Percentiles (`PERCENTILES`) of the diameter of a circle of a grain's area, in pixels,
        each grain counted once.
    median_by_area
        The diameter, in pixels, that grains with half of the area do not exceed.
    largest
        The largest diameter, in pixels.
    """

    code: int
    number: int
    pixels: int
    diameters: tuple[float, ...]
    median_by_area: float
    largest: float


def grain_sizes(regions: Regions) -> tuple[GrainSizes, ...]:
    """Return the sizes of the grains of each code, that of the most pixels first."""
    if not len(regions):
        return ()
    order = np.lexsort((regions.pixels, regions.codes))
    codes, sizes = regions.codes[order], regions.pixels[order]
    found, starts = np.unique(codes, return_index=True)
    rows = [
        _sizes_of(int(code), own)
        for code, own in zip(found, np.split(sizes, starts[1:]), strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.pixels, row.code)))


def _sizes_of(code: int, sizes: NDArray[np.int64]) -> GrainSizes:
    """Return the sizes of one code's grains; `sizes` are in pixels, rising."""
    diameters = diameter_from_area(area=sizes)
    area = np.cumsum(sizes)
    return GrainSizes(
        code=code,
        number=len(sizes),
        pixels=int(area[-1]),
        diameters=tuple(np.percentile(diameters, PERCENTILES).tolist()),
        median_by_area=float(diameters[np.searchsorted(area, area[-1] / 2)]),
        largest=float(diameters[-1]),
    )


def diameter_from_area(*, area: NDArray[np.number]) -> NDArray[np.float64]:
    """Return the diameter of the circle of an area, ``d = 2 sqrt(A / pi)``."""
    return np.asarray(2 * np.sqrt(np.asarray(area, dtype=np.float64) / np.pi))


def shared_boundaries(codes: NDArray[np.integer], *, n_codes: int) -> NDArray[np.int64]:
    """Count the sides of pixels along which codes touch.

    Parameters
    ----------
    codes
        From 0 on, shape (y, x).
    n_codes
        Number of codes.

    Returns
    -------
    ndarray, shape (code, code)
        Symmetric, zero on the diagonal. Sides at the edge of the map and corners do not count.
    """
    if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) < n_codes:
        raise InvalidValueError(
            f"Codes from {codes.min()} to {codes.max()}.", expected=f"0 to {n_codes - 1}"
        )
    table = np.zeros((n_codes, n_codes), dtype=np.int64)
    for here, there in _SIDES:
        pairs = codes[here].astype(np.int64) * n_codes + codes[there]
        table += np.bincount(pairs.ravel(), minlength=n_codes**2).reshape(n_codes, n_codes)
    table += table.T
    np.fill_diagonal(table, 0)
    return table
