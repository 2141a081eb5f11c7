"""Figures as bytes and files; the same figure always gives the same bytes."""

from __future__ import annotations

import io
import os
from pathlib import Path

from matplotlib.figure import Figure

from lithoscope.errors import OutputError
from lithoscope.figures.style import figure_style
from lithoscope.io.aside import written_aside

_FORMATS = ("png", "svg")
_DOTS_PER_INCH = 150
# What matplotlib would add by itself: its version, and the date.
_NO_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Creator": None, "Date": None, "Format": None, "Type": None},
}


def figure_bytes(figure: Figure, *, file_format: str = "png") -> bytes:
    """Return a figure as the bytes of a ``png`` or ``svg`` file.

    Raises
    ------
    OutputError
        If `file_format` is another.
    """
    if file_format not in _FORMATS:
        raise OutputError(
            f"A figure cannot be saved as '{file_format}'.", expected=" or ".join(_FORMATS)
        )
    buffer = io.BytesIO()
    with figure_style():
        figure.savefig(
            buffer,
            format=file_format,
            dpi=_DOTS_PER_INCH,
            bbox_inches="tight",
            pad_inches=0.1,
            metadata=_NO_METADATA[file_format],
        )
    return buffer.getvalue()


def check_figure_path(path: str | os.PathLike[str]) -> None:
    """Raise `OutputError` if no figure can be saved there, before minutes are spent on it."""
    target = Path(path)
    if target.suffix.lower().lstrip(".") not in _FORMATS:
        raise OutputError(
            f"A figure cannot be saved as '{target.name}'.",
            expected="a name that ends in " + " or ".join(f".{name}" for name in _FORMATS),
        )
    if not target.parent.is_dir():
        raise OutputError(f"There is no folder {target.parent}.", expected="a folder that exists")


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure as the ``.png`` or ``.svg`` that its path names.

    Raises
    ------
    OutputError
        If the path ends otherwise, or cannot be written to.
    """
    target = Path(path)
    content = figure_bytes(figure, file_format=target.suffix.lower().lstrip("."))
    with written_aside(target) as aside:
        aside.write_bytes(content)
