"""A cursor over a formula's text, which can point at the place of a fault."""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn

from lithoscope.errors import FormulaError

_SHOWN_AROUND_FAULT = 32
_SPACE = re.compile(r"\s*")


class Cursor:
    """A place in a text that moves forward as patterns are taken.

    Parameters
    ----------
    text
        What is read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    @property
    def char(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self.text)

    def take(self, pattern: re.Pattern[str]) -> str:
        """Move past what matches here and return it; empty where nothing does."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def step(self) -> None:
        """Move past one character and the spaces after it."""
        self.at += 1
        self.skip_spaces()

    def skip_spaces(self) -> None:
        """Move to the next character that is no space."""
        self.take(_SPACE)

    def fail(self, at: int, found: str, expected: str, remedy: str = "") -> NoReturn:
        """Raise `FormulaError` with the text around `at` and a caret below it."""
        first = max(0, at - _SHOWN_AROUND_FAULT)
        shown = self.text[first : at + _SHOWN_AROUND_FAULT]
        shown = "".join(char if char.isprintable() else "?" for char in shown)
        raise FormulaError(
            f"The formula cannot be read at character {at + 1}: {found}.\n"
            f"    {shown}\n    {' ' * (at - first)}^",
            expected=expected,
            remedy=remedy,
        )


def described(char: str) -> str:
    """Return a character in quotes, with its Unicode name where its look may deceive."""
    if char.isascii():
        return repr(char)
    return f"{char!r} ({unicodedata.name(char, 'a character without name')})"
