"""Chemical formulas, read as mineralogists write them.

::

    formula = part { dot part }                     CaSO4·2H2O, 3CaO·Al2O3
    part    = [number] term { term }
    term    = place [charge] [number] [charge]
    place   = element | "□" | bracket
    bracket = "(" formula { "," formula } ")"       also [ ] and { }; nested

Spaces may stand anywhere but between an element and its number. Where a formula can be read in
two ways it is refused, never guessed:

- ``Fe2+`` is a charge: one digit that touches a ``+``. The amount comes after: ``Fe3+2O3``.
  Raised digits and ``^{3+}`` are charges wherever they stand. Charges do not change the result.
- ``(Mg,Fe)2`` shares its place equally, ``(Mg0.9,Fe0.1)2`` as its numbers say; a list with some
  numbers is refused. In ``(OH,F)`` and ``(SO4,CO3)`` each group counts once.
- A ``.`` between digits is a decimal point, unless water follows (``CaSO4.2H2O``);
  ``Al2O3.2SiO2`` and ``Mg.9Fe.1`` are refused.
"""

from __future__ import annotations

import functools
import re
import string
from dataclasses import dataclass
from typing import NoReturn

from lithoscope.core.composition import Composition
from lithoscope.core.cursor import Cursor, described
from lithoscope.core.elements import symbols
from lithoscope.errors import FormulaError

_MAX_LENGTH = 500
_MAX_DEPTH = 12
_MIN_AMOUNT, _MAX_AMOUNT = 1e-6, 1e4
_MAX_ATOMS = 1e6

_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_DOTS = "·•∙⋅*."
_VACANCIES = "□☐◻"
_STARTS_TERM = string.ascii_uppercase + _VACANCIES + "".join(_BRACKETS)
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

_ELEMENT = re.compile(r"[A-Z][a-z]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|[₀-₉]+(?:\.[₀-₉]+)?")
_POINT_DIGIT = re.compile(r"\.[0-9]")
_DIGIT_CHARGE = re.compile(r"[1-9]?\+")
_RAISED_CHARGE = re.compile(
    r"[¹²³⁴⁵⁶⁷⁸⁹][⁺⁻]|[⁺⁻][¹²³⁴⁵⁶⁷⁸⁹]?|\^(?:\{[1-9]?[+-]\}|\{[+-][1-9]\}|[1-9]?\+)"
)
_WATER = re.compile(r"\.[0-9]+\s*H[2₂]O(?=\s*(?:$|[·•∙⋅*.,)\]}]))")
_OXIDE = re.compile(r"\.[0-9]+[A-Z][a-z]?[0-9₀-₉]*O")
_ROMAN = re.compile(r"\((?:II|III|IV|VI|VII)\)")

_WRITE_DOT = "write '·' or '*' before a hydrate or second part, and 0.9 rather than .9"
_WRITE_CHARGE = "write a charge as Fe2+ or Fe^{2+}, with the amount after it"
# By the character that has no place.
_REMEDIES = (
    (r"[)\]}]", "close each bracket that was opened, with something in it"),
    (r",", "list elements in brackets, as in (Mg,Fe)2SiO4; write decimals as Mg0.9"),
    (r"[0-9₀-₉]", f"write a number right after its element; {_WRITE_DOT}"),
    (r"[a-z]", "write elements with one capital, such as Si, and unknown amounts as numbers"),
    (r"[-+^⁺⁻¹²³⁴⁵⁶⁷⁸⁹]", _WRITE_CHARGE),
)


def parse_formula(text: str) -> dict[str, float]:
    """Count the atoms in a chemical formula.

    Parameters
    ----------
    text
        A formula such as ``LiAlSi2O6``, ``(Mg0.9Fe0.1)2SiO4``, ``CaSO4·2H2O`` or
        ``K(Fe2+,Mg)3AlSi3O10(OH,F)2``.

    Returns
    -------
    dict
        Element symbol to number of atoms, more than 0, in order of appearance.

    Raises
    ------
    FormulaError
        If it is no formula, or can be read in two ways; the message points at the place.
    """
    if len(text) > _MAX_LENGTH:
        raise FormulaError(
            f"A formula of {len(text)} characters.", expected=f"at most {_MAX_LENGTH} characters"
        )
    return dict(_read(text))


