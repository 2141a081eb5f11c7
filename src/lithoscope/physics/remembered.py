"""Tables of cross sections that keep what they were asked for.

Machines of one make differ in voltage, lens and filters, yet their sources have all nodes but one
in common, and xraylib takes microseconds for each value: most of what compiling a machine costs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lithoscope.physics.attenuation import mass_attenuation_from_elements
from lithoscope.physics.fluorescence import LineTable, lines_from_elements, production_from_lines

FloatArray = NDArray[np.float64]

# Energies kept: some three instruments' nodes and lines. 2 000 lines of 71 elements take 65 MB.
_MOST = 4096
# Sets of elements kept at a time: a library, and a library with what is being added to it.
_ELEMENT_SETS = 2


class RememberedColumns:
    """A function of energies, column by column, computed once for each energy.

    Parameters
    ----------
    compute
        From energies, shape (energy,), to a table, shape (row, energy), whose columns depend on
        their own energy alone.
    most
        Energies kept; others are computed each time.
    """

    def __init__(self, compute: Callable[[FloatArray], FloatArray], *, most: int = _MOST) -> None:
        self._compute, self._most = compute, most
        # One tuple, replaced as a whole: threads that ask at once may compute twice, never wrongly.
        self._known: tuple[FloatArray, FloatArray] | None = None

    def at(self, energies_keV: FloatArray) -> FloatArray:
        """Return the table at these energies, shape (row, energy)."""
        energies = np.asarray(energies_keV, dtype=np.float64)
        if self._known is None:
            table = self._compute(energies)
            self._remember(energies, table)
            return table
        known, table = self._known
        place = np.minimum(np.searchsorted(known, energies), known.size - 1)
        result, new = table[:, place], known[place] != energies
        if new.any():
            result[:, new] = self._compute(energies[new])
            joined = np.concatenate([known, energies[new]])
            self._remember(joined, np.concatenate([table, result[:, new]], axis=1))
        return result

    def _remember(self, energies: FloatArray, table: FloatArray) -> None:
        once, first = np.unique(energies, return_index=True)
        if 0 < once.size <= self._most:
            self._known = (once, table[:, first])


@functools.lru_cache(maxsize=_ELEMENT_SETS)
def remembered_lines(symbols: tuple[str, ...]) -> LineTable:
    """Lines of a set of elements, as `lines_from_elements` gives them."""
    return lines_from_elements(symbols=symbols)


@functools.lru_cache(maxsize=_ELEMENT_SETS)
def remembered_attenuation(symbols: tuple[str, ...]) -> RememberedColumns:
    """Mass attenuation of a set of elements, in cm²/g, rows as `symbols`."""
    return RememberedColumns(
        lambda energies: mass_attenuation_from_elements(symbols=symbols, energies_keV=energies)
    )


@functools.lru_cache(maxsize=_ELEMENT_SETS)
def remembered_production(symbols: tuple[str, ...]) -> RememberedColumns:
    """Production of a set of elements' lines, in cm²/g, rows as in `remembered_lines`."""
    lines = remembered_lines(symbols)
    return RememberedColumns(
        lambda energies: production_from_lines(symbols=symbols, lines=lines, energies_keV=energies)
    )
