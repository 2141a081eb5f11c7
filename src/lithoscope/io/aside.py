"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lithoscope.errors import OutputError


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path to write to, and rename it to `path` when the block ends without an error.

    Raises
    ------
    OutputError
        If the folder does not exist or cannot be written to.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        try:
            yield aside
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputError(
            f"{path} cannot be written: {problem.strerror or problem}.",
            expected="a folder that exists and may be written to",
            remedy="choose another place with -o",
        ) from problem
