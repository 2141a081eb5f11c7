"""Formula, cell, density and powder lines of every entry, held against each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from lithoscope.core.elements import atomic_weight
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.minerals import load_library
from lithoscope.minerals.sampling import sample_mole_fractions

DALTON_G_CM3_A3 = 1.66053907

MINERALS = tuple(load_library())
CRYSTALS = [mineral for mineral in MINERALS if mineral.cell]

# Gels, swelling clays, glass and resins repeat nothing.
WITHOUT_CELL = {"opal", "chrysocolla", "montmorillonite", "nontronite", "saponite"}
# Natural pollucite holds sodium and water for caesium.
DENSITY_OF_NATURE = {"pollucite"}

# One composition, or one range within the other; what parts them is the lattice.
POLYMORPHS = [
    {"quartz", "cristobalite"},
    {"orthoclase", "microcline", "sanidine"},
    {"kyanite", "andalusite", "sillimanite"},
    {"calcite", "aragonite"},
    {"enstatite", "clinoenstatite"},
    {"antigorite", "chrysotile"},
    {"zoisite", "clinozoisite"},
    {"rutile", "anatase", "brookite"},
    {"pyrite", "marcasite"},
    {"graphite", "diamond"},
    {"tantalite-(fe)", "tapiolite-(fe)"},
    {"anthophyllite", "cummingtonite"},
]


def _name(mineral: Mineral) -> str:
    return mineral.name


def test_every_mineral_has_cell_and_powder_lines() -> None:
    without = {mineral.name for mineral in MINERALS if not mineral.cell and not mineral.is_material}
    assert without == WITHOUT_CELL
    for mineral in CRYSTALS:
        assert 3 <= len(mineral.d_spacings) <= 8, mineral.name
        assert max(mineral.d_spacings.values()) == 100, mineral.name


@pytest.mark.parametrize("mineral", CRYSTALS, ids=_name)
def test_density_is_that_of_the_cell(mineral: Mineral) -> None:
    """Four numbers in one: formula, formula units, cell and density agree to 4 %."""
    assert mineral.cell is not None
    atoms = parse_formula(mineral.formula)
    mass = sum(atomic_weight(symbol) * amount for symbol, amount in atoms.items())
    density = mineral.cell.formula_units * mass * DALTON_G_CM3_A3 / mineral.cell.volume_A3
    tolerance = 0.12 if mineral.name in DENSITY_OF_NATURE else 0.04
    assert density == pytest.approx(mineral.density_g_cm3, rel=tolerance)


@pytest.mark.parametrize("mineral", CRYSTALS, ids=_name)
def test_powder_lines_are_lattice_planes(mineral: Mineral) -> None:
    cell = mineral.cell
    assert cell is not None
    smallest = min(mineral.d_spacings)
    h, k, l_ = (int(length / smallest) + 1 for length in (cell.a_A, cell.b_A, cell.c_A))
    planes = np.mgrid[0 : h + 1, -k : k + 1, -l_ : l_ + 1].reshape(3, -1).T
    distances = cell.d_spacings_A(planes[planes.any(axis=1)])
    for d_A in mineral.d_spacings:
        assert np.abs(distances / d_A - 1).min() < 0.01, d_A


def _atoms_of(mineral: Mineral) -> tuple[list[dict[str, float]], list[tuple[float, float]]]:
    members = mineral.end_members or {mineral.formula: (1.0, 1.0)}
    return [parse_formula(formula) for formula in members], list(members.values())


def _drawn(mineral: Mineral, n: int, symbols: list[str]) -> np.ndarray:
    """Shares of all atoms in drawn compositions without traces, shape (n, symbol)."""
    atoms, ranges = _atoms_of(mineral)
    counts = np.array([[formula.get(symbol, 0.0) for symbol in symbols] for formula in atoms])
    drawn = sample_mole_fractions(ranges, n, np.random.default_rng(2)) @ counts
    return drawn / drawn.sum(axis=1, keepdims=True)


def _reaches(mineral: Mineral, shares: np.ndarray, symbols: list[str]) -> bool:
    """Whether end members within their ranges make up a composition, to 1 % of all atoms."""
    atoms, ranges = _atoms_of(mineral)
    mixing = np.array([[formula.get(symbol, 0.0) for formula in atoms] for symbol in symbols])
    low, high = np.array(ranges).T
    size = mixing.sum(axis=0).max()
    rows = np.vstack([np.column_stack([mixing, -shares * size]), [size] * len(atoms) + [0.0]])
    bounds = (np.append(low - 1e-6, 0.0), np.append(high + 1e-6, np.inf))
    target = np.append(np.zeros(len(symbols)), size)
    found = lsq_linear(rows, target, bounds)
    return bool(np.abs(rows @ found.x - target).sum() < 0.01 * size)


def _near(drawn: np.ndarray, other: np.ndarray) -> bool:
    """Whether most of one mineral's draws lie in the box around another's, and its half again."""
    slack = 0.02 + 0.5 * np.ptp(other, axis=0)
    within = (drawn >= other.min(axis=0) - slack) & (drawn <= other.max(axis=0) + slack)
    return bool(within.all(axis=1).mean() > 0.7)


def test_no_class_lies_inside_another_but_polymorphs() -> None:
    """Most compositions of a mineral cannot be those of another."""
    symbols = sorted({s for m in MINERALS for atoms in _atoms_of(m)[0] for s in atoms})
    drawn = {mineral.name: _drawn(mineral, 10, symbols) for mineral in MINERALS}
    mean = {name: shares.mean(axis=0) for name, shares in drawn.items()}
    inside = set()
    for one, other in itertools.permutations(MINERALS, 2):
        here, there = drawn[one.name], drawn[other.name]
        if np.abs(mean[one.name] - mean[other.name]).sum() > 0.5 or not _near(here, there):
            continue
        if np.mean([_reaches(other, shares, symbols) for shares in here]) > 0.5:
            inside.add(frozenset({one.name, other.name}))
    polymorphs = {frozenset(p) for group in POLYMORPHS for p in itertools.combinations(group, 2)}
    assert inside <= polymorphs
    assert len(inside) >= len(POLYMORPHS)
