"""Expected spectra of classes as their composition varies, for one instrument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix

FloatArray = NDArray[np.float64]

# Natural compositions drawn of each mineral, and spectra kept of a class.
_DRAWN, _KEPT = 96, 14
# The few that are kept are moved away from the mean of all by this factor: what lies between them
# is less than what lies between all.
_WIDENED = 1.4
# Spectra whose chi-square distance is below 1 even at this many counts are the same.
_ENOUGH_COUNTS = 1e6
# Mass fraction of an element that is asked for where the class does not hold it.
_TRACE = 1e-4


@dataclass(frozen=True, eq=False)
class ClassSpectra:
    """Expected spectra of one class: extreme compositions, between which others lie.

    Parameters
    ----------
    lines, scatter
        Counts a second of fluorescence and of scatter, shape (template, bin).
    """

    lines: FloatArray
    scatter: FloatArray

    @property
    def total(self) -> FloatArray:
        """Both together, shape (template, bin)."""
        return self.lines + self.scatter


class ExpectedBanks:
    """Expected spectra of a model's classes, computed when first asked for and kept.

    A class gets the ideal composition of its first mineral and those natural compositions of its
    minerals whose spectra reach farthest from what the ones before span (successive projection,
    Araújo et al. 2001, Chemom. Intell. Lab. Syst. 57, 65), so that a non-negative sum of them
    comes close to any natural composition. The same seed gives the same spectra.

    Parameters
    ----------
    instrument
        What the spectra were measured with.
    labels
        The classes.
    edges_keV
        Edges of the bins, shape (bin + 1,).
    seed
        Of the natural compositions.
    """

    def __init__(
        self,
        instrument: Instrument,
        labels: LabelSet,
        edges_keV: NDArray[np.float64],
        *,
        seed: int = 0,
    ) -> None:
        self.instrument, self.labels, self.edges_keV = instrument, labels, edges_keV
        self._seed = seed
        self._classes: dict[int, ClassSpectra] = {}
        self._elements: dict[tuple[str, int], FloatArray] = {}
        self._ideal: FloatArray | None = None

    def of_classes(self, classes: Sequence[int]) -> list[ClassSpectra]:
        """Return the spectra of classes, those that are new computed together.

        Raises
        ------
        MineralError
            If the library lacks a mineral of theirs.
        """
        new = [index for index in dict.fromkeys(classes) if index not in self._classes]
        if new:
            drawn = [self._compositions(index) for index in new]
            lines, scatter = self._spectra([one for some in drawn for one in some])
            ends = np.cumsum([len(some) for some in drawn])[:-1]
            for index, own, beside in zip(
                new, np.split(lines, ends), np.split(scatter, ends), strict=True
            ):
                kept = _extreme_rows(own + beside)
                self._classes[index] = ClassSpectra(_widened(own, kept), _widened(beside, kept))
        return [self._classes[index] for index in classes]

    def ideal(self) -> FloatArray:
        """Expected counts a second of the first mineral of every class, shape (class, bin)."""
        if self._ideal is None:
            library = load_library()
            compositions = [library.get(group.members[0]).composition for group in self.labels]
            symbols = sorted({symbol for one in compositions for symbol in one.elements})
            compiled = compile_instrument(
                instrument=self.instrument,
                symbols=symbols,
                edges_keV=self.edges_keV,
                dtype=np.float32,
            )
            found = compiled.spectra(mass_fraction_matrix(compositions, symbols))
            self._ideal = np.asarray(found, dtype=np.float64)
        return self._ideal

    def of_elements(self, symbols: Sequence[str], matrix: int) -> FloatArray:
        """Lines of elements as traces in a class, each of sum one, shape (element, bin).

        One whose lines the tube does not excite or the axis does not hold is all zeros.

        Parameters
        ----------
        symbols
            The elements.
        matrix
            The class, whose ideal composition attenuates the lines.
        """
        new = [symbol for symbol in symbols if (symbol, matrix) not in self._elements]
        if new:
            base = load_library().get(self.labels.groups[matrix].members[0]).composition
            for symbol, row in zip(new, self._lines_of_traces(new, base), strict=True):
                self._elements[symbol, matrix] = row
        return np.stack([self._elements[symbol, matrix] for symbol in symbols])

    def _compositions(self, index: int) -> list[Composition]:
        rng = np.random.default_rng((self._seed, index))
        library = load_library()
        minerals = [library.get(name) for name in self.labels.groups[index].members]
        natural = [one for entry in minerals for one in sample_compositions(entry, _DRAWN, rng)]
        return [minerals[0].composition, *natural]

    def _spectra(self, compositions: Sequence[Composition]) -> tuple[FloatArray, FloatArray]:
        symbols = sorted({symbol for one in compositions for symbol in one.elements})
        compiled = compile_instrument(
            instrument=self.instrument,
            symbols=symbols,
            edges_keV=self.edges_keV,
            dtype=np.float32,
        )
        fractions = mass_fraction_matrix(compositions, symbols)
        total = compiled.spectra(fractions)
        lines = np.zeros_like(total)
        compiled.line_response.add_counts(compiled.line_photons(fractions), lines)
        return lines.astype(np.float64), np.maximum(total - lines, 0.0).astype(np.float64)

    def _lines_of_traces(self, wanted: Sequence[str], base: Composition) -> FloatArray:
        symbols = sorted({*wanted, *base.elements})
        compiled = compile_instrument(
            instrument=self.instrument, symbols=symbols, edges_keV=self.edges_keV
        )
        own = mass_fraction_matrix([base], symbols)[0]
        fractions = np.tile(own * (1 - _TRACE), (len(wanted), 1))
        columns = [symbols.index(symbol) for symbol in wanted]
        fractions[np.arange(len(wanted)), columns] += _TRACE
        photons = compiled.line_photons(fractions)
        photons[compiled.fluorescence.lines.elements[None, :] != np.array(columns)[:, None]] = 0
        lines = np.zeros((len(wanted), self.edges_keV.size - 1))
        compiled.line_response.add_counts(photons, lines)
        sums = lines.sum(axis=1, keepdims=True)
        return np.divide(lines, sums, out=np.zeros_like(lines), where=sums > 0)


def _widened(spectra: FloatArray, kept: Sequence[int]) -> FloatArray:
    """The kept rows, all but the first farther from the mean of all."""
    mean = spectra.mean(axis=0)
    found = np.maximum(mean + _WIDENED * (spectra[kept] - mean), 0.0)
    found[0] = spectra[kept[0]]
    return np.asarray(found)


def _extreme_rows(spectra: FloatArray) -> list[int]:
    """The first row, and those that reach farthest out of the span of the ones before."""
    shares = spectra / spectra.sum(axis=1, keepdims=True)
    scale = np.sqrt(np.maximum(shares[0], 1e-9))
    rest = (shares - shares[0]) / scale
    kept = [0]
    while len(kept) < min(_KEPT, len(spectra)):
        sizes = (rest**2).sum(axis=1)
        farthest = int(sizes.argmax())
        if sizes[farthest] * _ENOUGH_COUNTS < 1:
            break
        kept.append(farthest)
        direction = rest[farthest] / np.sqrt(sizes[farthest])
        rest = rest - np.outer(rest @ direction, direction)
    return kept
