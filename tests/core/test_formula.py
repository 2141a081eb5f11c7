"""Formulas: what can be read, what is refused, and that nothing is ever misread."""

from __future__ import annotations

import csv
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.core.composition import Composition
from lithoscope.core.elements import symbols
from lithoscope.core.formula import composition_from_formula, parse_formula
from lithoscope.errors import FormulaError

NEXL = Path(__file__).parents[1] / "data" / "nexl_mass_fractions.csv"

GYPSUM = {"Ca": 1, "S": 1, "O": 6, "H": 4}
BASSANITE = {"Ca": 1, "S": 1, "O": 4.5, "H": 1}


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("C", {"C": 1}),
        ("LiAlSi2O6", {"Li": 1, "Al": 1, "Si": 2, "O": 6}),
        ("Li Al Si2 O6", {"Li": 1, "Al": 1, "Si": 2, "O": 6}),
        ("LiAlSi₂O₆", {"Li": 1, "Al": 1, "Si": 2, "O": 6}),
        ("CO", {"C": 1, "O": 1}),
        ("Co", {"Co": 1}),
        ("KAl2(AlSi3O10)(OH)2", {"K": 1, "Al": 3, "Si": 3, "O": 12, "H": 2}),
        ("Ca[Al{Si(O)2}2]2", {"Ca": 1, "Al": 2, "Si": 4, "O": 8}),
        ("(Mg0.9Fe0.1)2SiO4", {"Mg": 1.8, "Fe": 0.2, "Si": 1, "O": 4}),
        ("(Mg₀.₉Fe₀.₁)₂SiO₄", {"Mg": 1.8, "Fe": 0.2, "Si": 1, "O": 4}),
        ("Fe1.5SiO4", {"Fe": 1.5, "Si": 1, "O": 4}),
    ],
)
def test_elements_numbers_and_brackets(text: str, atoms: dict[str, float]) -> None:
    assert parse_formula(text) == pytest.approx(atoms)


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("CaSO4·2H2O", GYPSUM),
        ("CaSO4•2H2O", GYPSUM),
        ("CaSO4*2H2O", GYPSUM),
        ("CaSO4 * 2 H2O", GYPSUM),
        ("CaSO4.2H2O", GYPSUM),
        ("CaSO4 . 2H2O", GYPSUM),
        ("CaSO₄.2H₂O", GYPSUM),
        ("Ca(SO4).2H2O", GYPSUM),
        ("CaSO4·0.5H2O", BASSANITE),
        ("CaSO4.0.5H2O", BASSANITE),
        ("CaSO4·H2O", {"Ca": 1, "S": 1, "O": 5, "H": 2}),
        ("CaSO4.H2O", {"Ca": 1, "S": 1, "O": 5, "H": 2}),
        ("FeOOH.4H2O", {"Fe": 1, "O": 6, "H": 9}),
        ("3CaO·Al2O3", {"Ca": 3, "O": 6, "Al": 2}),
        ("CaCl2.4H2O.2H2O", {"Ca": 1, "Cl": 2, "H": 12, "O": 6}),
        ("[Ca(OH)2.2H2O]2", {"Ca": 2, "O": 8, "H": 12}),
    ],
)
def test_hydrates_and_sums_of_formulas(text: str, atoms: dict[str, float]) -> None:
    assert parse_formula(text) == pytest.approx(atoms)


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("(Mg,Fe)2SiO4", {"Mg": 1, "Fe": 1, "Si": 1, "O": 4}),
        ("(Mg0.9,Fe0.1)2SiO4", {"Mg": 1.8, "Fe": 0.2, "Si": 1, "O": 4}),
        ("(Mg, Fe2+, Mn)3O3", {"Mg": 1, "Fe": 1, "Mn": 1, "O": 3}),
        ("Ca5(PO4)3(OH,F)", {"Ca": 5, "P": 3, "O": 12.5, "H": 0.5, "F": 0.5}),
        ("Ca((OH)1.5,F0.5)", {"Ca": 1, "O": 1.5, "H": 1.5, "F": 0.5}),
        ("Ca2(SO4,CO3)2", {"Ca": 2, "S": 1, "C": 1, "O": 7}),
        ("(Na,□)Cl", {"Na": 0.5, "Cl": 1}),
        ("□Ca2(Mg,Fe2+)5Si8O22(OH)2", {"Ca": 2, "Mg": 2.5, "Fe": 2.5, "Si": 8, "O": 24, "H": 2}),
        ("(Ca,(Mg0.5Fe0.5))CO3", {"Ca": 0.5, "Mg": 0.25, "Fe": 0.25, "C": 1, "O": 3}),
    ],
)
def test_lists_share_a_place(text: str, atoms: dict[str, float]) -> None:
    assert parse_formula(text) == pytest.approx(atoms)


