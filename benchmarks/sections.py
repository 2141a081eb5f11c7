"""Pages that several benchmarks write: each replaces its own part and leaves the others alone."""

from __future__ import annotations

from pathlib import Path


def with_section(page: str, name: str, text: str) -> str:
    """Return a page with one part replaced, or with it at the end where there was none.

    Parts stand between comments that name them, which Markdown does not show.
    """
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
    part = f"{begin}{text.strip()}\n{end}"
    before, found, rest = page.partition(begin)
    if not found:
        return f"{page.rstrip()}\n\n{part}" if page.strip() else part
    _, closed, after = rest.partition(end)
    if not closed:
        raise ValueError(f"'{begin.strip()}' without '{end.strip()}': mend the page by hand.")
    return before + part + after


def write_section(path: Path, name: str, text: str) -> None:
    """Replace one part of a page, which is made if there is none."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(with_section(page, name, text), encoding="utf-8")
