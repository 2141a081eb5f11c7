"""Markdown of pages that benchmarks write."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

_WIDTH = 160


def wrapped(text: str) -> str:
    """Break prose into lines; tables, pictures, headings and commands stay as they are."""
    blocks = []
    for block in text.split("\n\n"):
        if block.startswith(("|", "#", "!", "```")):
            blocks.append(block)
            continue
        items = block.replace("\n- ", "\0- ").split("\0")
        indent = "  " if block.startswith("- ") else ""
        lines = [
            textwrap.fill(" ".join(item.split()), _WIDTH, subsequent_indent=indent)
            for item in items
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table, its first column to the left and the others to the right."""
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
