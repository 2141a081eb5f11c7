"""The single-file system (SFS) in which a .bcf keeps its header and its spectra.

The file is cut into chunks of one size; chunk k has a header at ``k * size + 0x118``, whose first
uint32 is the next chunk of a chain, and its payload 32 bytes later. The tree of files is a chain of
512-byte items, each of which names the chunk where the table of its file's chunks starts. A
compressed file starts with ``AACS``, and consists of blocks of zlib data, each after a header of
16 bytes whose first uint32 is its size.

A file is taken to be hostile: every pointer and size is checked against it before it is followed or
allocated. The streams of its files are read by `lithoscope.io.bruker.stream`.
"""

from __future__ import annotations

import struct
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NoReturn

from lithoscope.errors import ScanError
from lithoscope.io.bruker.damage import UnsoundMapError
from lithoscope.io.bruker.stream import SfsStream
from lithoscope.io.formats import SCAN_FORMATS

MAGIC = b"AAMVHFSS"

_CHUNK_HEADER = 0x118
_PAYLOAD = 0x138
_OVERHEAD = _PAYLOAD - _CHUNK_HEADER
_ITEM = struct.Struct("<iQQQQIi176s?3s256s32s")

# Chunks of 3.6 to 64 KiB are known; a chunk has to hold one tree item, and blocks are as small.
_CHUNK_SIZES = range(_ITEM.size + _OVERHEAD, (16 << 20) + 1)
_MAX_ITEMS = 1 << 16
_MAX_DEPTH = 16


@dataclass(frozen=True)
class Entry:
    """A file inside the container: where its pointer table starts, and its stored size."""

    path: str
    pointer_chunk: int
    stored_size: int


class SfsContainer:
    """A .bcf opened for reading; use it in a ``with`` block or close it.

    Parameters
    ----------
    path
        The .bcf file.
    salvage
        Whether streams that are damaged are opened as far as they can be read.

    Attributes
    ----------
    entries
        Files of the container by path, such as ``EDSDatabase/HeaderData``.
    chunk_size, usable
        Bytes of a chunk, and of its payload.
    size
        Bytes of the .bcf file.

    Raises
    ------
    ScanError
        If the file is not a container, or is truncated or inconsistent.
    """

    def __init__(self, path: Path, *, salvage: bool = False) -> None:
        self.path = path
        self.salvage = salvage
        # Threads that read rows share the file and its position.
        self._reading = threading.Lock()
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise ScanError(
                f"{path} cannot be opened: {error.strerror}.", expected="a readable .bcf file"
            ) from None
        # A scan keeps its container for as long as it lives; nobody else would close it.
        weakref.finalize(self, self._file.close)
        self.size = self._file.seek(0, 2)
        self.entries: dict[str, Entry] = {}
        self._read_header()
        self.entries = self._read_tree()

    def __enter__(self) -> SfsContainer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; streams that were opened from it end with it."""
        self._file.close()

    def stream(self, name: str) -> SfsStream:
        """Open one file of the container for reading at any place.

        Raises
        ------
        ScanError
            If there is no such file, or its pointers leave the container.
        """
        if name not in self.entries:
            self.fail(
                f"it has no '{name}'; it holds {', '.join(sorted(self.entries)) or 'nothing'}"
            )
        return SfsStream(self, self.entries[name])

    def read(self, name: str, *, limit: int) -> bytes:
        """Return a whole file of the container, of at most `limit` bytes."""
        stream = self.stream(name)
        if stream.size > limit:
            self.fail(f"'{name}' holds {stream.size} bytes, more than the {limit} that are sane")
        return bytes(stream.read(0, stream.size))

    def fail(self, cause: str) -> NoReturn:
        """Raise an error that names this file."""
        remedy = f"copy or export the map again; {', '.join(SCAN_FORMATS)} are read"
        if self.entries and not self.salvage:
            remedy = "copy or export the map again, or keep what can be read of it with --salvage"
        raise UnsoundMapError(self.path, cause, remedy=remedy)

    def bytes_at(self, start: int, length: int, what: str) -> bytes:
        """Read from the file itself, failing where it ends too early."""
        if start + length > self.size:
            self.fail(f"it ends at byte {self.size}, inside the {what} at byte {start}")
        try:
            with self._reading:
                self._file.seek(start)
                raw = self._file.read(length)
        except OSError as error:
            self.fail(f"the {what} at byte {start} cannot be read ({error.strerror})")
        if len(raw) < length:
            self.fail(f"it ends at byte {start + len(raw)} now, inside the {what}")
        return raw

    def payload(self, chunk: int, length: int, what: str) -> bytes:
        """Read the first `length` bytes of a chunk's payload."""
        return self.bytes_at(self.payload_start(chunk), length, what)

    def payload_start(self, chunk: int) -> int:
        """Return the byte of the .bcf file at which a chunk's payload starts."""
        return chunk * self.chunk_size + _PAYLOAD

    def chain(self, chunk: int, n_chunks: int, what: str) -> Iterator[int]:
        """Follow a chain of chunks, each naming the next."""
        seen: set[int] = set()
        for _ in range(n_chunks):
            if chunk in seen:
                self.fail(f"the {what} comes back to chunk {chunk}")
            seen.add(chunk)
            yield chunk
            at = chunk * self.chunk_size + _CHUNK_HEADER
            (chunk,) = struct.unpack("<I", self.bytes_at(at, 4, what))

    def _read_header(self) -> None:
        start = self.bytes_at(0, len(MAGIC), "magic number") if self.size >= len(MAGIC) else b""
        if start != MAGIC:
            self.fail(f"it starts with {start!r} instead of {MAGIC!r}")
        (self.chunk_size,) = struct.unpack("<I", self.bytes_at(0x128, 4, "header"))
        if self.chunk_size not in _CHUNK_SIZES:
            self.fail(f"its chunks are said to hold {self.chunk_size} bytes")
        self.usable = self.chunk_size - _OVERHEAD
        self._tree_chunk, self._n_items = struct.unpack("<II", self.bytes_at(0x140, 8, "header"))
        if not 0 < self._n_items <= min(_MAX_ITEMS, self.size // _ITEM.size):
            self.fail(f"its tree is said to hold {self._n_items} items")

    def _read_tree(self) -> dict[str, Entry]:
        per_chunk = self.usable // _ITEM.size
        raw = bytearray()
        for chunk in self.chain(self._tree_chunk, -(-self._n_items // per_chunk), "tree"):
            rest = self._n_items * _ITEM.size - len(raw)
            raw += self.payload(chunk, min(per_chunk * _ITEM.size, rest), "tree")
        items = list(_ITEM.iter_unpack(raw))
        names = [item[10].split(b"\0")[0].decode("utf-8", "replace") for item in items]
        parents = [item[6] for item in items]
        entries = {}
        for index, (pointer_chunk, stored_size, *_, is_dir, _, _, _) in enumerate(items):
            if is_dir:
                continue
            path = self._path(index, names, parents)
            entries[path] = Entry(path, pointer_chunk, stored_size)
        return entries

    def _path(self, index: int, names: list[str], parents: list[int]) -> str:
        parts = []
        for _ in range(_MAX_DEPTH):
            parts.append(names[index])
            index = parents[index]
            if index == -1:
                return "/".join(reversed(parts))
            if not 0 <= index < len(names):
                self.fail(f"the folder of '{parts[-1]}' is item {index} of {len(names)}")
        self.fail(f"the folders of '{parts[0]}' run in a loop, or {_MAX_DEPTH} deep")
