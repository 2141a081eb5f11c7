"""Composition: how much of each element a material holds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lithoscope.core.elements import atomic_number, atomic_weight
from lithoscope.errors import InvalidValueError

# Analyses rarely total 100 %; within this they are normalised, beyond it something is missing.
_TOTAL_TOLERANCE = 0.05


@dataclass(frozen=True)
class Composition:
    """Element mass fractions that sum to one.

    Parameters
    ----------
    mass_fractions
        Element symbol to mass fraction. Fractions whose sum is within 5 % of one are normalised
        with a warning; elements of fraction zero are left out.

    Raises
    ------
    InvalidValueError
        If the mapping is empty, names something that is no element, holds a negative or
        non-finite fraction, or sums to something more than 5 % away from one.
    """

    mass_fractions: Mapping[str, float]

    def __post_init__(self) -> None:
        fractions = {symbol: float(value) for symbol, value in self.mass_fractions.items()}
        for symbol, value in fractions.items():
            atomic_number(symbol)
            if not np.isfinite(value) or value < 0:
                raise InvalidValueError(
                    f"The mass fraction of {symbol} is {value}.",
                    expected="a number from 0 to 1",
                )
        total = sum(fractions.values())
        if total == 0:
            raise InvalidValueError(
                "The composition is empty.", expected="at least one element with a fraction above 0"
            )
        if abs(total - 1) > _TOTAL_TOLERANCE:
            raise InvalidValueError(
                f"The mass fractions sum to {total:.4g}.",
                expected="a sum within 5 % of 1",
                remedy="add the missing elements or divide by the total",
            )
        if abs(total - 1) > 1e-6:
            warnings.warn(
                f"mass fractions sum to {total:.4g} and were normalised to 1", stacklevel=3
            )
        ordered = sorted(fractions.items(), key=lambda item: atomic_number(item[0]))
        normalised = {symbol: value / total for symbol, value in ordered if value > 0}
        object.__setattr__(self, "mass_fractions", normalised)

    @classmethod
    def from_moles(cls, moles: Mapping[str, float]) -> Composition:
        """Make a composition from relative numbers of atoms.

        Mass fraction of element i: ``w_i = n_i A_i / sum_j n_j A_j``.
        """
        for symbol, amount in moles.items():
            if not np.isfinite(amount) or amount < 0:
                raise InvalidValueError(
                    f"The amount of {symbol} is {amount}.", expected="a number of atoms, 0 or more"
                )
        masses = {symbol: amount * atomic_weight(symbol) for symbol, amount in moles.items()}
        total = sum(masses.values())
        if total == 0:
            raise InvalidValueError(
                "The composition is empty.", expected="at least one atom of an element"
            )
        return cls({symbol: mass / total for symbol, mass in masses.items()})

    @property
    def elements(self) -> tuple[str, ...]:
        """Symbols of the elements present, by atomic number."""
        return tuple(self.mass_fractions)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return iter(self.mass_fractions.items())

    def __hash__(self) -> int:
        return hash(tuple(self.mass_fractions.items()))
