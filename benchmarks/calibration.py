"""What perfect ranges would score, and how large the error of an analysis is.

Both serve `library_chemistry.py`: with a dozen analyses a mineral, chance alone puts many oxides
outside a band of coverage, and a comparison of spreads needs the part that no mineral has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

CENTRAL = 0.9
# Ratios of atoms that the structure fixes and that iron's charge has no part in: mineral,
# numerator, denominator, ratio.
FIXED_RATIOS = (
    ("zircon", "Zr", "Si", 1.0),
    ("titanite", "Ca", "Si", 1.0),
    ("perovskite", "Ca", "Ti", 1.0),
    ("fluorapatite", "Ca", "P", 5 / 3),
    ("forsterite", "Fe Mg Mn Ca", "Si", 2.0),
    ("fayalite", "Fe Mg Mn Ca", "Si", 2.0),
    ("almandine", "Fe Mg Mn Ca", "Si", 1.0),
    ("pyrope", "Fe Mg Mn Ca", "Si", 1.0),
    ("leucite", "K Na", "Al Fe", 1.0),
    ("albite", "Si Al", "Na K Ca", 4.0),
    ("oligoclase", "Si Al", "Na K Ca", 4.0),
    ("andesine", "Si Al", "Na K Ca", 4.0),
    ("labradorite", "Si Al", "Na K Ca", 4.0),
    ("bytownite", "Si Al", "Na K Ca", 4.0),
    ("anorthite", "Si Al", "Na K Ca", 4.0),
    ("orthoclase", "Si Al", "Na K Ca", 4.0),
    ("microcline", "Si Al", "Na K Ca", 4.0),
    ("sanidine", "Si Al", "Na K Ca", 4.0),
    ("anorthoclase", "Si Al", "Na K Ca", 4.0),
)


def expected_verdicts(
    analyses: Sequence[int], held_from: float, held_to: float
) -> tuple[float, float, float]:
    """Return how many oxides perfect ranges would hold, find too narrow, and too wide.

    Each analysis is within the central 90 % with probability 0.9, independently of the others.

    Parameters
    ----------
    analyses
        Number of analyses of each oxide.
    held_from, held_to
        Shares of analyses between which, ends included, an oxide counts as held.
    """
    expected = np.zeros(3)
    for n in analyses:
        counts = np.arange(n + 1)
        chances = binom.pmf(counts, n, CENTRAL)
        narrow, wide = counts / n < held_from, counts / n > held_to
        expected += [chances[~narrow & ~wide].sum(), chances[narrow].sum(), chances[wide].sum()]
    held, too_narrow, too_wide = expected.tolist()
    return held, too_narrow, too_wide


def analytical_errors(
    atoms: Mapping[str, Sequence[Mapping[str, float]]],
) -> NDArray[np.float64]:
    """Return the relative error of one oxide, from ratios that the structure fixes.

    Parameters
    ----------
    atoms
        Analyses by mineral, each the relative number of atoms by element.

    Returns
    -------
    ndarray, shape (ratio,)
        Root mean square of the logarithm of measured over ideal ratio, divided by the root of two
        for the two sides of a ratio; one for each of `FIXED_RATIOS` with analyses.
    """
    errors = []
    for mineral, part, whole, ideal in FIXED_RATIOS:
        ratios = [
            sum(one[symbol] for symbol in part.split())
            / sum(one[symbol] for symbol in whole.split())
            for one in atoms.get(mineral, ())
        ]
        if ratios:
            errors.append(np.sqrt((np.log(np.array(ratios) / ideal) ** 2).mean() / 2))
    return np.array(errors)
