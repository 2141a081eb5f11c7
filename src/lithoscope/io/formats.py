"""Which files can be read, and what to say of those that cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import FileFormatError

SCAN_FORMATS = (".bcf", ".hspy", ".zspy", ".npz", ".rpl", ".raw", ".zarr")
SPECTRUM_FORMATS = (".msa", ".emsa", ".spx", ".hspy", ".npz", ".csv", ".mca")
_FOLDERS = (".zspy", ".zarr")

# Deflate cannot shrink data further than 1032:1, so a file that says it does is lying.
_MAX_COMPRESSION = 1100


def existing_file(path: str | Path, formats: tuple[str, ...], error: type[FileFormatError]) -> Path:
    """Return the path of a file that exists and has one of the endings.

    Raises
    ------
    FileFormatError
        Of the given kind, if there is no such file, or its ending is another. A directory is
        accepted for ``.zspy`` and ``.zarr`` alone.
    """
    path = Path(path)
    expected = f"a file that ends in {', '.join(formats)}"
    suffix = path.suffix.lower()
    if not path.exists():
        raise error(
            f"{path} does not exist.", expected=expected, remedy="check the name and the folder"
        )
    if path.is_dir() and suffix not in _FOLDERS:
        raise error(f"{path} is a folder.", expected=expected, remedy="name a file inside it")
    if suffix not in formats:
        raise error(
            f"{path} ends in '{path.suffix}', which is not read here.",
            expected=expected,
            remedy="export the data in one of these formats",
        )
    return path


def check_declared_size(
    declared: int, stored: int, path: Path, error: type[FileFormatError]
) -> None:
    """Refuse an array that could not possibly come out of the bytes that are stored."""
    if declared > _MAX_COMPRESSION * stored + (1 << 16):
        raise error(
            f"{path} declares {declared} bytes of counts but stores {stored}.",
            expected=f"at most {_MAX_COMPRESSION} times what is stored",
            remedy="the file is damaged; export it again",
        )


def read_bounded(path: Path, *, limit: int, error: type[FileFormatError]) -> bytes:
    """Return the bytes of a file that holds at most `limit`."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
    except OSError as problem:
        raise error(
            f"{path} cannot be opened: {problem.strerror}.", expected="a file that may be read"
        ) from None
    if len(raw) > limit:
        raise error(f"{path} holds more than {limit} bytes.", expected="a smaller file")
    return raw


def checked_counts(counts: NDArray[Any], path: Path, error: type[FileFormatError]) -> NDArray[Any]:
    """Return counts as they are, having made sure that none is negative, NaN or infinite."""
    if counts.dtype.kind == "f" and not np.isfinite(counts).all():
        raise error(f"{path} holds counts of NaN or infinity.", expected="finite counts")
    if counts.dtype.kind in "if" and (counts < 0).any():
        raise error(
            f"{path} holds counts down to {counts.min()}.",
            expected="0 or more counts in every channel",
            remedy="use the spectra as measured, without their background subtracted",
        )
    return counts
