"""What lies under the beam's spot at each pixel: parts of grains and their shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.synthesis.phantoms.recipe import ScanRecipe
from lithoscope.synthesis.phantoms.texture import Texture

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Levels into which a grain's zones are divided, from core to rim.
LEVELS = 6
# Minerals that a pixel's truth can name. What a spot holds beyond these is left out.
MOST_MINERALS = 8
# Sub-pixels across the spot's FWHM, and how many FWHM the spot reaches either way (99.7 % of it).
_PER_SPOT, _REACH = 4, 1.25
_MOST_SUBPIXELS = 16
_ROWS_IN_BLOCK = 16


@dataclass(frozen=True, eq=False)
class PixelParts:
    """Parts of grains under each pixel; those of pixel i are ``starts[i]`` to ``starts[i + 1]``.

    Parameters
    ----------
    starts
        Shape (pixel + 1,), pixels in the order of rows.
    grains, levels
        Grain and level of its zones of each part, shape (part,).
    shares
        Share of the spot, shape (part,); those of a pixel sum to one.
    """

    starts: IntArray
    grains: NDArray[np.int32]
    levels: NDArray[np.int8]
    shares: NDArray[np.float32]

    def of_pixels(self, first: int, last: int) -> PixelParts:
        """Parts of some pixels."""
        start, end = self.starts[first], self.starts[last]
        part = slice(start, end)
        return PixelParts(
            self.starts[first : last + 1] - start,
            self.grains[part],
            self.levels[part],
            self.shares[part],
        )

    @property
    def pixels(self) -> IntArray:
        """Pixel of each part, shape (part,)."""
        return np.repeat(np.arange(self.starts.size - 1), np.diff(self.starts))


@dataclass(frozen=True, eq=False)
class Spot:
    """A Gaussian spot on a grid of sub-pixels, square and normalised to one.

    Parameters
    ----------
    subpixels
        Sub-pixels along one side of a pixel.
    first
        Sub-pixel at which the spot of pixel 0 begins; mostly negative.
    weights
        Along one axis, shape (sub-pixel,); they sum to one.
    """

    subpixels: int
    first: int
    weights: FloatArray


def spot_from_scan(scan: ScanRecipe) -> Spot:
    """Divide pixels so that four sub-pixels lie across the spot's width.

    A spot finer than a quarter of what 16 sub-pixels resolve is taken as one sub-pixel.
    """
    subpixels = int(np.clip(np.ceil(_PER_SPOT * scan.step_um / scan.spot_um), 1, _MOST_SUBPIXELS))
    size = scan.step_um / subpixels
    reach = max(0.5, _REACH * scan.spot_um / size)
    middle = subpixels / 2
    first = int(np.floor(middle - reach))
    places = np.arange(first, int(np.ceil(middle + reach)))
    away = (places + 0.5 - middle) * size
    weights = np.exp(-4 * np.log(2) * (away / scan.spot_um) ** 2)
    return Spot(subpixels, first, weights / weights.sum())


def pixel_parts(
    texture: Texture, scan: ScanRecipe, zoned: NDArray[np.bool_], minerals: IntArray
) -> PixelParts:
    """Find what is under every pixel.

    Parameters
    ----------
    texture
        The texture.
    scan
        Gives shape, step and spot.
    zoned
        Whether zones of a grain differ, shape (grain,).
    minerals
        Number of each grain's mineral, shape (grain,).
    """
    spot = spot_from_scan(scan)
    rows = []
    for first in range(0, scan.shape[0], _ROWS_IN_BLOCK):
        last = min(first + _ROWS_IN_BLOCK, scan.shape[0])
        keys = _keys(texture, scan, spot, first, last, zoned)
        size = spot.weights.size
        for row in range(last - first):
            start = row * spot.subpixels
            rows.append(_parts_of_row(keys[start : start + size], scan.shape[1], spot, minerals))
    counts = np.concatenate([row[0] for row in rows])
    keys = np.concatenate([row[1] for row in rows])
    return PixelParts(
        starts=np.concatenate([[0], np.cumsum(counts)]),
        grains=(keys // LEVELS).astype(np.int32),
        levels=(keys % LEVELS).astype(np.int8),
        shares=np.concatenate([row[2] for row in rows]).astype(np.float32),
    )


def _keys(
    texture: Texture,
    scan: ScanRecipe,
    spot: Spot,
    first: int,
    last: int,
    zoned: NDArray[np.bool_],
) -> IntArray:
    """Grain and level as one number at the sub-pixels of some rows, shape (sub-row, sub-column)."""
    size = scan.step_um / spot.subpixels
    down, across = (
        (np.arange(begin * spot.subpixels, (end - 1) * spot.subpixels + spot.weights.size))
        for begin, end in ((first, last), (0, scan.shape[1]))
    )
    y, x = ((places + spot.first + 0.5) * size for places in (down, across))
    points = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).reshape(-1, 2)
    grains, zones = texture.at(points)
    levels = np.where(zoned[grains], np.minimum((zones * LEVELS).astype(np.int64), LEVELS - 1), 0)
    return (grains * LEVELS + levels).reshape(y.size, x.size)


def _parts_of_row(
    keys: IntArray, width: int, spot: Spot, minerals: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Number of parts of each pixel of a row, and their keys and shares."""
    size = spot.weights.size
    windows = np.lib.stride_tricks.sliding_window_view(keys, size, axis=1)[:, :: spot.subpixels]
    under = windows.transpose(1, 0, 2)[:width].reshape(width, -1)
    weights = np.tile(np.outer(spot.weights, spot.weights).ravel(), width)
    most = int(keys.max()) + 1
    merged = (under + np.arange(width)[:, None] * most).ravel()
    found, which = np.unique(merged, return_inverse=True)
    shares = np.bincount(which.ravel(), weights).astype(np.float64)
    pixels, found = found // most, found % most
    kept = _of_main_minerals(pixels, minerals[found // LEVELS], shares, width)
    pixels, found, shares = pixels[kept], found[kept], shares[kept]
    shares /= np.bincount(pixels, shares, width)[pixels]
    return np.bincount(pixels, minlength=width).astype(np.int64), found, shares


def _of_main_minerals(
    pixels: IntArray, minerals: IntArray, shares: FloatArray, width: int
) -> NDArray[np.bool_]:
    """Whether each part is of one of its pixel's eight most abundant minerals."""
    n_minerals = int(minerals.max()) + 1
    if n_minerals <= MOST_MINERALS:
        return np.ones(pixels.size, dtype=bool)
    places = pixels * n_minerals + minerals
    table = np.bincount(places, shares, width * n_minerals).reshape(width, n_minerals)
    least = np.sort(table, axis=1)[:, -MOST_MINERALS]
    return np.asarray(table.ravel()[places] >= least[pixels])
