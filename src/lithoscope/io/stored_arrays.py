"""Arrays in HDF5 and zarr files: opening them, and what is refused before they are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from lithoscope.errors import FileFormatError
from lithoscope.io.formats import check_declared_size

_MAX_CHUNK_BYTES = 1 << 30


def open_zarr_group(path: Path) -> Any:
    """Open the tree of a zarr folder, or of one in a zip file, for reading."""
    import zarr

    if path.is_dir():
        return zarr.open_group(str(path), mode="r")
    return zarr.open_group(zarr.storage.ZipStore(path, mode="r"), mode="r")


def check_array(data: Any, path: Path, error: type[FileFormatError]) -> None:
    """Refuse an array of a file that would run a program or fill the memory when it is read.

    Raises
    ------
    FileFormatError
        Of the given kind.
    """
    stages = [getattr(data, name, None) or () for name in ("filters", "compressors")]
    for codec in (*stages[0], *stages[1], getattr(data, "serializer", None)):
        if "pickle" in type(codec).__name__.lower():
            raise error(
                f"{path} is packed with pickle, which could run any program.",
                expected="an ordinary compression",
                remedy="do not trust this file",
            )
    check_declared_size(
        math.prod(data.shape) * data.dtype.itemsize, _stored_bytes(path), path, error
    )
    chunk_bytes = math.prod(data.chunks or (0,)) * data.dtype.itemsize
    if chunk_bytes > _MAX_CHUNK_BYTES:
        raise error(
            f"{path} is stored in pieces of {chunk_bytes} bytes.",
            expected=f"at most {_MAX_CHUNK_BYTES} bytes",
            remedy="save it anew in smaller chunks",
        )


def _stored_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
