"""A .npz archive whose arrays are checked before anything is allocated for them."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from lithoscope.errors import FileFormatError
from lithoscope.io.formats import check_declared_size

_SUFFIX = ".npy"
_HEADERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


@dataclass(frozen=True)
class DeclaredArray:
    """What the header of an array says, and where its data start inside the member."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    data_start: int


class NpzArchive:
    """A .npz archive opened for reading.

    Parameters
    ----------
    path
        The file.
    error
        Kind of error to raise.
    layout
        What the file should hold, for messages.

    Attributes
    ----------
    names
        The arrays it holds.
    """

    def __init__(self, path: Path, *, error: type[FileFormatError], layout: str) -> None:
        self.path = path
        self._error, self._layout = error, layout
        with self.damage_reported("the archive"):
            self._zip = zipfile.ZipFile(path)
        members = (name for name in self._zip.namelist() if name.endswith(_SUFFIX))
        self.names = frozenset(name.removesuffix(_SUFFIX) for name in members)

    def failure(self, problem: str) -> FileFormatError:
        """Return the error that says what is wrong with this file, and what was expected."""
        return self._error(
            f"{self.path} {problem}.",
            expected=self._layout,
            remedy="save it anew with numpy.savez(path, counts=..., energy_keV=...)",
        )

    def declared(self, name: str, kinds: str) -> DeclaredArray:
        """Return what an array declares, having checked that it is possible.

        Parameters
        ----------
        name
            The array.
        kinds
            Kinds of dtype that it may have, such as ``uif``.
        """
        with self.damage_reported(f"'{name}'"), self._zip.open(name + _SUFFIX) as member:
            header = self._read_header(member)
        if header.dtype.kind not in kinds:
            raise self.failure(f"holds '{name}' of type {header.dtype}")
        entry = self._zip.getinfo(name + _SUFFIX)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.failure(f"holds '{name}' in an unusual compression")
        check_declared_size(
            math.prod(header.shape) * header.dtype.itemsize,
            min(entry.compress_size, self.path.stat().st_size),
            self.path,
            self._error,
        )
        return header

    def read(self, name: str, kinds: str) -> NDArray[Any]:
        """Return a whole array."""
        self.declared(name, kinds)
        with self.damage_reported(f"'{name}'"), self._zip.open(name + _SUFFIX) as member:
            array: NDArray[Any] = npy_format.read_array(member, allow_pickle=False)
            return array

    def rows(self, name: str, header: DeclaredArray) -> NpzRows:
        """Open an array in C order for reading it row by row."""
        with self.damage_reported(f"'{name}'"):
            return NpzRows(self, name, header, self._zip.open(name + _SUFFIX))

    @contextmanager
    def damage_reported(self, what: str) -> Iterator[None]:
        """Turn what a damaged file makes libraries raise into our error, naming `what`."""
        try:
            yield
        # zipfile, zlib and numpy raise anything when their files are damaged.
        except Exception as problem:
            raise self.failure(f"is damaged: {what} cannot be read ({problem})") from None

    def _read_header(self, member: IO[bytes]) -> DeclaredArray:
        version = npy_format.read_magic(member)
        if version not in _HEADERS:
            raise ValueError(f"unknown version {version} of an array")
        shape, fortran_order, dtype = _HEADERS[version](member)
        if any(size < 0 for size in shape):
            raise ValueError(f"a shape of {shape}")
        return DeclaredArray(shape, fortran_order, dtype, member.tell())


class NpzRows:
    """Rows of an array in an archive, decompressed as they are asked for.

    Rows in order cost nothing twice; going back starts again from the beginning.
    """

    def __init__(
        self, archive: NpzArchive, name: str, header: DeclaredArray, member: IO[bytes]
    ) -> None:
        self._archive, self._name, self._header, self._member = archive, name, header, member

    def read(self, first: int, last: int) -> NDArray[Any]:
        """Return rows `first` to ``last - 1``."""
        header = self._header
        row_bytes = math.prod(header.shape[1:]) * header.dtype.itemsize
        with self._archive.damage_reported(f"'{self._name}'"):
            self._member.seek(header.data_start + first * row_bytes)
            raw = self._member.read((last - first) * row_bytes)
            shape = (last - first, *header.shape[1:])
            return np.frombuffer(raw, dtype=header.dtype).reshape(shape)
