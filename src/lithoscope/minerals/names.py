"""When two names are the same."""

from __future__ import annotations

import unicodedata


def name_key(name: str) -> str:
    """Return what names that mean the same have in common, whatever their case and spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
