"""A phantom: a simulated scan whose truth is known, computed as it is asked for."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.core.scan import Scan
from lithoscope.errors import InvalidValueError
from lithoscope.minerals.library import load_library
from lithoscope.minerals.rocks import sample_rock
from lithoscope.synthesis.phantoms.crystals import Crystals, draw_crystals, peaks_of_crystals
from lithoscope.synthesis.phantoms.drift import Drift, Relief, draw_drift, draw_relief
from lithoscope.synthesis.phantoms.grain_chemistry import (
    GrainChemistry,
    draw_chemistry,
    spectra_of_compositions,
)
from lithoscope.synthesis.phantoms.recipe import PhantomRecipe
from lithoscope.synthesis.phantoms.spot import PixelParts, pixel_parts
from lithoscope.synthesis.phantoms.texture import VOID, Texture, draw_texture

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

# Each thing that is drawn has a stream of random numbers of its own, so that a phantom without
# Bragg peaks, say, has the same grains.
_SHARES, _TEXTURE, _CHEMISTRY, _CRYSTALS, _DRIFT, _RELIEF, _COUNTS = range(7)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated scan of a rock.

    Nothing is computed before it is asked for. The truth is held for the whole map (some 100 bytes
    a pixel); counts are drawn row by row, each row from its own seed, so that they do not depend on
    how rows are grouped.

    Parameters
    ----------
    recipe
        What it is made from.
    instrument
        With what it is measured.
    """

    recipe: PhantomRecipe
    instrument: Instrument

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.recipe.scan.shape

    @property
    def title(self) -> str:
        """What was scanned."""
        return f"{self.recipe.rock.name} phantom"

    @functools.cached_property
    def machine(self) -> Instrument:
        """The instrument with as many detectors as are recorded; two at least where it has two."""
        detectors = max(self.instrument.geometry.detectors, self.recipe.scan.detectors)
        geometry = dataclasses.replace(self.instrument.geometry, detectors=detectors)
        return dataclasses.replace(self.instrument, geometry=geometry)

    @functools.cached_property
    def minerals(self) -> Mapping[str, Mineral]:
        """All that grains, vein and fill can be made of, by name."""
        library, texture = load_library(), self.recipe.texture
        names = [*self.recipe.rock.shares, "quartz"]
        names += [name for name in (texture.vein, texture.fill) if name not in (None, VOID)]
        return {name: library.get(name) for name in dict.fromkeys(names)}

    @functools.cached_property
    def shares(self) -> Mapping[str, float]:
        """Area share of each mineral that the rock was to have."""
        drawn = sample_rock(self.recipe.rock, 1, self._rng(_SHARES))[0]
        return dict(zip(self.recipe.rock.shares, drawn.tolist(), strict=True))

    @functools.cached_property
    def texture(self) -> Texture:
        """Grains and where they are."""
        return draw_texture(
            shares=self.shares,
            minerals=self.minerals,
            recipe=self.recipe.texture,
            extent_um=self.recipe.scan.extent_um,
            rng=self._rng(_TEXTURE),
        )

    @functools.cached_property
    def chemistry(self) -> GrainChemistry:
        """Compositions of grains."""
        return draw_chemistry(
            self.texture.names,
            self.minerals,
            zoned=self.recipe.texture.zoned,
            rng=self._rng(_CHEMISTRY),
        )

    @functools.cached_property
    def crystals(self) -> Crystals:
        """Orientations of grains."""
        return draw_crystals(self.texture.names, self.minerals, self._rng(_CRYSTALS))

    @functools.cached_property
    def drift(self) -> Drift:
        """Shift of the energy axis in each row."""
        return draw_drift(self.recipe.scan, self._rng(_DRIFT))

    @functools.cached_property
    def relief(self) -> Relief:
        """How much each detector sees."""
        return draw_relief(self.recipe.scan, self._rng(_RELIEF))

    @functools.cached_property
    def mineral_names(self) -> tuple[str, ...]:
        """Minerals of the map, in alphabetical order; void is not among them."""
        return tuple(sorted(set(self.texture.names) - {VOID}))

    @functools.cached_property
    def minerals_of_grains(self) -> NDArray[np.int64]:
        """Place of each grain's mineral in `mineral_names`, shape (grain,); -1 for void."""
        number = {name: index for index, name in enumerate(self.mineral_names)}
        return np.array([number.get(name, -1) for name in self.texture.names])

    @functools.cached_property
    def parts(self) -> PixelParts:
        """Parts of grains under each pixel."""
        return pixel_parts(
            self.texture, self.recipe.scan, self.chemistry.zoned, self.minerals_of_grains + 1
        )

    @functools.cached_property
    def spectra(self) -> NDArray[np.float32]:
        """Expected counts per second of each composition; see `spectra_of_compositions`."""
        return spectra_of_compositions(self.chemistry, self.machine)

    @functools.cached_property
    def peaks(self) -> NDArray[np.float32] | None:
        """Expected Bragg counts per second of each crystal; see `peaks_of_crystals`."""
        if not self.recipe.scan.bragg:
            return None
        return peaks_of_crystals(self.crystals, self.minerals, self.chemistry, self.machine)

    @functools.cached_property
    def live_time_s(self) -> float:
        """Live time of a pixel, such that rock has the recipe's mean counts."""
        parts = self.parts
        rates = self.spectra.sum(axis=1)[self.chemistry.rows(parts.grains, parts.levels)]
        if self.peaks is not None:
            rates = rates + self.peaks.sum(axis=(0, 2))[self.crystals.of_grains[parts.grains]]
        rock = parts.shares * (parts.grains < len(self.texture.names) - 1)
        if not rock.any():
            raise InvalidValueError(
                f"A map of {self.shape[0]} x {self.shape[1]} pixels with no rock in it.",
                expected="a larger map, or a smaller edge_share",
            )
        return float(self.recipe.scan.counts * rock.sum() / (rock @ rates))

    @functools.cached_property
    def truth(self) -> xr.Dataset:
        """Minerals, abundances, grains, orientations and compositions; see `truth_of_phantom`."""
        from lithoscope.synthesis.phantoms.truth import truth_of_phantom

        return truth_of_phantom(self)

    def area_shares(self) -> dict[str, float]:
        """Area share of each mineral, the largest first, of all but void."""
        parts = self.parts
        numbers = self.minerals_of_grains[parts.grains] + 1
        areas = np.bincount(numbers, parts.shares, len(self.mineral_names) + 1)[1:]
        order = np.argsort(-areas)
        return {self.mineral_names[i]: float(areas[i] / areas.sum()) for i in order}

    def expected_row(self, row: int) -> FloatArray:
        """Expected counts of a row, shape (x, detector, channel)."""
        width = self.shape[1]
        parts = self.parts.of_pixels(row * width, (row + 1) * width)
        bodies, body = np.unique(
            self.chemistry.rows(parts.grains, parts.levels), return_inverse=True
        )
        mixing = _mixing(parts, body, bodies.size)
        spectra = self.spectra[bodies].astype(np.float64) / self.machine.geometry.detectors
        crystals, crystal = np.unique(self.crystals.of_grains[parts.grains], return_inverse=True)
        crystal_mixing = _mixing(parts, crystal, crystals.size)
        drift = self.drift.matrix(row, self.machine.axis)
        views = self.relief.views(row, width)
        counts = np.empty((width, self.machine.geometry.detectors, spectra.shape[1]))
        for detector in range(counts.shape[1]):
            sources, weights = spectra, mixing
            if self.peaks is not None:
                peaks = np.zeros((crystals.size, spectra.shape[1]))
                peaks[:, : self.peaks.shape[2]] = self.peaks[detector, crystals]
                sources = np.vstack([spectra, peaks])
                weights = scipy.sparse.hstack([mixing, crystal_mixing]).tocsr()
            moved = sources if drift is None else sources @ drift
            seen = views[:, detector] if counts.shape[1] == 2 else np.ones(width)
            counts[:, detector] = (weights @ moved) * (self.live_time_s * seen)[:, None]
        if self.recipe.scan.detectors == 1:
            return np.asarray(counts.sum(axis=1, keepdims=True))
        return counts

    def row(self, row: int) -> NDArray[np.uint32]:
        """Poisson counts of a row, shape (x, detector, channel); the same in every call."""
        drawn = self._rng(_COUNTS, row).poisson(self.expected_row(row))
        return drawn.astype(np.uint32)

    def rows(self, rows_in_block: int = 1) -> Iterator[NDArray[np.uint32]]:
        """Yield blocks of counts from top to bottom, as `lithoscope.io.write_bcf` takes them.

        Yields
        ------
        ndarray, shape (row, x, detector, channel), or (row, x, channel) for one detector
        """
        for first in range(0, self.shape[0], rows_in_block):
            last = min(first + rows_in_block, self.shape[0])
            block = np.stack([self.row(row) for row in range(first, last)])
            yield block[:, :, 0] if self.recipe.scan.detectors == 1 else block

    def scan(self) -> Scan:
        """Return the scan, its detectors summed; rows are drawn as they are read."""
        step_mm = self.recipe.scan.step_um * 1e-3
        return Scan(
            shape=self.shape,
            axis=self.machine.axis,
            read_rows=lambda first, last: np.stack(
                [self.row(row).sum(axis=1, dtype=np.uint32) for row in range(first, last)]
            ),
            pixel_size_mm=(step_mm, step_mm),
            title=f"{self.title} (synthetic)",
            instrument=self.machine,
            live_time_s=np.full(self.shape, self.live_time_s),
            detectors=self.recipe.scan.detectors,
        )

    def _rng(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, *stream])


def _mixing(parts: PixelParts, columns: NDArray[np.int64], count: int) -> scipy.sparse.csr_array:
    """Matrix of shares, shape (pixel, column)."""
    return scipy.sparse.csr_array(
        (parts.shares.astype(np.float64), columns.ravel(), parts.starts),
        shape=(parts.starts.size - 1, count),
    )
