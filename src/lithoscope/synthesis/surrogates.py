"""Made-up samples that no library holds: what detectors of the unknown are fitted against.

What is really unknown is not known beforehand. Detectors are fitted against compositions that do
not exist, so that minerals and alloys they are tested on are new to them (outlier exposure,
Hendrycks et al. 2019, ICLR).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.elements import atomic_number, atomic_weight
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError

# Elements beside the library's that surrogates may hold. All others are left to tests.
FOREIGN = ("Sc", "Rb", "Ru", "Cd", "La", "Nd", "Dy", "Yb", "Os", "Tl")
# The lightest that some instrument here sees: surrogates differ from minerals in what is seen.
_LIGHTEST = 11
# Share of surrogates that are minerals with one or two elements swapped, and of free compounds,
# these of light elements among them; the rest are fine blends of minerals.
_SWAPPED, _COMPOUND, _LIGHT_ALONE = 0.4, 0.4, 0.12
_MOST_BLENDED, _MOST_PARTS = 0.5, 4
# Sum of differences of mass shares among visible elements, at most 2, from every formula: what is
# nearer may well be that mineral.
_LEAST_DISTANCE = 0.25
# How far energy scales are off in `stretched_spectra`.
_STRETCHED = (0.05, 0.15)
_LIGHT = ("O", "O", "O", "C", "H", "F")
# Of plastics, waxes and carbons: most atoms of each for one of carbon, and densities in g/cm3, from
# waxes (0.9) to PTFE and graphite (2.2).
_MOST_TO_CARBON = {"H": 2.2, "O": 1.0, "N": 0.5, "F": 2.0}
_LIGHT_DENSITIES = (0.85, 2.3)

Atoms = Mapping[str, float]


def surrogate_minerals(
    minerals: Sequence[Mineral], count: int, rng: np.random.Generator
) -> list[Mineral]:
    """Make up samples that are no mineral.

    Four kinds: minerals with one or two of their visible elements replaced by others, compounds of
    one to four elements with or without light ones, compounds of light elements alone as plastics
    are, and blends of three or four minerals finer than any beam of which none has more than half.
    Each takes traces and unit cell of a mineral, so that neither tells it from one; half of those
    of light elements have no traces, and there are none where a mineral has no visible elements
    either. What comes near the formula or an end member of a mineral in its visible elements is
    drawn again.

    Parameters
    ----------
    minerals
        What they are made from, and not to be.
    count
        How many.
    rng
        Source of randomness.
    """
    if not minerals or count < 1:
        raise InvalidValueError(
            f"{count} surrogates of {len(minerals)} minerals.", expected="1 or more of each"
        )
    atoms = [parse_formula(mineral.formula) for mineral in minerals]
    ranges = [parse_formula(formula) for one in minerals for formula in one.end_members]
    visible = {symbol for one in (*atoms, *ranges) for symbol in one if _is_visible(symbol)}
    pool = sorted({*FOREIGN, *visible})
    formulas = [formula for one in minerals for formula in (one.formula, *one.end_members)]
    known = np.array([_visible_shares(parse_formula(formula), pool) for formula in formulas])
    light_alone = _LIGHT_ALONE if known.any(axis=1).all() else 0.0
    made: list[Mineral] = []
    while len(made) < count:
        place = int(rng.integers(len(minerals)))
        base, kind = minerals[place], rng.random()
        if kind < _SWAPPED:
            found = _swapped(atoms[place], pool, rng)
        elif kind < _SWAPPED + light_alone:
            base, found = _as_light(base, rng), _light_alone(rng)
        elif kind < _SWAPPED + _COMPOUND or len(atoms) < _MOST_PARTS:
            found = _compound(pool, rng)
        else:
            found = _blend(atoms, rng)
        distances = np.abs(known - _visible_shares(found, pool)).sum(axis=1)
        if distances.min() >= _LEAST_DISTANCE:
            made.append(_as_mineral(base, found, f"surrogate {len(made)}"))
    return made


def stretched_spectra(
    shares: NDArray[np.floating], edges_keV: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Put spectra on an energy scale that is 5 to 15 % too long or too short.

    Their lines stand where no element has them all, which no composition can give.

    Parameters
    ----------
    shares
        Expected spectra, shape (spectrum, bin).
    edges_keV
        Bin edges, shape (bin + 1,).
    rng
        Source of randomness.

    Returns
    -------
    ndarray, shape (spectrum, bin)
        Rows with the sum that they had; what leaves the axis is made up for.
    """
    off = rng.uniform(*_STRETCHED, size=len(shares)) * rng.choice([-1.0, 1.0], size=len(shares))
    cumulative = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)
    made = [
        np.diff(np.interp(edges_keV * (1 + one), edges_keV, row))
        for one, row in zip(off, cumulative, strict=True)
    ]
    found = np.array(made).reshape(shares.shape)
    kept = np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
    return (found * shares.sum(axis=1, keepdims=True) / kept).astype(np.float32)


