"""Markdown of pages that benchmarks write."""

from __future__ import annotations

import textwrap

_WIDTH = 160


def wrapped(text: str) -> str:
    """Break prose into lines; tables, pictures, headings and commands stay as they are."""
    blocks = []
    for block in (part.strip("\n") for part in text.split("\n\n")):
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
