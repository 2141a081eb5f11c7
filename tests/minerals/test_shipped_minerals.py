"""The entries that ship, held against the IMA's symbols, charge balance and nomenclature."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from lithoscope.core.elements import atomic_weight
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.minerals import load_library, sample_compositions

SYMBOLS = Path(__file__).parents[1] / "data" / "warr2021_symbols.csv"

# Common oxidation states; where nature has several, the lowest and the highest.
CHARGES: dict[str, tuple[int, int]] = {
    symbol: (lowest, highest)
    for symbols, lowest, highest in (
        ("H Li Na K Rb Cs Ag", 1, 1),
        ("Be Mg Ca Sr Ba Zn Cd Hg Pb", 2, 2),
        ("B Al Cr Y La Ce Pr Nd Sm Gd Dy Er Yb Sb Bi", 3, 3),
        ("C Si Ti Zr Hf Sn Th", 4, 4),
        ("P Nb Ta V", 5, 5),
        ("As", 3, 5),
        ("W", 6, 6),
        ("U Mo", 4, 6),
        ("Cu", 1, 2),
        ("Co Fe Ni", 2, 3),
        ("Mn", 2, 4),
        ("O Se Te", -2, -2),
        ("F Cl Br", -1, -1),
    )
    for symbol in symbols.split()
}
# Anions in pairs (S2, AsS, As2), and pentlandite's metal-metal bonds.
NOT_IONIC = {"FeS2", "CoS2", "NiS2", "FeAsS", "CoAsS", "NiAsS", "FeAs2", "CoAs2", "NiAs2"} | {
    "NiAs",
    "CoAs",
    "FeAs",
    "NiSb",
    "AsS",
}
METAL_RICH = {"Ni4.5Fe4.5S8", "Ni9S8", "Fe9S8", "Co9S8", "Ni3S2", "Fe3S2", "Co3S2"}
UNCHARGED_CLASSES = {"native element", "telluride", "metal", "metalloid", "resin"}

MINERALS = tuple(load_library())


def _name(value: object) -> str:
    return value.name if isinstance(value, Mineral) else str(value)


def _samples(name: str, n: int = 300) -> list[dict[str, float]]:
    """Atoms of drawn compositions, up to a factor; 0 for elements that are not there."""
    mineral = load_library().get(name)
    drawn = sample_compositions(mineral, n, np.random.default_rng(11))
    symbols = {symbol for composition in drawn for symbol in composition.elements}
    return [
        {key: composition.mass_fractions.get(key, 0.0) / atomic_weight(key) for key in symbols}
        for composition in drawn
    ]


def test_what_ships() -> None:
    library = load_library()
    assert len(library) >= 200
    assert library.names[0] == "quartz"
    kinds = [mineral.kind for mineral in library]
    assert kinds.count("mineral") >= 200
    assert kinds.count("material") == 14
    for name in ("spodumene", "petalite", "beryl", "tantalite-(mn)", "gold", "epoxy", "ulexite"):
        assert name in library


def test_symbols_are_those_of_the_ima() -> None:
    with SYMBOLS.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        approved = {row["name"]: row["symbol"] for row in rows}
    for mineral in MINERALS:
        assert mineral.symbol == approved.get(mineral.name, ""), mineral.name
    # Parts of the plagioclase series are no species; all else that is a mineral has a symbol.
    without = {
        mineral.name for mineral in MINERALS if not mineral.symbol and not mineral.is_material
    }
    assert without == {"oligoclase", "andesine", "labradorite", "bytownite", "electrum"}


def test_every_mineral_has_a_class_and_a_source() -> None:
    for mineral in MINERALS:
        assert mineral.mineral_class, mineral.name
        assert mineral.references or mineral.is_material, mineral.name
        # What is no key of the table of references stays as it stands: a word.
        assert all(" " in reference for reference in mineral.references), mineral.name


@pytest.mark.parametrize(
    "mineral", [m for m in MINERALS if m.mineral_class not in UNCHARGED_CLASSES], ids=_name
)
def test_charges_balance(mineral: Mineral) -> None:
    for formula in {mineral.formula, *mineral.end_members} - NOT_IONIC - METAL_RICH:
        atoms = parse_formula(formula)
        states = {**CHARGES, "S": (6, 6) if "SO4" in formula else (-2, -2)}
        lowest = sum(amount * states[key][0] for key, amount in atoms.items())
        highest = sum(amount * states[key][1] for key, amount in atoms.items())
        positive = sum(amount * max(states[key][1], 0) for key, amount in atoms.items())
        assert lowest <= 0.02 * positive, formula
        assert highest >= -0.02 * positive, formula


@pytest.mark.parametrize("mineral", [m for m in MINERALS if m.end_members], ids=_name)
def test_ideal_formula_lies_within_the_ranges(mineral: Mineral) -> None:
    """There are mole fractions within the ranges that make up the ideal formula."""
    ideal = parse_formula(mineral.formula)
    members = [parse_formula(formula) for formula in mineral.end_members]
    symbols = sorted({*ideal, *(symbol for member in members for symbol in member)})
    mixing = np.array([[member.get(symbol, 0.0) for member in members] for symbol in symbols])
    wanted = np.array([ideal.get(symbol, 0.0) for symbol in symbols])
    # The last unknown is how many formula units of the mixture the ideal formula writes.
    low, high = np.array([*mineral.end_members.values()]).T
    rows = np.vstack([np.column_stack([mixing, -wanted]), [1.0] * len(members) + [0.0]])
    bounds = (np.append(low - 1e-9, 0.0), np.append(high + 1e-9, np.inf))
    target = np.append(np.zeros(len(symbols)), 1.0)
    found = lsq_linear(rows, target, bounds, tol=1e-14)
    assert np.abs(rows @ found.x - target).max() < 1e-6 * wanted.max()


@pytest.mark.parametrize(
    "mineral", [m for m in MINERALS if m.mineral_class not in UNCHARGED_CLASSES], ids=_name
)
def test_sampled_compositions_balance(mineral: Mineral) -> None:
    """Charges of oxides and halides within 2 % of balance, traces included; nothing negative."""
    for composition in sample_compositions(mineral, 40, np.random.default_rng(3)):
        atoms = {key: w / atomic_weight(key) for key, w in composition}
        assert min(atoms.values()) > 0
        negative = sum(atoms.get(key, 0) * -CHARGES[key][0] for key in ("O", "F", "Cl", "Br"))
        if negative < 0.3 * sum(atoms.values()) or not set(atoms) <= {*CHARGES, "S"}:
            continue
        states = {**CHARGES, "S": (-2, 6), "C": (-4, 4)}
        lowest = sum(amount * states[key][0] for key, amount in atoms.items())
        highest = sum(amount * states[key][1] for key, amount in atoms.items())
        assert lowest <= 0.02 * negative
        assert highest >= -0.02 * negative


def _share(part: str, whole: str) -> Callable[[dict[str, float]], float]:
    """Atoms of `part` over those of `whole`, both lists of symbols."""

    def ratio(atoms: dict[str, float]) -> float:
        return sum(atoms.get(s, 0.0) for s in part.split()) / sum(
            atoms.get(s, 0.0) for s in whole.split()
        )

    return ratio


@pytest.mark.parametrize(
    ("below", "above", "ratio", "cut"),
    [
        ("albite", "oligoclase", _share("Ca", "Ca Na"), 0.1),
        ("oligoclase", "andesine", _share("Ca", "Ca Na"), 0.3),
        ("andesine", "labradorite", _share("Ca", "Ca Na"), 0.5),
        ("labradorite", "bytownite", _share("Ca", "Ca Na"), 0.7),
        ("bytownite", "anorthite", _share("Ca", "Ca Na"), 0.9),
        ("albite", "orthoclase", _share("K", "K Na"), 0.5),
        ("phlogopite", "annite", _share("Fe", "Fe Mg"), 0.5),
        ("trilithionite", "polylithionite", _share("Si", "Si Al"), 2 / 3),
        ("clinochlore", "chamosite", _share("Fe", "Fe Mg"), 0.5),
        ("forsterite", "fayalite", _share("Fe", "Fe Mg"), 0.5),
        ("diopside", "hedenbergite", _share("Fe", "Fe Mg"), 0.5),
        ("tremolite", "actinolite", _share("Fe", "Fe Mg"), 0.1),
        ("magnesio-hornblende", "actinolite", _share("Si", "O"), 7.5 / 24),
        ("almandine", "spessartine", _share("Mn", "Fe Mn Mg Ca"), 0.45),
        ("almandine", "pyrope", _share("Mg", "Fe Mn Mg Ca"), 0.45),
        ("grossular", "andradite", _share("Fe", "Fe Al"), 0.5),
        ("elbaite", "schorl", _share("Fe", "Fe Al"), 0.16),
        ("dolomite", "ankerite", _share("Fe", "Fe Mg"), 0.5),
        ("dolomite", "calcite", _share("Ca", "C"), 0.8),
        ("magnesite", "siderite", _share("Fe", "Fe Mg"), 0.5),
        ("siderite", "rhodochrosite", _share("Mn", "Mn Fe"), 0.5),
        ("baryte", "celestine", _share("Sr", "Sr Ba"), 0.5),
        ("ferberite", "hubnerite", _share("Mn", "Mn Fe"), 0.5),
        ("amblygonite", "montebrasite", _share("H", "H F"), 0.5),
        ("triphylite", "lithiophilite", _share("Mn", "Mn Fe"), 0.5),
        ("columbite-(fe)", "columbite-(mn)", _share("Mn", "Mn Fe"), 0.5),
        ("tantalite-(fe)", "tantalite-(mn)", _share("Mn", "Mn Fe"), 0.5),
        ("columbite-(fe)", "tantalite-(fe)", _share("Ta", "Ta Nb"), 0.5),
        ("columbite-(mn)", "tantalite-(mn)", _share("Ta", "Ta Nb"), 0.5),
        ("goethite", "hematite", _share("Fe", "O H"), 0.5),
        ("hematite", "magnetite", _share("Fe Ti Al Mg Cr Mn V Zn", "O"), 0.71),
        ("rutile", "ilmenite", _share("Fe", "Fe Ti"), 0.2),
        ("gold", "silver", _share("Ag", "Ag Au"), 0.5),
    ],
)
def test_neighbours_in_a_series_do_not_overlap(
    below: str, above: str, ratio: Callable[[dict[str, float]], float], cut: float
) -> None:
    # Traces of an element that is also a major one shift a ratio by up to a percent of itself.
    assert max(map(ratio, _samples(below))) <= cut * 1.02
    assert min(map(ratio, _samples(above))) >= cut * 0.98


def test_plagioclase_covers_the_series_without_gap() -> None:
    edges = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
    names = ("albite", "oligoclase", "andesine", "labradorite", "bytownite", "anorthite")
    for name, low, high in zip(names, edges[:-1], edges[1:], strict=True):
        # One composition in ten is not of the typical ranges.
        shares = [_share("Ca", "Ca Na")(atoms) for atoms in _samples(name, 3000)]
        assert low - 1e-9 <= min(shares) <= low + 0.03
        assert high - 0.03 <= max(shares) <= high + 1e-9


def test_zircon_always_holds_hafnium_as_nature_does() -> None:
    for atoms in _samples("zircon", 50):
        assert 0.003 < atoms["Hf"] / atoms["Zr"] < 0.035
