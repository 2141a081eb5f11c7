"""What is said below the spectrum, as HTML; every name is escaped, since it comes from a file."""

from __future__ import annotations

import html
from collections.abc import Mapping

import numpy as np

from lithoscope.figures.style import short_label
from lithoscope.viewer.answers import Answer, Explanation
from lithoscope.viewer.state import ViewState

COMPUTING = "<i>abundances and unexplained peaks are being computed …</i>"


def place_text(state: ViewState, counts: float) -> str:
    """Say which pixel or region is selected, and its counts."""
    place = "" if state.mask is None else f"{np.count_nonzero(state.mask)} pixels"
    if state.pixel is not None:
        place = f"row {state.pixel[0]}, column {state.pixel[1]}"
    return f"<b>{place}</b>, {counts:,.0f} counts"


def answer_text(answer: Answer) -> str:
    """Say what the model names, with probabilities."""
    if not answer.ranked:
        return "too few counts for an answer"
    told = [f"{_label(name)} {share:.1%}" for name, share in answer.ranked]
    start = "<b>like nothing the model knows</b>; nearest: " if answer.unknown else ""
    return f"{start}{', '.join(told)}"


def shares_text(percents: Mapping[str, float]) -> str:
    """Say how much of a region each mineral has on the map."""
    told = [f"{_label(name)} {percent:.1f}" for name, percent in percents.items()]
    return "area % on the map: " + ", ".join(told)


def explanation_text(explanation: Explanation | None) -> str:
    """Say which minerals explain the spectrum together, and which peaks they leave."""
    if explanation is None:
        return ""
    told = [f"{_label(name)} {share:.0%}" for name, share in explanation.shares]
    lines = [f"abundances: {', '.join(told)} of the area"]
    if explanation.peaks:
        peaks = "".join(f"<li>{html.escape(text)}</li>" for _, text in explanation.peaks)
        lines.append(f"unexplained peaks:<ul style='margin:0'>{peaks}</ul>")
    else:
        lines.append("unexplained peaks: none")
    return "<br>".join(lines)


def _label(name: str) -> str:
    return html.escape(short_label(name))
