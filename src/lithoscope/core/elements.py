"""The chemical elements: symbols, atomic numbers, atomic weights."""

from __future__ import annotations

import functools

import xraylib

from lithoscope.errors import InvalidValueError

# xraylib's Kissel and Hubbell tables end at californium.
MAX_ATOMIC_NUMBER = 98


@functools.cache
def _numbers() -> dict[str, int]:
    return {xraylib.AtomicNumberToSymbol(z): z for z in range(1, MAX_ATOMIC_NUMBER + 1)}


def symbols() -> tuple[str, ...]:
    """Return the symbols of the elements 1 to 98, by atomic number."""
    return tuple(_numbers())


def atomic_number(symbol: str) -> int:
    """Return the atomic number of an element.

    Raises
    ------
    InvalidValueError
        If `symbol` is not an element from H to Cf.
    """
    try:
        return _numbers()[symbol]
    except KeyError:
        raise InvalidValueError(
            f"'{symbol}' is not a chemical element.",
            expected="a symbol from H to Cf, written with one capital, such as Si",
        ) from None


def atomic_weight(symbol: str) -> float:
    """Return the standard atomic weight of an element in g/mol (xraylib)."""
    return float(xraylib.AtomicWeight(atomic_number(symbol)))
