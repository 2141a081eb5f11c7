"""Files and folders that are there whole or not at all, and room on the disk for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from lithoscope.errors import OutputError

LOCK = ".lock"
_ZARR_MARKS = (".zgroup", "zarr.json")
# What the disk must keep free for others.
_KEPT_FREE = 64 * 2**20


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path to write to, and rename it to `path` when the block ends without an error.

    Raises
    ------
    OutputError
        If the folder does not exist or cannot be written to.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with os_errors_told(path):
        try:
            yield aside
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def zarr_written_aside(path: Path) -> Iterator[Path]:
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
    with os_errors_told(path):
        try:
            yield aside
            if path.exists():
                path.rename(old)
            aside.rename(path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes `target` when the block ends without an error.

    Work goes to ``<target>.partial``, which holds a lock while it is written to; after an error
    it is removed. One that a run left behind that was killed is replaced.

    Raises
    ------
    OutputError
        If `target` exists and is not an empty folder, another run writes to it, or the place
        cannot be written to.
    """
    check_free(target)
    partial = target.with_name(target.name + ".partial")
    with os_errors_told(target):
        claim(partial)
        clear(partial)
        try:
            yield partial
            (partial / LOCK).unlink()
            if target.exists():
                target.rmdir()
            partial.rename(target)
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


def check_room(
    folder: Path, needed_bytes: float, *, number: int, things: str, fewer_with: str
) -> None:
    """Refuse to begin what the disk cannot hold, and say how much of it would fit.

    Parameters
    ----------
    folder
        Where it is to be written.
    needed_bytes
        What it takes.
    number, things
        Of how many of what, such as spectra.
    fewer_with
        Option that asks for fewer.

    Raises
    ------
    OutputError
        If `folder` does not exist, or its disk has less room than that.
    """
    with os_errors_told(folder):
        free = max(shutil.disk_usage(folder).free - _KEPT_FREE, 0)
    if needed_bytes > free:
        raise OutputError(
            f"{number:,} {things} take some {needed_bytes / 1e9:,.3g} GB, and "
            f"{free / 1e9:,.3g} GB are free.",
            expected=f"some {int(free * number / needed_bytes):,} {things} at most on this disk",
            remedy=f"lower {fewer_with}, or choose another disk with -o",
        )


@contextmanager
def os_errors_told(path: Path) -> Iterator[None]:
    """Tell an error of the system, met while `path` is written, as one of ours."""
    try:
        yield
    except OSError as problem:
        raise OutputError(
            f"{path} cannot be written: {problem.strerror or problem}.",
            expected="a folder that exists, has room and may be written to",
            remedy="choose another place with -o",
        ) from problem


def claim(partial: Path) -> None:
    """Make a folder unless it is there, and lock it for this process.

    Raises
    ------
    OutputError
        If another run holds it.
    """
    partial.mkdir(parents=True, exist_ok=True)
    lock = partial / LOCK
    if lock.is_file() and not _is_running(lock.read_text(encoding="utf-8")):
        lock.unlink(missing_ok=True)
    try:
        # Of two that come at once, the system lets one make the file.
        with lock.open("x", encoding="utf-8") as stream:
            stream.write(str(os.getpid()))
    except FileExistsError:
        raise OutputError(
            f"Another run is writing to {partial}.",
            expected="one run for each output folder",
            remedy="wait for it to end, or choose another folder with -o",
        ) from None


def clear(partial: Path, keep: Collection[str] = ()) -> None:
    """Remove what a run left in a folder, all but its lock and what is to be kept."""
    for path in partial.iterdir():
        if path.name == LOCK or path.name in keep:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


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
