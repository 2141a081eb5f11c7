"""Two-detector scans whose truth is known, for `benchmarks.bragg_test`: slopes, grains, peaks.

A slope across the plane of beam and normal tilts the surface towards one of the M4 Tornado's two
detectors and away from the other. Each detector's spectrum comes from the physics at its own
take-off angle, so that lines, scatter and their absorption change as they do, each by its depth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from lithoscope.core.instrument import Instrument
from lithoscope.core.scan import Scan
from lithoscope.inference.detector_windows import WindowGrid
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.minerals.rocks import find_rock
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.physics.constants import FWHM_PER_SIGMA
from lithoscope.physics.directions import beam_direction, detector_direction
from lithoscope.preprocess.resolution import fwhm_in_bins
from lithoscope.synthesis.distortions import bragg as law
from lithoscope.synthesis.phantoms import Phantom, PhantomRecipe, ScanRecipe, texture_of_rock

INSTRUMENT = load_instrument("m4-tornado")
SLOPES = np.array([-24.0, -14.0, -7.0, 0.0, 7.0, 14.0, 24.0])
MINERALS = (
    *("quartz", "albite", "orthoclase", "calcite", "muscovite", "annite", "almandine", "augite"),
    *("pyrite", "chalcopyrite", "magnetite", "fluorapatite"),
)


def at_slope(slope_deg: float) -> Instrument:
    """The machine whose detector is the first over a sloped surface; the second has minus it."""
    geometry = INSTRUMENT.geometry
    slope = np.deg2rad(slope_deg)
    normal = np.array([0.0, -np.sin(slope), np.cos(slope)])
    sines = -beam_direction(geometry) @ normal, detector_direction(geometry) @ normal
    incidence, take_off = np.rad2deg(np.arcsin(sines))
    tilted = dataclasses.replace(geometry, incidence_deg=incidence, take_off_deg=take_off)
    return dataclasses.replace(INSTRUMENT, geometry=tilted)


def spectra_at_slopes(symbols: Sequence[str], fractions: np.ndarray) -> np.ndarray:
    """Counts per second in one detector, shape (slope, composition, channel)."""
    return np.stack(
        [
            compile_instrument(
                instrument=at_slope(slope), symbols=tuple(symbols), dtype=np.float32
            ).spectra(fractions)
            for slope in SLOPES
        ]
    ).astype(np.float32) / np.float32(2)


def slope_field(shape: tuple[int, int], deviation_deg: float, rng: np.random.Generator):
    """Slopes over a map, smooth over some eight pixels, shape (y, x)."""
    field = gaussian_filter(rng.standard_normal(shape), 8, mode="wrap")
    return np.clip(field / field.std() * deviation_deg, SLOPES[0], SLOPES[-1])


def between(tables: np.ndarray, weights: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Spectra of mixtures at slopes, shape (pixel, channel); weights (pixel, composition)."""
    place = np.clip(np.searchsorted(SLOPES, slopes, side="right") - 1, 0, SLOPES.size - 2)
    part = (slopes - SLOPES[place]) / (SLOPES[place + 1] - SLOPES[place])
    result = np.zeros((slopes.size, tables.shape[2]))
    for number, table in enumerate(tables):
        share = np.where(place == number, 1 - part, 0) + np.where(place + 1 == number, part, 0)
        used = np.flatnonzero(share)
        result[used] += share[used, None] * (weights[used] @ table)
    return result


@dataclass(frozen=True, eq=False)
class Scene:
    """Counts of two detectors, and what is true of them.

    Parameters
    ----------
    counts
        Shape (y, x, detector, channel).
    grain
        Grain of each pixel, shape (y, x).
    peaks
        Of each peak: grain, detector, energy in keV, height over the continuum of both detectors.
    """

    counts: np.ndarray
    grain: np.ndarray
    peaks: np.ndarray

    def scans(self) -> list[Scan]:
        """One scan a detector."""
        return [Scan.from_counts(self.counts[:, :, n], INSTRUMENT.axis) for n in (0, 1)]

    def near_peaks(self, grid: WindowGrid, within: float) -> np.ndarray:
        """Whether a grain has a peak near a window, shape (grain, window, detector)."""
        near = np.zeros((int(self.grain.max()) + 1, grid.energies_keV.size, 2), dtype=bool)
        for grain, detector, energy, _ in self.peaks:
            reach = within * FWHM_PER_SIGMA * peak_sigma(energy)
            near[int(grain), :, int(detector)] |= np.abs(grid.energies_keV - energy) < reach
        return near


def peak_sigma(energy_keV: float) -> float:
    """Standard deviation in keV of a diffraction peak, the detector's opening included."""
    edges = INSTRUMENT.axis.edges_keV
    channel = int(np.searchsorted(edges, energy_keV)) - 1
    own = fwhm_in_bins(edges)[channel] * INSTRUMENT.axis.gain_keV / FWHM_PER_SIGMA
    return float(np.hypot(own, law._OPENING * energy_keV))


