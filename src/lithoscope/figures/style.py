"""The look that all figures share, whatever the user's own matplotlib settings are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import matplotlib.style

COUNTS_COLOUR_MAP = "cividis"
ELEMENT_COLOUR_MAP = "viridis"
INK = "#222222"
FAINT_INK = "#666666"
MARK_RED = "#e00000"

_STYLE: dict[str, Any] = {
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "image.composite_image": False,
    # Salted by a fixed word, so that the same figure gives the same SVG.
    "svg.hashsalt": "lithoscope",
    "text.color": INK,
    # Names and titles come from files; a `$` in them is no formula.
    "text.parse_math": False,
    "xtick.color": FAINT_INK,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": FAINT_INK,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Make and save figures in the shared style; settings are as before afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.style.use(_STYLE)
        yield


def printable(text: str) -> str:
    """Return a text without what cannot be drawn, such as bytes of a name that is no UTF-8."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def short_label(label: str, *, width: int = 26) -> str:
    """Return a group's label in at most about `width` letters: ``albite/oligoclase +3``."""
    members = printable(label).split("/")
    kept = members[:1]
    for member in members[1:]:
        if len("/".join([*kept, member])) > width:
            break
        kept.append(member)
    text = "/".join(kept)
    if len(text) > width:
        text = text[: width - 1] + "…"
    left_out = len(members) - len(kept)
    return f"{text} +{left_out}" if left_out else text