@pytest.mark.parametrize(
    "magnetite",
    [
        "Fe2+Fe3+2O4",
        "Fe²⁺Fe³⁺₂O₄",
        "Fe²⁺Fe₂³⁺O₄",
        "Fe^{2+}Fe^{3+}2O4",
        "Fe^2+Fe^3+2O4",
        "(Fe2+)(Fe3+)2(O4)⁸⁻",
        "Fe^{+2}Fe^{+3}2O4",
        "Fe⁺²Fe⁺³2O4",
    ],
)
def test_charges_are_no_amounts(magnetite: str) -> None:
    assert parse_formula(magnetite) == {"Fe": 3, "O": 4}


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("LiXxO2", 3, "'Xx' is not a chemical element"),
        ("SiO2Q", 5, "'Q' is not a chemical element"),
        ("sio2", 1, "one capital"),
        ("SiO2)", 5, "close each bracket"),
        ("Mg(SiO4", 3, "never closed"),
        ("Mg(SiO4]", 8, "an element, or ')' for character 3"),
        ("Mg()", 4, "with something in it"),
        ("Mg(Fe,)", 7, "with something in it"),
        ("Mg,Fe", 3, "list elements in brackets"),
        ("Mg0,9Fe", 3, "an amount of 0"),
        ("Fe0O", 3, "an amount of 0"),
        ("Fe99999O", 3, "an amount of 99999"),
        ("Fe0.0000001O", 3, "an amount of 1e-07"),
        ("(((C9999)9999)9999)", 1, "atoms"),
        ("Fe1-xS", 4, "charge"),
        ("Fe23+O", 3, "can be an amount and a charge"),
        ("Fe+2O", 3, "'+' before a digit"),
        ("Fe(III)2O3", 3, "Roman numerals"),
        ("CaSO4·nH2O", 7, "unknown amounts as numbers"),
        ("CaSO4·", 7, "ends too early"),
        ("CaSO4 2H2O", 7, "right after its element"),
        ("□", 1, "at least one"),
        ("Сa", 1, "CYRILLIC CAPITAL LETTER ES"),
        ("Si\x00", 3, "x00"),
        ("Fe³O", 3, "SUPERSCRIPT THREE"),
        ("(" * 20 + "C" + ")" * 20, 13, "nested too deep"),
    ],
)
def test_refused_with_a_caret_at_the_fault(text: str, at: int, message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    lines = str(caught.value).splitlines()
    assert f"at character {at}:" in lines[0]
    assert lines[2].index("^") == 4 + at - 1
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Fe+2O",  # Fe of charge 2, or two Fe
        "Fe2.5+O",
        "SO42-",
        "Fe23+O",
        "Fe₂+O",
        "Fe(III)2O3",  # not iodine
        "Al2O3.2SiO2",  # O3.2 or a second oxide
        "Al2O3.2SiO2.2H2O",
        "Mg.9Fe.1SiO3",
        "(OH).5F1",
        "CaSO4.1.5H2O",
        "MgCl2.2KCl.6H2O",
        "(Mg0.9,Fe)2SiO4",
        "(OH1.5,F0.5)",
        "(Ca,Na)2-3Si",
    ],
)
def test_what_reads_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(text)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_empty_formula(text: str) -> None:
    with pytest.raises(FormulaError, match="empty"):
        parse_formula(text)


