"""Sampled compositions held against measured analyses of the same mineral.

Analyses are oxides in mass %, iron as FeO whatever its charge, and metals and sulfur for sulfides.
They lack what an electron beam does not see well (H, Li, Be, B, C, F), so both sides are taken as
percent of what is analysed. An analysis also has an error of its own; the sampled values get it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.elements import atomic_weight
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.minerals.sampling import sample_compositions

# What an analysis reports each element as.
OXIDES = {
    "Na": "Na2O",
    "Mg": "MgO",
    "Al": "Al2O3",
    "Si": "SiO2",
    "P": "P2O5",
    "K": "K2O",
    "Ca": "CaO",
    "Ti": "TiO2",
    "Cr": "Cr2O3",
    "Mn": "MnO",
    "Fe": "FeO",
    "Co": "CoO",
    "Ni": "NiO",
    "Cu": "CuO",
    "Zn": "ZnO",
    "Zr": "ZrO2",
    "Pb": "PbO",
}
_IN_SULFIDES = ("S", "As")
# Accuracy of microprobe analyses from many laboratories, one standard deviation: Reed 2005,
# Electron Microprobe Analysis, 2nd edition, chapter 7 (1 to 2 % of a major element).
_RELATIVE_ERROR = 0.02
_ABSOLUTE_ERROR_PERCENT = 0.05
_MAJOR_PERCENT = 1.0


@dataclass(frozen=True)
class Held:
    """How much of what was measured the sampled values hold, for one oxide or element.

    Parameters
    ----------
    constituent
        Oxide, or element of a sulfide.
    share
        Share of the measured values within the central 90 % of the sampled ones.
    low, high
        Ends of that range, in mass % of what is analysed.
    """

    constituent: str
    share: float
    low: float
    high: float


def is_sulfide(mineral: Mineral) -> bool:
    """Whether analyses give a mineral's elements, not oxides."""
    atoms = parse_formula(mineral.formula)
    return "O" not in atoms and bool({"S", "As"} & set(atoms))


def analysed_elements(mineral: Mineral) -> tuple[str, ...]:
    """Return the elements of a mineral's formula and end members that analyses report."""
    reported = {*OXIDES, *_IN_SULFIDES} if is_sulfide(mineral) else set(OXIDES)
    formulas = (mineral.formula, *mineral.end_members)
    symbols = dict.fromkeys(symbol for formula in formulas for symbol in parse_formula(formula))
    return tuple(symbol for symbol in symbols if symbol in reported)


def oxide_factor(symbol: str) -> float:
    """Grams of the reported oxide per gram of its element."""
    atoms = parse_formula(OXIDES[symbol])
    mass = sum(atomic_weight(element) * amount for element, amount in atoms.items())
    return mass / (atoms[symbol] * atomic_weight(symbol))


def analysis_percent(mineral: Mineral, compositions: Sequence[Composition]) -> NDArray[np.float64]:
    """Return compositions as an analysis would give them.

    Returns
    -------
    ndarray, shape (composition, analysed element)
        Mass % of oxides (elements for sulfides); each row sums to 100.
    """
    elements = analysed_elements(mineral)
    factors = [1.0 if is_sulfide(mineral) else oxide_factor(symbol) for symbol in elements]
    fractions = [[c.mass_fractions.get(symbol, 0.0) for symbol in elements] for c in compositions]
    return normalised_percent(np.array(fractions).reshape(-1, len(elements)) * factors)


def normalised_percent(values: ArrayLike) -> NDArray[np.float64]:
    """Scale each row, the last axis, to a sum of 100."""
    array = np.asarray(values, dtype=np.float64)
    return 100 * array / array.sum(axis=-1, keepdims=True)


def measured_columns(
    mineral: Mineral, measured_percent: ArrayLike
) -> dict[str, NDArray[np.float64]]:
    """Analyses, as `held_shares` takes them, by constituent in percent of what is analysed."""
    return dict(zip(_constituents(mineral), normalised_percent(measured_percent).T, strict=True))


def with_analytical_error(
    percent: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return compositions, one a row in percent, with the error of an analysis."""
    error = np.hypot(_RELATIVE_ERROR * percent, _ABSOLUTE_ERROR_PERCENT)
    return normalised_percent(np.maximum(percent + error * rng.standard_normal(error.shape), 0))


def _constituents(mineral: Mineral) -> list[str]:
    elements = analysed_elements(mineral)
    return [*elements] if is_sulfide(mineral) else [OXIDES[symbol] for symbol in elements]


def held_shares(
    mineral: Mineral,
    measured_percent: ArrayLike,
    rng: np.random.Generator,
    n_sampled: int = 4000,
) -> list[Held]:
    """Compare a mineral's sampled compositions with measured ones.

    Parameters
    ----------
    mineral
        The mineral.
    measured_percent
        Analyses, shape (analysis, analysed element); columns as `analysed_elements` orders them.
    rng
        Source of randomness.
    n_sampled
        Number of compositions to sample.

    Returns
    -------
    list of Held
        One for each constituent that makes up 1 % or more on average of the sampled or of the
        measured values; none for a mineral of one constituent, which is always 100 %.
    """
    elements = analysed_elements(mineral)
    if len(elements) < 2:
        return []
    sampled = analysis_percent(mineral, sample_compositions(mineral, n_sampled, rng))
    seen = with_analytical_error(sampled, rng)
    lows, highs = np.quantile(seen, [0.05, 0.95], axis=0)
    measured = normalised_percent(measured_percent)
    # By either: ranges that leave out what was measured must not drop it from the comparison.
    means = np.maximum(sampled.mean(axis=0), measured.mean(axis=0))
    within = ((measured >= lows) & (measured <= highs)).mean(axis=0)
    return [
        Held(name, float(share), float(low), float(high))
        for name, share, low, high, mean in zip(
            _constituents(mineral), within, lows, highs, means, strict=True
        )
        if mean >= _MAJOR_PERCENT
    ]
