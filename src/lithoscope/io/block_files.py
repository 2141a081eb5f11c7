"""Blocks of arrays as files of their own, whole or not at all."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.aside import written_aside

# What NumPy and zipfile raise when a file was cut off or altered.
_DAMAGE = (
    *(OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def write_block(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name into one file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with written_aside(path) as aside, aside.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read_block(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]] | None:
    """Read arrays of a block; ``None`` if there is no such file, or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except _DAMAGE:
        return None