def _is_visible(symbol: str) -> bool:
    return atomic_number(symbol) >= _LIGHTEST


def _visible_shares(atoms: Atoms, pool: Sequence[str]) -> NDArray[np.float64]:
    """Mass shares among visible elements, shape (element of the pool,); zero without any."""
    masses = np.array([atoms.get(symbol, 0.0) * atomic_weight(symbol) for symbol in pool])
    return masses / max(float(masses.sum()), 1e-12)


def _swapped(atoms: Atoms, pool: Sequence[str], rng: np.random.Generator) -> Atoms:
    visible = [symbol for symbol in atoms if _is_visible(symbol)]
    if not visible:
        return _compound(pool, rng)
    out = rng.choice(visible, size=min(len(visible), int(rng.integers(1, 3))), replace=False)
    choices = [symbol for symbol in pool if symbol not in atoms]
    into = rng.choice(choices, size=len(out), replace=False)
    new = dict(zip(out.tolist(), into.tolist(), strict=True))
    return {new.get(symbol, symbol): amount for symbol, amount in atoms.items()}


def _compound(pool: Sequence[str], rng: np.random.Generator) -> Atoms:
    elements = rng.choice(pool, size=int(rng.integers(1, 5)), replace=False).tolist()
    amounts = rng.dirichlet(np.ones(len(elements))) + 0.02
    found = dict(zip(elements, amounts.tolist(), strict=True))
    if rng.random() < 2 / 3:
        light = str(rng.choice(_LIGHT))
        found[light] = float(rng.uniform(0.3, 3.0))
    return found


def _light_alone(rng: np.random.Generator) -> Atoms:
    chosen = [symbol for symbol in _MOST_TO_CARBON if rng.random() < 1 / 2]
    return {"C": 1.0, **{one: float(rng.uniform(0.0, _MOST_TO_CARBON[one])) for one in chosen}}


def _as_light(mineral: Mineral, rng: np.random.Generator) -> Mineral:
    traces = mineral.traces if rng.random() < 1 / 2 else {}
    density = float(rng.uniform(*_LIGHT_DENSITIES))
    return dataclasses.replace(mineral, density_g_cm3=density, traces=traces)


def _blend(atoms: Sequence[Atoms], rng: np.random.Generator) -> Atoms:
    parts = [
        atoms[place]
        for place in rng.choice(len(atoms), int(rng.integers(3, _MOST_PARTS + 1)), False)
    ]
    shares = rng.dirichlet(np.ones(len(parts)) * 4)
    while shares.max() > _MOST_BLENDED:
        shares = rng.dirichlet(np.ones(len(parts)) * 4)
    found: dict[str, float] = {}
    for part, share in zip(parts, shares, strict=True):
        mass = sum(atomic_weight(symbol) * amount for symbol, amount in part.items())
        for symbol, amount in part.items():
            found[symbol] = found.get(symbol, 0.0) + share * amount / mass * 100
    return found


def _as_mineral(base: Mineral, atoms: Atoms, name: str) -> Mineral:
    formula = "".join(f"{symbol}{amount:.5f}" for symbol, amount in atoms.items() if amount > 1e-5)
    return dataclasses.replace(
        base,
        name=name,
        formula=formula,
        kind="material",
        mineral_class="",
        aliases=(),
        symbol="",
        end_members={},
        typical={},
        references=(),
    )
