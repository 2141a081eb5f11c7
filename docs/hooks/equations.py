r"""Equations as MathML, which browsers draw by themselves: no script, nothing from the network.

Pages write LaTeX between ``$`` or ``$$``, as forges show it too; `pymdownx.arithmatex` marks it.
"""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_MARKED = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


def on_page_content(content: str, **_: Any) -> str:
    """Replace what is marked as LaTeX; mkdocs calls it for the HTML of each page."""
    return _MARKED.sub(_as_mathml, content)


def _as_mathml(found: re.Match[str]) -> str:
    block = found["tag"] == "div"
    mathml = convert(html.unescape(found["latex"]).strip(), display="block" if block else "inline")
    return f'<div class="equation">{mathml}</div>' if block else mathml
