"""The index of decisions, from the records themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_FOLDER = "decisions"
_INTRODUCTION = """# Decisions

Why things are as they are, half a page each. This list is made from the records.

"""


def on_files(files: Any, config: Any) -> Any:
    """Add the page that lists all records; mkdocs calls it once the files are found."""
    from mkdocs.structure.files import File

    folder = Path(config["docs_dir"]) / _FOLDER
    files.append(File.generated(config, f"{_FOLDER}/index.md", content=index_of(folder)))
    return files


def index_of(folder: Path) -> str:
    """Return the list of records in a folder as Markdown, by number."""
    rows = []
    for path in sorted(folder.glob("[0-9]*.md")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        heading = re.fullmatch(r"# (\d{4}):? (.+)", first)
        if heading is None or heading[1] != path.name[:4]:
            raise ValueError(f"{path}: '{first}' is no heading such as '# {path.name[:4]} Title'")
        rows.append(f"- [{heading[1]}]({path.name}) {heading[2]}")
    return _INTRODUCTION + "\n".join(rows) + "\n"
