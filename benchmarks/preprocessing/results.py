"""Results as JSON lines, so that a run that was broken off goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Results:
    """Rows of one file, each with ``part``, ``case``, ``seed`` and ``size``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if path.is_file():
            self.rows = [json.loads(line) for line in path.read_text().splitlines() if line]

    def has(self, part: str, case: str, seed: int, size: str) -> bool:
        """Whether a row is there already."""
        wanted = (part, case, seed, size)
        return any(
            (row["part"], row["case"], row["seed"], row["size"]) == wanted for row in self.rows
        )

    def add(self, **row: Any) -> None:
        """Append a row at once."""
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def of(self, part: str, size: str) -> dict[str, list[dict[str, Any]]]:
        """Rows of a part by case, in the order in which they came."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            if row["part"] == part and row["size"] == size:
                found.setdefault(row["case"], []).append(row)
        return found
