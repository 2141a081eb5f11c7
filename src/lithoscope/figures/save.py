"""Figures as bytes and files; the same figure always gives the same bytes."""

from __future__ import annotations

import io
import os
from pathlib import Path

from matplotlib.figure import Figure

from lithoscope.errors import OutputError
from lithoscope.figures.style import figure_style

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


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure as the ``.png`` or ``.svg`` that its path names.

    Raises
    ------
    OutputError
        If the path ends otherwise, or cannot be written to.
    """
    target = Path(path)
    write_whole(target, figure_bytes(figure, file_format=target.suffix.lower().lstrip(".")))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file aside and rename it, so that it is there whole or not at all.

    Raises
    ------
    OutputError
        If the folder is missing or cannot be written to.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        try:
            aside.write_bytes(content)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}.",
            expected="a folder that exists and may be written to",
            remedy="choose another place with -o",
        ) from error
