"""Whether the charges of a formula can balance: the cheapest way to find a typing error."""

from __future__ import annotations

from lithoscope.core.formula import parse_formula
from lithoscope.errors import MineralError

# Oxidation states in minerals (Shannon 1976, Acta Cryst. A32, 751): the lowest and the highest of
# those that elements show beside oxygen and halogens.
_STATES: dict[str, tuple[int, int]] = {
    symbol: (lowest, highest)
    for symbols, lowest, highest in (
        ("H Li Na K Rb Cs Ag", 1, 1),
        ("Be Mg Ca Sr Ba Zn Cd Ra", 2, 2),
        ("B Al Ga In Sc Y La Pr Nd Sm Gd Tb Dy Ho Er Tm Lu", 3, 3),
        ("Si Ge Zr Hf Th", 4, 4),
        ("O", -2, -2),
        ("F Cl Br I", -1, -1),
        ("Cu Hg", 1, 2),
        ("Tl Au", 1, 3),
        ("Fe Co Ni Eu Yb", 2, 3),
        ("Ce", 3, 4),
        ("Sn Pb Pd Pt", 2, 4),
        ("Bi Sb", 3, 5),
        ("Ti", 3, 4),
        ("P", 3, 5),
        ("Nb Ta", 4, 5),
        ("Mn", 2, 4),
        ("V", 3, 5),
        ("Cr", 2, 6),
        ("W Mo", 4, 6),
        ("U", 4, 6),
        ("As", -1, 5),
        ("C N", -4, 5),
        ("S Se Te", -2, 6),
    )
    for symbol in symbols.split()
}
_OXYGEN_CHARGE = 2
_ANIONS = {"O", "F", "Cl", "Br"}
_TOLERANCE = 0.02


def oxygen_of_oxide(symbol: str) -> float:
    """Return the oxygen atoms that balance one atom of a cation; 0 for what can be an anion."""
    lowest, highest = _STATES.get(symbol, (0, 0))
    return highest / _OXYGEN_CHARGE if lowest > 0 else 0.0


def check_charges(formula: str) -> None:
    """Raise `MineralError` if no oxidation states balance a formula within 2 %.

    Only formulas with oxygen or a halogen are judged: metals, sulfides and their kin share
    electrons in ways that integers do not describe.
    """
    atoms = parse_formula(formula)
    if not _ANIONS & set(atoms) or not set(atoms) <= set(_STATES):
        return
    lowest = sum(amount * _STATES[symbol][0] for symbol, amount in atoms.items())
    highest = sum(amount * _STATES[symbol][1] for symbol, amount in atoms.items())
    negative = sum(
        amount * -_STATES[symbol][0] for symbol, amount in atoms.items() if symbol in _ANIONS
    )
    if lowest <= _TOLERANCE * negative and highest >= -_TOLERANCE * negative:
        return
    nearest = lowest if lowest > 0 else highest
    raise MineralError(
        f"the charges of {formula} do not balance: they sum to {nearest:+.3g} where the anions "
        f"hold {-negative:.3g}.",
        expected="a sum within 2 % of zero at some common oxidation states",
        remedy="check the numbers in the formula; write 'kind: material' for what is no mineral",
    )