# A mineral's formulas are read when they are checked, balanced, weighed and mixed.
@functools.lru_cache(maxsize=4096)
def _read(text: str) -> dict[str, float]:
    return _Reader(text).read()


@functools.lru_cache(maxsize=4096)
def composition_from_formula(text: str) -> Composition:
    """Return the element mass fractions of a chemical formula.

    Raises
    ------
    FormulaError
        If `parse_formula` cannot read it.
    """
    return Composition.from_moles(parse_formula(text))


@dataclass(frozen=True)
class _Atoms:
    """Atoms of a stretch of formula, and whether it is one thing with a number of its own."""

    amounts: dict[str, float]
    has_number: bool = False


def _sum_atoms(parts: list[_Atoms], share: float = 1.0) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for symbol, amount in part.amounts.items():
            total[symbol] = total.get(symbol, 0.0) + share * amount
    return total


class _Reader(Cursor):
    """A recursive-descent reader of one formula."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        # Where a '.' served as decimal point after a whole number, and whether one was a dot.
        self._decimal_points: list[int] = []
        self._split_by_point = False

    def read(self) -> dict[str, float]:
        self.skip_spaces()
        if self.at_end:
            raise FormulaError("The formula is empty.", expected="a formula such as SiO2")
        atoms = self._formula(depth=0)
        if not self.at_end:
            self._fail_at_next()
        if self._split_by_point and self._decimal_points:
            self.fail(
                self._decimal_points[0],
                "this '.' is a decimal point and another one a hydrate's dot",
                "one meaning of '.' in a formula",
                _WRITE_DOT,
            )
        total = sum(atoms.amounts.values())
        if not 0 < total <= _MAX_ATOMS:
            self.fail(0, f"it holds {total:.4g} atoms", f"at least one, at most {_MAX_ATOMS:.0f}")
        return atoms.amounts

    def _formula(self, depth: int) -> _Atoms:
        parts = [self._part(depth)]
        while (dot := self.char) and dot in _DOTS:
            self._check_point(dot)
            self.step()
            parts.append(self._part(depth))
        return parts[0] if len(parts) == 1 else _Atoms(_sum_atoms(parts))

    def _part(self, depth: int) -> _Atoms:
        multiplier = self._number(decimal_only=True)
        self.skip_spaces()
        terms = []
        while not self.at_end and self.char in _STARTS_TERM:
            terms.append(self._term(depth))
        if not terms:
            self._fail_at_next()
        if multiplier is not None:
            return _Atoms(_sum_atoms(terms, multiplier), has_number=True)
        return terms[0] if len(terms) == 1 else _Atoms(_sum_atoms(terms))

    def _term(self, depth: int) -> _Atoms:
        char = self.char
        if char in _BRACKETS:
            place = self._bracket(depth)
        elif char in _VACANCIES:
            self.at += 1
            place = _Atoms({})
        else:
            place = _Atoms({self._element(): 1.0})
        charged = self._charge()
        amount = self._number(after_oxygen="O" in place.amounts)
        if not charged:
            self.take(_RAISED_CHARGE)
        self.skip_spaces()
        if amount is None:
            return _Atoms(place.amounts)
        return _Atoms(_sum_atoms([place], amount), has_number=True)

    def _element(self) -> str:
        start, symbol = self.at, self.take(_ELEMENT)
        if symbol not in symbols():
            self.fail(
                start,
                f"'{symbol}' is not a chemical element",
                "a symbol from H to Cf, written with one capital, such as Si",
            )
        if _ROMAN.match(self.text, self.at):
            self.fail(self.at, "a charge in Roman numerals reads as iodine", "2+", _WRITE_CHARGE)
        return symbol

    def _bracket(self, depth: int) -> _Atoms:
        start, opening = self.at, self.char
        closing = _BRACKETS[opening]
        if depth == _MAX_DEPTH:
            self.fail(start, "brackets are nested too deep", f"at most {_MAX_DEPTH} levels")
        self.step()
        items = [self._formula(depth + 1)]
        while self.char == ",":
            self.step()
            items.append(self._formula(depth + 1))
        if self.char != closing:
            if self.at_end:
                self.fail(start, f"'{opening}' is never closed", f"a '{closing}'")
            self._fail_at_next(f"an element, or '{closing}' for character {start + 1}")
        self.at += 1
        return self._shared(items, start)

    def _shared(self, items: list[_Atoms], start: int) -> _Atoms:
        numbered = sum(item.has_number for item in items)
        if len(items) == 1 or numbered == len(items):
            return _Atoms(_sum_atoms(items))
        if numbered:
            self.fail(
                start,
                "some members of this list have a number and some have none",
                "a number for each, as in (Mg0.9,Fe0.1), or for none, as in (Mg,Fe)",
                "put a group that has a number in brackets: ((OH)1.5,F0.5)",
            )
        return _Atoms(_sum_atoms(items, 1 / len(items)))

    def _charge(self) -> bool:
        if self.take(_RAISED_CHARGE):
            return True
        start, charge = self.at, self.take(_DIGIT_CHARGE)
        if charge == "+" and self.char.isdigit():
            self.fail(start, "'+' before a digit", "the charge's digit before it", _WRITE_CHARGE)
        return bool(charge)

    def _number(self, *, decimal_only: bool = False, after_oxygen: bool = False) -> float | None:
        start = self.at
        match = _NUMBER.match(self.text, start)
        if match is None:
            return None
        digits = match.group()
        if "." in digits and digits.isascii() and not decimal_only:
            digits = self._before_hydrate(digits, after_oxygen)
        self.at = start + len(digits)
        if self.char == "+":
            self.fail(start, f"'{digits}+' can be an amount and a charge", "2+", _WRITE_CHARGE)
        value = float(digits.translate(_SUBSCRIPTS))
        if not _MIN_AMOUNT <= value <= _MAX_AMOUNT:
            self.fail(start, f"an amount of {value:g}", f"{_MIN_AMOUNT:g} to {_MAX_AMOUNT:g}")
        return value

    def _before_hydrate(self, digits: str, after_oxygen: bool) -> str:
        """Return the digits up to a '.' that is no decimal point."""
        whole, decimals = digits.split(".")
        if not whole.strip("0"):
            return digits
        point = self.at + len(whole)
        if _POINT_DIGIT.match(self.text, self.at + len(digits)):
            # CaSO4.0.5H2O: no amount is written 4.0, but half a water is.
            if decimals == "0":
                return whole
            self._fail_at_point(point)
        if _WATER.match(self.text, point):
            return whole
        if after_oxygen and _OXIDE.match(self.text, point):
            self._fail_at_point(point)
        self._decimal_points.append(point)
        return digits

    def _check_point(self, dot: str) -> None:
        """Refuse ``Mg.9Fe.1``, whose points have no digit before them."""
        if dot != ".":
            return
        self._split_by_point = True
        if (
            not re.match(r"[\s0-9₀-₉]", self.text[self.at - 1])
            and _POINT_DIGIT.match(self.text, self.at)
            and not _WATER.match(self.text, self.at)
        ):
            self._fail_at_point(self.at)

    def _fail_at_point(self, at: int) -> NoReturn:
        self.fail(
            at,
            "'.' can be a decimal point or a hydrate's dot",
            "a formula that reads in one way only",
            _WRITE_DOT,
        )

    def _fail_at_next(self, expected: str = "an element") -> NoReturn:
        char = self.char
        if not char:
            self.fail(self.at, "the formula ends too early", expected)
        remedy = next((words for chars, words in _REMEDIES if re.match(chars, char)), "")
        self.fail(self.at, f"{described(char)} has no place here", expected, remedy)