class RockScenes:
    """Scans of one rock without diffraction, over slopes of any steepness.

    Parameters
    ----------
    rock
        Name of the rock.
    side
        Rows and columns.
    """

    def __init__(self, rock: str, side: int, seed: int = 0) -> None:
        scan = ScanRecipe(shape=(side, side), detectors=2, bragg=False)
        found = find_rock(rock)
        texture = texture_of_rock(found, scan.extent_um)
        self.phantom = Phantom(PhantomRecipe(found, texture, scan, seed), INSTRUMENT)
        chemistry, parts = self.phantom.chemistry, self.phantom.parts
        tables = spectra_at_slopes(chemistry.symbols, chemistry.mass_fractions)
        void = np.zeros((len(SLOPES), 1, tables.shape[2]), dtype=np.float32)
        self.tables = np.concatenate([tables, void], axis=1)
        self.weights = np.zeros((side * side, self.tables.shape[1]), dtype=np.float32)
        rows = chemistry.rows(parts.grains, parts.levels)
        np.add.at(self.weights, (parts.pixels, rows), parts.shares)

    def scene(self, counts: float, slope_deg: float, seed: int) -> Scene:
        """Draw a scan of some mean counts a pixel."""
        rng = np.random.default_rng(seed)
        shape = self.phantom.shape
        slopes = slope_field(shape, slope_deg, rng).ravel()
        expected = np.stack(
            [between(self.tables, self.weights, way * slopes) for way in (1, -1)], axis=1
        )
        expected *= counts / expected.sum(axis=(1, 2)).mean()
        drawn = rng.poisson(expected).astype(np.uint32).reshape(*shape, 2, -1)
        return Scene(drawn, np.zeros(shape, dtype=int), np.empty((0, 4)))


class MosaicScenes:
    """Scans of square grains, half of which show peaks as the simulator's distortion draws them."""

    def __init__(self) -> None:
        library = load_library()
        compositions = [library.get(name).composition for name in MINERALS]
        symbols = sorted({symbol for one in compositions for symbol in one.elements})
        self.tables = spectra_at_slopes(symbols, mass_fraction_matrix(compositions, symbols))

    def scene(self, counts: float, grain_side: int, *, side: int, slope_deg: float, seed: int):
        """Draw a scan; all pixels have the same expected counts but for slope and peaks."""
        rng = np.random.default_rng(seed)
        across = -(-side // grain_side)
        grain = np.kron(
            np.arange(across**2).reshape(across, across), np.ones((grain_side,) * 2, dtype=int)
        )[:side, :side]
        mineral = rng.integers(len(MINERALS), size=across**2)
        weights = np.eye(len(MINERALS), dtype=np.float32)[mineral[grain.ravel()]]
        slopes = slope_field((side, side), slope_deg, rng).ravel()
        expected = np.stack(
            [between(self.tables, weights, way * slopes) for way in (1, -1)], axis=1
        )
        expected *= (counts / expected.sum(axis=(1, 2)))[:, None, None]
        peaks = np.array([peak for one in range(0, across**2, 2) for peak in self._peaks(one, rng)])
        for one, detector, energy, height in peaks:
            pixels = np.flatnonzero(grain.ravel() == int(one))
            expected[pixels, int(detector)] += height * _bump(
                expected[pixels].sum(axis=1).mean(axis=0), energy
            )
        drawn = rng.poisson(expected).astype(np.uint32).reshape(side, side, 2, -1)
        return Scene(drawn, grain, peaks)

    @staticmethod
    def _peaks(grain: int, rng: np.random.Generator) -> list[tuple[int, int, float, float]]:
        """Peaks of a grain by the law of `synthesis.distortions.bragg` at severity 2."""
        energies = rng.uniform(*law._ENERGIES_KEV, law.PEAKS)
        heights = law._MEDIAN * np.exp(law._SPREAD * rng.standard_normal(law.PEAKS))
        heights *= rng.uniform() * (law._REFERENCE_KEV / energies) ** 2
        detectors = rng.integers(2, size=law.PEAKS)
        return list(zip([grain] * law.PEAKS, detectors, energies, heights, strict=True))


def _bump(spectrum: np.ndarray, energy_keV: float) -> np.ndarray:
    """A peak as high as the least of the spectrum near it, shape (channel,)."""
    sigma = peak_sigma(energy_keV)
    away = (INSTRUMENT.axis.energies_keV - energy_keV) / sigma
    near = np.abs(away) < law._REACH_SIGMA
    return np.where(near, spectrum[near].min() * np.exp(-(away**2) / 2), 0.0)
