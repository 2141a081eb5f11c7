"""Compositions of a phantom's grains from core to rim, and the spectra that they send out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.minerals.sampling import sample_compositions
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.synthesis.phantoms.habits import ZONED_CLASSES
from lithoscope.synthesis.phantoms.spot import LEVELS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Different grains of a mineral in one phantom; beyond these, grains share compositions.
_MOST_OF_A_MINERAL = 32
# Grains of one rock grew together: of how natural compositions differ, the part that is found
# within one rock.
_WITHIN_ROCK = 0.6


@dataclass(frozen=True, eq=False)
class GrainChemistry:
    """Compositions of grains.

    Parameters
    ----------
    symbols
        Elements.
    mass_fractions
        Shape (composition, element). Levels of a zoned grain follow each other, core first.
    first
        Composition of each grain's core, shape (grain,); -1 for void.
    zoned
        Whether a grain has `LEVELS` compositions, or one, shape (grain,).
    """

    symbols: tuple[str, ...]
    mass_fractions: FloatArray
    first: IntArray
    zoned: NDArray[np.bool_]

    def rows(self, grains: NDArray[np.integer], levels: NDArray[np.integer]) -> IntArray:
        """Composition of each part of a grain; -1 for void."""
        return np.asarray(self.first[grains] + levels)

    @property
    def rims(self) -> IntArray:
        """Composition of each grain's rim."""
        return self.first + np.where(self.zoned, LEVELS - 1, 0)

    def composition(self, row: int) -> Composition:
        """Return one of the compositions."""
        fractions = self.mass_fractions[row]
        present = np.flatnonzero(fractions)
        return Composition({self.symbols[i]: float(fractions[i]) for i in present})


def draw_chemistry(
    names: Sequence[str], minerals: Mapping[str, Mineral], *, zoned: bool, rng: np.random.Generator
) -> GrainChemistry:
    """Draw the composition of every grain, of zoned minerals at core and rim.

    Core and rim are natural compositions of the entry, and zones lie on the line between them, so
    that none leaves what the entry's ranges allow: these are convex.

    Parameters
    ----------
    names
        Mineral of each grain.
    minerals
        Minerals by name; what is not there is void.
    zoned
        Whether solid solutions vary from core to rim.
    rng
        Source of randomness.
    """
    labels = np.array(names)
    first = np.full(labels.size, -1)
    is_zoned = np.zeros(labels.size, dtype=bool)
    drawn: list[FloatArray] = []
    symbols = sorted({s for name in set(names) & set(minerals) for s in _elements(minerals[name])})
    count = 0
    for name in sorted(set(names) & set(minerals)):
        mineral = minerals[name]
        grains = np.flatnonzero(labels == name)
        levels = LEVELS if zoned and _is_zoned(mineral) else 1
        table = _ladders(mineral, symbols, min(grains.size, _MOST_OF_A_MINERAL), levels, rng)
        first[grains] = count + levels * rng.integers(len(table) // levels, size=grains.size)
        is_zoned[grains] = levels > 1
        drawn.append(table)
        count += len(table)
    return GrainChemistry(tuple(symbols), np.concatenate(drawn), first, is_zoned)


def _elements(mineral: Mineral) -> set[str]:
    """Elements that any composition of a mineral can hold."""
    members = mineral.end_members or {mineral.formula: (1.0, 1.0)}
    from lithoscope.core.formula import parse_formula

    return {symbol for formula in members for symbol in parse_formula(formula)} | set(
        mineral.traces
    )


def _is_zoned(mineral: Mineral) -> bool:
    return bool(mineral.end_members) and mineral.mineral_class in ZONED_CLASSES


def _ladders(
    mineral: Mineral, symbols: list[str], count: int, levels: int, rng: np.random.Generator
) -> FloatArray:
    """Compositions of `count` grains at their levels, shape (count * levels, element)."""
    if not mineral.end_members and not mineral.traces:
        count = 1
    drawn = mass_fraction_matrix(sample_compositions(mineral, 1 + 2 * count, rng), symbols)
    ends = drawn[0] + _WITHIN_ROCK * (drawn[1:] - drawn[0])
    core, rim = ends[:count, None], ends[count:, None]
    place = ((np.arange(levels) + 0.5) / levels)[:, None]
    return (core + place * (rim - core)).reshape(count * levels, len(symbols))


def spectra_of_compositions(
    chemistry: GrainChemistry, instrument: Instrument
) -> NDArray[np.float32]:
    """Expected counts per second of each composition, shape (composition + 1, channel).

    The last is that of void: none. So index -1 means void here too.
    """
    compiled = compile_instrument(
        instrument=instrument, symbols=chemistry.symbols, dtype=np.float32
    )
    counts = compiled.spectra(chemistry.mass_fractions)
    return np.vstack([counts, np.zeros((1, counts.shape[1]))]).astype(np.float32)
