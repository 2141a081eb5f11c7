"""Checks that the parts of an instrument share."""

from __future__ import annotations

import numpy as np

from lithoscope.errors import InstrumentError


def require(good: bool, problem: str, expected: str) -> None:
    """Raise an `InstrumentError` unless something is good."""
    if not good:
        raise InstrumentError(problem, expected=expected)


def require_positive(owner: str, **values: float) -> None:
    """Require that all values are finite and above zero."""
    for name, value in values.items():
        require(
            bool(np.isfinite(value)) and value > 0,
            f"{name} of the {owner} is {value}.",
            "a positive number",
        )


def require_angle(owner: str, name: str, value: float) -> None:
    """Require an angle to a surface."""
    require(
        bool(np.isfinite(value)) and 0 < value <= 90,
        f"{name} of the {owner} is {value} degrees.",
        "more than 0 and at most 90 degrees from the surface",
    )
