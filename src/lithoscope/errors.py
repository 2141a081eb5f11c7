"""One family of errors: what was wrong, what was expected, and what to do about it.

Everything a user can cause raises a `LithoscopeError`; the command line prints it as one
message and exits with status 2. Any other exception that reaches the command line is our fault.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LithoscopeError(Exception):
    """A fault in what Lithoscope was given.

    Parameters
    ----------
    problem
        What is wrong, naming the offending value.
    expected
        What would have been right.
    remedy
        What the user can do now.
    """

    def __init__(self, problem: str, *, expected: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.expected = expected
        self.remedy = remedy
        parts = [problem]
        if expected:
            parts.append(f"Expected: {expected}")
        if remedy:
            parts.append(f"What to do: {remedy}")
        super().__init__("\n".join(parts))


class InvalidValueError(LithoscopeError, ValueError):
    """A value outside what a domain object allows."""


class FormulaError(LithoscopeError, ValueError):
    """A chemical formula that cannot be read; the message points at the place."""


class MineralError(LithoscopeError, LookupError):
    """A mineral that is not in the library, or an entry that is not sound."""


class InstrumentError(LithoscopeError, ValueError):
    """An instrument that is unknown or cannot exist."""


class FileFormatError(LithoscopeError):
    """A file that is missing, truncated, or not what its name says."""


class ScanError(FileFormatError):
    """A scan that cannot be read as one."""


class SpectrumError(FileFormatError):
    """A spectrum that cannot be read as one."""


class LabelError(FileFormatError):
    """Labels that cannot be read, or do not belong to the data."""


class CheckpointError(LithoscopeError):
    """A model that is missing, altered, or does not fit the data."""


class PreprocessingError(LithoscopeError, ValueError):
    """A preprocessing chain that does not fit together, is not fitted, or does not fit the data."""


class OutputError(LithoscopeError):
    """A place to write to that cannot be used."""


class ClusterError(LithoscopeError):
    """Other processes or machines that do not answer, differ from this one, or die."""


def nearest_names(name: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """Return up to `count` known names that look most like `name`, best first."""
    return difflib.get_close_matches(name.lower(), list(known), n=count, cutoff=0.5)
