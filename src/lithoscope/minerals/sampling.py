"""Natural compositions: a mineral as it varies from grain to grain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.composition import Composition
from lithoscope.core.elements import atomic_weight
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError, MineralError
from lithoscope.minerals.charges import oxygen_of_oxide

# Sweeps over all pairs of end members after which their distribution no longer moves (tested
# against rejection sampling).
_SWEEPS = 30

_TYPICAL_SHARE = 0.9
# A trace's range is the central 95 % of a normal distribution: 1.96 standard deviations each way.
_TAIL = 0.025


def sample_compositions(mineral: Mineral, n: int, rng: np.random.Generator) -> list[Composition]:
    """Draw natural compositions of a mineral, as `sample_mass_fractions` does.

    Returns
    -------
    list of Composition
        `n` compositions, independent of each other.
    """
    symbols, fractions = sample_mass_fractions(mineral, n, rng)
    return [Composition(dict(zip(symbols, row, strict=True))) for row in fractions.tolist()]


def sample_mass_fractions(
    mineral: Mineral, n: int, rng: np.random.Generator, *, pure_share: float = 0.0
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Draw natural compositions of a mineral, as a matrix.

    The mole fractions of its end members are uniform over all that their ranges allow, and are
    mixed per formula unit in moles; where the mineral has typical ranges, nine of ten draws are
    uniform over what those allow instead. Each trace element is log-normal, its range the central
    95 % and its end, and brings the oxygen of its oxide where the mineral holds oxygen, so that
    charges stay balanced: the rest is scaled down to make room. A mineral without ranges has its
    ideal composition each time.

    Parameters
    ----------
    mineral
        The mineral.
    n
        Number of compositions.
    rng
        Source of randomness; the same state gives the same compositions.
    pure_share
        Expected share of draws without any traces, as of standards and synthetic minerals; every
        other one of them has the ideal composition.

    Returns
    -------
    symbols : tuple of str
        Elements of end members and traces.
    fractions : ndarray, shape (n, element)
        Mass fractions, each row with sum one.

    Raises
    ------
    InvalidValueError
        If `n` is negative, or the share not between 0 and 1.
    MineralError
        If the traces can add up to the whole.
    """
    if n < 0:
        raise InvalidValueError(f"{n} compositions.", expected="0 or more")
    if not 0 <= pure_share <= 1:
        raise InvalidValueError(f"A share of {pure_share} without traces.", expected="0 to 1")
    members = mineral.end_members or {mineral.formula: (1.0, 1.0)}
    symbols, masses = _masses_per_formula([*members, mineral.formula])
    moles = sample_mole_fractions(list(members.values()), n, rng)
    if mineral.typical:
        typical = sample_mole_fractions(list(mineral.typical_ranges.values()), n, rng)
        moles = np.where(rng.random((n, 1)) < _TYPICAL_SHARE, typical, moles)
    mixed = moles @ masses[:-1]
    traces = _sample_traces(mineral, n, rng)
    if pure_share:
        turn = rng.random((n, 1))
        mixed = np.where(turn < pure_share / 2, masses[-1], mixed)
        traces = np.where(turn < pure_share, 0.0, traces)
    fractions = mixed / mixed.sum(axis=1, keepdims=True)
    extra = list(mineral.traces)
    if "O" in symbols:
        traces = np.column_stack([traces, traces @ _oxygen_per_mass(mineral.traces)])
        extra.append("O")
    fractions *= 1 - traces.sum(axis=1, keepdims=True)
    every = tuple(dict.fromkeys([*symbols, *extra]))
    # Where each column of main and trace elements stands among all.
    place = np.zeros((len(symbols) + len(extra), len(every)))
    place[np.arange(len(place)), [every.index(symbol) for symbol in (*symbols, *extra)]] = 1.0
    return every, np.column_stack([fractions, traces]) @ place


def sample_mole_fractions(
    ranges: Sequence[tuple[float, float]], n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw mole fractions that sum to one, uniformly over what their ranges allow.

    A Gibbs sampler along pairs: of two fractions the sum stays, and the first is redrawn
    uniformly in what both ranges then allow. For two end members this is exact at once; for more
    it converges in a few sweeps, and unlike rejection it takes the same time however narrow the
    ranges are.

    Parameters
    ----------
    ranges
        (low, high) of each end member; lows must sum to at most, highs to at least one.
    n
        Number of draws.
    rng
        Source of randomness.

    Returns
    -------
    ndarray, shape (n, end member)
        Fractions within their ranges, each row with sum one.
    """
    low, high = np.array(ranges, dtype=np.float64).T
    slack = high.sum() - low.sum()
    start = low + (high - low) * ((1 - low.sum()) / slack if slack > 0 else 0.0)
    fractions = np.tile(start, (n, 1))
    pairs = list(itertools.combinations(range(len(ranges)), 2))
    for _ in range(_SWEEPS if len(ranges) > 2 else 1):
        for i, j in pairs:
            total = fractions[:, i] + fractions[:, j]
            least = np.maximum(low[i], total - high[j])
            most = np.minimum(high[i], total - low[j])
            fractions[:, i] = least + rng.random(n) * (most - least)
            fractions[:, j] = total - fractions[:, i]
    return np.clip(fractions, low, high)


def _masses_per_formula(formulas: list[str]) -> tuple[list[str], NDArray[np.float64]]:
    """Symbols, and grams of each per mole of formula, shape (formula, symbol)."""
    atoms = [parse_formula(formula) for formula in formulas]
    symbols = list(dict.fromkeys(symbol for counts in atoms for symbol in counts))
    weights = np.array([atomic_weight(symbol) for symbol in symbols])
    counts = np.array([[formula.get(symbol, 0.0) for symbol in symbols] for formula in atoms])
    return symbols, counts * weights


def _sample_traces(mineral: Mineral, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mass fractions of the trace elements, shape (n, trace)."""
    highest = sum(high for _, high in mineral.traces.values())
    if highest >= 1:
        raise MineralError(
            f"{mineral.name}: its trace elements can add up to {highest:.3g}.",
            expected="traces whose highest mass fractions sum to less than 1",
        )
    from scipy.special import ndtri

    logs = np.log(np.array(list(mineral.traces.values())).reshape(-1, 2))
    deviations = ndtri(rng.uniform(_TAIL, 1 - _TAIL, size=(n, len(logs))))
    half = (logs[:, 1] - logs[:, 0]) / 2
    return np.exp(logs.mean(axis=1) - half * deviations / ndtri(_TAIL))


def _oxygen_per_mass(symbols: Iterable[str]) -> NDArray[np.float64]:
    """Grams of oxygen in the oxide per gram of each element."""
    oxygen = atomic_weight("O")
    return np.array([oxygen_of_oxide(s) * oxygen / atomic_weight(s) for s in symbols])
