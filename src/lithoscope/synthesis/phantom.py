"""A simulated scan of a rock whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.core.scan import Scan
from lithoscope.errors import InvalidValueError
from lithoscope.minerals.sampling import sample_compositions
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix

# A spodumene pegmatite, area shares; after London (2008), Pegmatites, table 2-1, rounded.
PEGMATITE = {
    "albite": 0.30,
    "quartz": 0.27,
    "spodumene": 0.18,
    "orthoclase": 0.13,
    "muscovite": 0.07,
    "schorl": 0.02,
    "fluorapatite": 0.015,
    "cassiterite": 0.01,
    "columbite-(fe)": 0.005,
}


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated scan and its truth.

    Parameters
    ----------
    scan
        Poisson counts.
    truth
        Name of the mineral in each pixel, shape (y, x).
    grains
        Number of the grain in each pixel, shape (y, x).
    """

    scan: Scan
    truth: NDArray[np.str_]
    grains: NDArray[np.int64]


def phantom_scan(
    *,
    minerals: Mapping[str, Mineral],
    shares: Mapping[str, float],
    instrument: Instrument,
    shape: tuple[int, int],
    grain_pixels: float,
    counts: float,
    pixel_size_mm: float,
    seed: int,
    title: str,
) -> Phantom:
    """Simulate a rock of polygonal grains, each of one natural composition.

    Grains are the cells of random seeds (Voronoi); minerals are dealt to grains so that shares
    are met as closely as whole grains allow. Counts vary from grain to grain as the simulated
    intensities do, and are Poisson in each channel.

    Parameters
    ----------
    minerals
        Library entries by name.
    shares
        Area share of each mineral; normalised.
    instrument
        The instrument.
    shape
        Rows and columns.
    grain_pixels
        Mean area of a grain in pixels.
    counts
        Mean counts of a pixel.
    pixel_size_mm
        Step in mm.
    seed
        Seed of texture, compositions and noise.
    title
        Title of the scan.
    """
    unknown = sorted(set(shares) - set(minerals))
    if unknown or not shares or min(shares.values()) <= 0:
        raise InvalidValueError(
            f"Shares {dict(shares)}.", expected="positive shares of known minerals"
        )
    rng = np.random.default_rng(seed)
    grains = _voronoi(shape, max(1, round(shape[0] * shape[1] / grain_pixels)), rng)
    names = _deal(grains, shares, rng)
    compositions = [sample_compositions(minerals[name], 1, rng)[0] for name in names]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    compiled = compile_instrument(instrument=instrument, symbols=symbols)
    expected = compiled.spectra(mass_fraction_matrix(compositions, symbols))
    sizes = np.bincount(grains.ravel(), minlength=len(names))
    exposure = counts * sizes.sum() / (expected.sum(axis=1) @ sizes)
    drawn = np.empty((*shape, expected.shape[1]), dtype=np.uint32)
    for row in range(shape[0]):
        drawn[row] = rng.poisson(expected[grains[row]] * exposure)
    scan = Scan.from_counts(
        drawn,
        instrument.axis,
        pixel_size_mm=(pixel_size_mm, pixel_size_mm),
        title=title,
        instrument=instrument,
    )
    return Phantom(scan, np.array(names)[grains], grains)


def _voronoi(shape: tuple[int, int], n_grains: int, rng: np.random.Generator) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    seeds = rng.uniform((0, 0), shape, (n_grains, 2))
    rows, columns = np.indices(shape)
    pixels = np.column_stack([rows.ravel() + 0.5, columns.ravel() + 0.5])
    nearest = cKDTree(seeds).query(pixels)[1].reshape(shape)
    # Grains too small to own a pixel are left out, so that numbers stay dense.
    return np.unique(nearest, return_inverse=True)[1].reshape(shape)


def _deal(
    grains: NDArray[np.int64], shares: Mapping[str, float], rng: np.random.Generator
) -> list[str]:
    """Give each grain, in random order, the mineral that lacks most of its share."""
    names = list(shares)
    wanted = np.array([shares[name] for name in names])
    lacking = wanted / wanted.sum() * grains.size
    sizes = np.bincount(grains.ravel())
    dealt = [""] * sizes.size
    for grain in rng.permutation(sizes.size):
        chosen = int(lacking.argmax())
        dealt[grain] = names[chosen]
        lacking[chosen] -= sizes[grain]
    return dealt
