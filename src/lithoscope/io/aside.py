"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lithoscope.errors import OutputError

_ZARR_MARKS = (".zgroup", "zarr.json")


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


@contextmanager
def folder_written_aside(path: Path) -> Iterator[Path]:
    """Give a zarr folder to write to that becomes `path` when the block ends without an error.

    A zarr folder that is there already is replaced; any other folder is left alone.

    Raises
    ------
    OutputError
        If there is something else at `path`, or it cannot be written to.
    """
    if path.exists() and not any((path / name).is_file() for name in _ZARR_MARKS):
        raise OutputError(
            f"{path} exists and is no zarr folder.",
            expected="a new path, or a zarr folder to be replaced",
            remedy="choose another with -o, or move the old one away",
        )
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        yield aside
        if path.exists():
            path.rename(old)
        aside.rename(path)
    except OSError as problem:
        raise OutputError(
            f"{path} cannot be written: {problem.strerror or problem}.",
            expected="a folder that exists and may be written to",
            remedy="choose another place with -o",
        ) from problem
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_room(folder: Path, needed_bytes: float) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises
    ------
    OutputError
        If `folder` does not exist, or its disk has less room than that.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        raise OutputError(
            f"{folder} cannot be written to: {problem.strerror or problem}.",
            expected="a folder that exists and may be written to",
            remedy="choose another place with -o",
        ) from problem
    if needed_bytes > free:
        raise OutputError(
            f"{needed_bytes / 1e9:,.3g} GB are to be written to {folder}, where "
            f"{free / 1e9:,.3g} GB are free.",
            expected="a disk with room for it",
            remedy="make room, choose another place with -o, or write less",
        )