def test_length_is_bounded_and_the_message_stays_short() -> None:
    assert parse_formula("C" * 500) == {"C": 500}
    with pytest.raises(FormulaError, match="501 characters"):
        parse_formula("C" * 501)
    with pytest.raises(FormulaError) as caught:
        parse_formula("C" * 250 + "!" + "C" * 249)
    line, caret = str(caught.value).splitlines()[1:3]
    assert len(line) < 80
    assert line[caret.index("^")] == "!"


def test_hostile_text_takes_no_time() -> None:
    start = time.perf_counter()
    for text in (
        "(" * 500,
        "1" * 500,
        "C." * 250,
        "C1." * 166,
        "(C," * 166,
        "^{" * 250,
        "C." + "1" * 490,
    ):
        with pytest.raises(FormulaError):
            parse_formula(text)
    assert time.perf_counter() - start < 0.5


@given(st.text(max_size=40) | st.text("MgFeSiO()[]{},.·*+-^ 0123₂⁺□HV", max_size=40))
def test_arbitrary_text_gives_amounts_or_a_formula_error(text: str) -> None:
    try:
        atoms = parse_formula(text)
    except FormulaError:
        return
    assert atoms
    assert set(atoms) <= set(symbols())
    assert all(amount > 0 for amount in atoms.values())
    assert sum(composition_from_formula(text).mass_fractions.values()) == pytest.approx(1)


_AMOUNTS = st.none() | st.integers(1, 40) | st.integers(1, 999).map(lambda n: n / 1000)
_Written = tuple[str, Counter[str]]


def _with_amount(written: _Written, amount: float | None) -> _Written:
    text, atoms = written
    if amount is None:
        return text, atoms
    return f"{text}{amount}", Counter({key: n * amount for key, n in atoms.items()})


def _joined(written: list[_Written]) -> _Written:
    atoms: Counter[str] = Counter()
    for _, more in written:
        for key, amount in more.items():
            atoms[key] += amount
    return "".join(text for text, _ in written), atoms


def _bracketed(written: _Written) -> _Written:
    return f"({written[0]})", written[1]


_TERMS = st.recursive(
    st.tuples(st.sampled_from(symbols()).map(lambda s: (s, Counter({s: 1}))), _AMOUNTS),
    lambda terms: st.tuples(
        st.lists(terms, min_size=1, max_size=3).map(
            lambda inner: _bracketed(_joined([_with_amount(*term) for term in inner]))
        ),
        _AMOUNTS,
    ),
    max_leaves=6,
)


@given(st.lists(_TERMS, min_size=1, max_size=4))
def test_written_formulas_are_read_back(terms: list[tuple[_Written, float | None]]) -> None:
    text, atoms = _joined([_with_amount(*term) for term in terms])
    if 1 < sum(atoms.values()) < 1e6:
        assert parse_formula(text) == pytest.approx(dict(atoms))


def _nexl_minerals() -> dict[tuple[str, str], dict[str, float]]:
    minerals: dict[tuple[str, str], dict[str, float]] = {}
    with NEXL.open(encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            key = (row["name"], row["formula"])
            minerals.setdefault(key, {})[row["element"]] = float(row["mass_fraction"])
    return minerals


def test_enough_minerals_to_compare_with() -> None:
    assert len(_nexl_minerals()) >= 20


@pytest.mark.parametrize("key", _nexl_minerals(), ids=lambda key: key[0])
def test_mass_fractions_agree_with_nexl(key: tuple[str, str]) -> None:
    fractions = composition_from_formula(key[1]).mass_fractions
    assert dict(fractions) == pytest.approx(_nexl_minerals()[key], abs=5e-4)


def test_composition_is_made_once() -> None:
    first = composition_from_formula("LiAlSi2O6")
    assert isinstance(first, Composition)
    assert composition_from_formula("LiAlSi2O6") is first
