"""The single-file system (SFS) in which a .bcf keeps its header and its spectra.

The file is cut into chunks of one size; chunk k has a header at ``k * size + 0x118``, whose first
uint32 is the next chunk of a chain, and its payload 32 bytes later. The tree of files is a chain of
512-byte items, each of which names the chunk where the table of its file's chunks starts. A
compressed file starts with ``AACS``, and consists of blocks of zlib data, each after a header of
16 bytes whose first uint32 is its size.

A file is taken to be hostile: every pointer and size is checked against it before it is followed or
allocated.
"""

from __future__ import annotations

import struct
import weakref
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import ScanError
from lithoscope.io.formats import SCAN_FORMATS

MAGIC = b"AAMVHFSS"
_COMPRESSED = b"AACS"

_CHUNK_HEADER = 0x118
_PAYLOAD = 0x138
_OVERHEAD = _PAYLOAD - _CHUNK_HEADER
_ITEM = struct.Struct("<iQQQQIi176s?3s256s32s")
_FIRST_BLOCK = 0x80

# Chunks of 3.6 to 64 KiB are known; a chunk has to hold one tree item, and blocks are as small.
_CHUNK_SIZES = range(_ITEM.size + _OVERHEAD, (16 << 20) + 1)
_MAX_BLOCK = 64 << 20
_MAX_ITEMS = 1 << 16


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

    Attributes
    ----------
    entries
        Files of the container by path, such as ``EDSDatabase/HeaderData``.

    Raises
    ------
    ScanError
        If the file is not a container, or is truncated or inconsistent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise ScanError(
                f"{path} cannot be opened: {error.strerror}.", expected="a readable .bcf file"
            ) from None
        # A scan keeps its container for as long as it lives; nobody else would close it.
        weakref.finalize(self, self._file.close)
        self._size = self._file.seek(0, 2)
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
        return stream.read(0, stream.size)

    def fail(self, cause: str) -> NoReturn:
        """Raise a `ScanError` that names this file."""
        raise ScanError(
            f"{self.path} is no sound .bcf map: {cause}.",
            expected="a .bcf as Bruker's software saves it",
            remedy=f"copy or export the map again; {', '.join(SCAN_FORMATS)} are read",
        )

    def bytes_at(self, start: int, length: int, what: str) -> bytes:
        """Read from the file itself, failing where it ends too early."""
        if start + length > self._size:
            self.fail(f"it ends at byte {self._size}, inside the {what} at byte {start}")
        self._file.seek(start)
        return self._file.read(length)

    def payload(self, chunk: int, length: int, what: str) -> bytes:
        """Read the first `length` bytes of a chunk's payload."""
        return self.bytes_at(chunk * self._chunk_size + _PAYLOAD, length, what)

    def chain(self, chunk: int, n_chunks: int, what: str) -> list[int]:
        """Follow a chain of chunks, each naming the next."""
        chunks: list[int] = []
        seen: set[int] = set()
        for _ in range(n_chunks):
            if chunk in seen:
                self.fail(f"the {what} comes back to chunk {chunk}")
            seen.add(chunk)
            chunks.append(chunk)
            at = chunk * self._chunk_size + _CHUNK_HEADER
            chunk = struct.unpack("<I", self.bytes_at(at, 4, what))[0]
        return chunks

    @property
    def usable(self) -> int:
        """Bytes of payload in a chunk."""
        return self._chunk_size - _OVERHEAD

    def _read_header(self) -> None:
        start = self.bytes_at(0, len(MAGIC), "magic number") if self._size >= len(MAGIC) else b""
        if start != MAGIC:
            self.fail(f"it starts with {start!r} instead of {MAGIC!r}")
        (self._chunk_size,) = struct.unpack("<I", self.bytes_at(0x128, 4, "header"))
        if self._chunk_size not in _CHUNK_SIZES:
            self.fail(f"its chunks are said to hold {self._chunk_size} bytes")
        self._tree_chunk, self._n_items = struct.unpack("<II", self.bytes_at(0x140, 8, "header"))
        if not 0 < self._n_items <= min(_MAX_ITEMS, self._size // _ITEM.size):
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
            if stored_size > self._size:
                self.fail(f"'{path}' is said to hold {stored_size} bytes of a file of {self._size}")
            entries[path] = Entry(path, pointer_chunk, stored_size)
        return entries

    def _path(self, index: int, names: list[str], parents: list[int]) -> str:
        parts = []
        for _ in range(len(names)):
            parts.append(names[index])
            index = parents[index]
            if index == -1:
                return "/".join(reversed(parts))
            if not 0 <= index < len(names):
                self.fail(f"the folder of '{parts[-1]}' is item {index} of {len(names)}")
        self.fail(f"the folders of '{parts[0]}' run in a loop")


class SfsStream:
    """Bytes of one file of an open container, decompressed where they are compressed.

    Parameters
    ----------
    container, entry
        The container, and which of its files.

    Attributes
    ----------
    size
        Bytes that can be read; for a compressed file, at most the last block too many.
    """

    def __init__(self, container: SfsContainer, entry: Entry) -> None:
        self._container = container
        self._entry = entry
        self._pointers = self._read_pointers()
        self._blocks: list[tuple[int, int]] = []
        self._block_size = 0
        self._cached: tuple[int, bytes] = (-1, b"")
        self.size = entry.stored_size
        if entry.stored_size >= 16 and self._stored(0, 4) == _COMPRESSED:
            self._read_blocks()

    def read(self, start: int, length: int) -> bytes:
        """Return the bytes from `start` on, fewer than `length` where the file ends."""
        length = min(length, self.size - start)
        if length <= 0:
            return b""
        if not self._blocks:
            return self._stored(start, length)
        first, last = start // self._block_size, (start + length - 1) // self._block_size
        joined = b"".join(self._block(index) for index in range(first, last + 1))
        skipped = start - first * self._block_size
        return joined[skipped : skipped + length]

    def _fail(self, cause: str) -> NoReturn:
        self._container.fail(f"in '{self._entry.path}', {cause}")

    def _read_pointers(self) -> NDArray[np.uint32]:
        container = self._container
        n_pointers = -(-self._entry.stored_size // container.usable)
        per_chunk = container.usable // 4
        n_chunks = -(-n_pointers // per_chunk)
        if n_pointers and self._entry.pointer_chunk < 0:
            self._fail(f"the pointer table is at chunk {self._entry.pointer_chunk}")
        what = f"pointer table of '{self._entry.path}'"
        table = bytearray()
        for chunk in container.chain(self._entry.pointer_chunk, n_chunks, what):
            rest = 4 * n_pointers - len(table)
            table += container.payload(chunk, min(4 * per_chunk, rest), what)
        return np.frombuffer(bytes(table), dtype="<u4")

    def _stored(self, start: int, length: int) -> bytes:
        """Read stored bytes, which lie chunk after chunk."""
        if start + length > self._entry.stored_size:
            self._fail(f"byte {start + length} of {self._entry.stored_size} was asked for")
        usable = self._container.usable
        what = f"data of '{self._entry.path}'"
        parts = []
        end = start + length
        for index in range(start // usable, -(-end // usable)):
            low, high = max(start - index * usable, 0), min(end - index * usable, usable)
            parts.append(self._container.payload(int(self._pointers[index]), high, what)[low:])
        return b"".join(parts)

    def _read_blocks(self) -> None:
        """List where each compressed block lies, by its header."""
        block_size, _, n_blocks = struct.unpack("<III", self._stored(4, 12))
        if not 0 < block_size <= _MAX_BLOCK:
            self._fail(f"blocks are said to hold {block_size} bytes")
        if not 0 < n_blocks <= self._entry.stored_size // 16:
            self._fail(f"there are said to be {n_blocks} blocks")
        at = _FIRST_BLOCK
        for _ in range(n_blocks):
            (compressed,) = struct.unpack("<I", self._stored(at, 16)[:4])
            at += 16
            self._blocks.append((at, compressed))
            at += compressed
        if at > self._entry.stored_size:
            self._fail(f"the last block ends at byte {at} of {self._entry.stored_size}")
        self._block_size = block_size
        self.size = (n_blocks - 1) * block_size + len(self._block(n_blocks - 1))

    def _block(self, index: int) -> bytes:
        if self._cached[0] != index:
            at, compressed = self._blocks[index]
            inflater = zlib.decompressobj()
            try:
                data = inflater.decompress(self._stored(at, compressed), self._block_size + 1)
            except zlib.error as error:
                self._fail(f"block {index} cannot be decompressed ({error})")
            is_last = index == len(self._blocks) - 1
            short = len(data) < self._block_size and not is_last
            if short or len(data) > self._block_size or not inflater.eof:
                self._fail(f"block {index} does not hold the {self._block_size} bytes it should")
            self._cached = (index, data)
        return self._cached[1]
