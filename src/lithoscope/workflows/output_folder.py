"""An output folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lithoscope.errors import OutputError

_LOCK = ".lock"


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes `target` when the block ends without an error.

    Work goes to ``<target>.partial``, which holds a lock while it is written to; after an error
    it is removed.

    Raises
    ------
    OutputError
        If `target` exists and is not an empty folder, another run writes to it, or the place
        cannot be written to.
    """
    check_free(target)
    partial = target.with_name(target.name + ".partial")
    _claim(partial)
    try:
        yield partial
        (partial / _LOCK).unlink()
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        raise OutputError(
            f"{target} could not be written: {error.strerror or error}.",
            expected="a place with enough room that can be written to",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_free(target: Path) -> None:
    """Raise `OutputError` unless `target` can be made or is an empty folder."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(
            f"{target} exists and is not an empty folder.",
            expected="a new or empty folder",
            remedy="choose another with -o, or move the old one away",
        )


def _claim(partial: Path) -> None:
    lock = partial / _LOCK
    if lock.is_file() and _is_running(lock.read_text(encoding="utf-8")):
        raise OutputError(
            f"Another run is writing to {partial}.",
            expected="one run for each output folder",
            remedy="wait for it to end, or choose another folder with -o",
        )
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        lock.write_text(str(os.getpid()), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{partial} could not be made: {error.strerror or error}.",
            expected="a place that can be written to",
        ) from error


def _is_running(content: str) -> bool:
    if not content.strip().isdigit() or int(content) == os.getpid():
        return False
    try:
        os.kill(int(content), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
