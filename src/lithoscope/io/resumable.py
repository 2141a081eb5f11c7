"""Folders that are there whole or not at all, and whose making goes on where it was broken off."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lithoscope.errors import ClusterError, LithoscopeError, OutputError
from lithoscope.io.aside import LOCK, check_free, claim, clear, os_errors_told

BLOCKS = "blocks"
_JOB = "job.json"
_MAX_JOB_BYTES = 1 << 20


@contextmanager
def resumable_folder(target: Path, job: Mapping[str, Any]) -> Iterator[Path]:
    """Give a folder to work in that becomes `target` when the block ends without an error.

    It is ``<target>.partial``, holds a lock while it is worked in, and what stands in its folder
    ``blocks`` is kept when the work is broken off: by a kill, a full disk, workers that die, or a
    fault of ours. The next call for the same job finds it there. After an error in the input
    nothing is kept, since that input cannot be finished.

    Parameters
    ----------
    target
        The folder to be.
    job
        All that the blocks depend on, as plain values by name.

    Raises
    ------
    OutputError
        If `target` exists and is not an empty folder, another run works for it, one for another
        job was broken off, or the place cannot be written to.
    """
    check_free(target)
    partial = target.with_name(target.name + ".partial")
    with os_errors_told(target):
        claim(partial)
    keep = True
    try:
        with os_errors_told(target):
            _begin(partial, job)
        yield partial
        with os_errors_told(target):
            _end(partial, target)
    except LithoscopeError as error:
        keep = isinstance(error, (OutputError, ClusterError))
        raise
    finally:
        (partial / LOCK).unlink(missing_ok=True)
        if not keep:
            shutil.rmtree(partial, ignore_errors=True)


def _begin(partial: Path, job: Mapping[str, Any]) -> None:
    """Take up an earlier job, or begin anew."""
    wanted = json.loads(json.dumps(job))
    found = _job_in(partial)
    if found is None:
        clear(partial)
        aside = partial / f"{_JOB}.new"
        aside.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        aside.replace(partial / _JOB)
    elif found != wanted:
        names = sorted({*found, *wanted})
        differing = [name for name in names if found.get(name) != wanted.get(name)]
        raise OutputError(
            f"{partial} holds a run that was broken off and differs in: {', '.join(differing)}.",
            expected="the same scan, model and options as then",
            remedy="repeat the command of then to finish it, remove that folder, or choose "
            "another with -o",
        )
    else:
        clear(partial, keep=(_JOB, BLOCKS))
    (partial / BLOCKS).mkdir(exist_ok=True)


def _job_in(partial: Path) -> dict[str, Any] | None:
    path = partial / _JOB
    if not path.is_file() or path.stat().st_size > _MAX_JOB_BYTES:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _end(partial: Path, target: Path) -> None:
    # The job goes last: as long as it is there, blocks that are missing are made again.
    shutil.rmtree(partial / BLOCKS)
    (partial / _JOB).unlink()
    (partial / LOCK).unlink()
    if target.exists():
        target.rmdir()
    partial.rename(target)
