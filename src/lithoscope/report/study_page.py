"""A study's report, as one HTML file that needs nothing else and as Markdown with its figures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lithoscope.errors import InvalidValueError
from lithoscope.io.aside import written_aside

_STYLE = (
    "body{font:16px/1.5 sans-serif;color:#222;max-width:70em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;font-size:14px;margin:1em 0;display:block;overflow-x:auto}"
    "td,th{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:right}td{white-space:nowrap}"
    "th{vertical-align:bottom}"
    "td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"
    ".banner{background:#fff3c4;border:2px solid #b1003b;padding:.7em 1em;font-weight:bold}"
    "figure{margin:1em 0}figcaption{font-size:14px;color:#666}"
)


@dataclass(frozen=True)
class Heading:
    """A heading below the title; of the third level below another."""

    text: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class StudyTable:
    """A table; all rows as long as the head."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.heads) for row in self.rows):
            raise InvalidValueError(
                f"Rows of {[len(row) for row in self.rows]} cells.", expected=f"{len(self.heads)}"
            )


@dataclass(frozen=True)
class Picture:
    """A figure: the name of its file, its SVG, and what it shows."""

    name: str
    svg: bytes
    caption: str


Block = Heading | Paragraph | Points | StudyTable | Picture


def write_study_pages(
    folder: Path, *, title: str, banner: str, blocks: Sequence[Block]
) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.md``, the latter's figures to ``figures/``.

    Parameters
    ----------
    folder
        Where they go.
    title
        Of both pages.
    banner
        What stands above all else; nothing where it is empty.
    blocks
        The pages' parts in order.
    """
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if isinstance(block, Picture):
            with written_aside(folder / "figures" / f"{block.name}.svg") as aside:
                aside.write_bytes(block.svg)
    pages = {
        "report.html": _html_page(title, banner, blocks),
        "report.md": _markdown_page(title, banner, blocks),
    }
    for name, text in pages.items():
        with written_aside(folder / name) as aside:
            aside.write_text(text, encoding="utf-8")
    return folder / "report.html", folder / "report.md"


def _markdown_page(title: str, banner: str, blocks: Sequence[Block]) -> str:
    parts = [f"# {title}", *([f"**{banner}**"] if banner else [])]
    return "\n\n".join([*parts, *(_markdown(block) for block in blocks)]) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Paragraph):
        return block.text
    if isinstance(block, Points):
        return "\n".join(f"- {item}" for item in block.items)
    if isinstance(block, Picture):
        return f"![{block.caption}](figures/{block.name}.svg)\n\n{block.caption}"
    rules = "|".join(["---", *["---:"] * (len(block.heads) - 1)])
    lines = [f"| {' | '.join(block.heads)} |", f"|{rules}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in block.rows)])


def _html_page(title: str, banner: str, blocks: Sequence[Block]) -> str:
    above = f'<p class="banner">{html.escape(banner)}</p>' if banner else ""
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title><style>{_STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>{above}\n"
        f"{body}\n</body></html>\n"
    )


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{html.escape(block.text)}</p>"
    if isinstance(block, Points):
        return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Picture):
        # Without what stands before the root: a declaration may not be inside a page.
        drawing = block.svg.decode("utf-8")
        drawing = drawing[drawing.index("<svg") :]
        caption = html.escape(block.caption)
        return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"
    return (
        f"<table>{_row(block.heads, 'th')}{''.join(_row(row, 'td') for row in block.rows)}</table>"
    )


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
