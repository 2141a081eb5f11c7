"""A single-file system (SFS), the container of a .bcf, written as its files grow.

Its layout is told in `lithoscope.io.bruker.container`. It stands here a second time on purpose:
were it shared with the reader, a mistake would cancel out when what was written is read back.

Files grow side by side: whenever one has filled a chunk, that chunk goes to the end of the
container. Pointer tables, the tree and the head of the container follow once all files are closed.
"""

from __future__ import annotations

import array
import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

CHUNK_BYTES = (4096, 65536)
FOLDER = "EDSDatabase"

_MAGIC = b"AAMVHFSS"
_SECOND_MAGIC = b"AASFSSGN"
_VERSION = 2.6
_START = 0x118
_CHUNK_HEAD = 32
_END_OF_CHAIN = 0xFFFFFFFF
_ITEM = struct.Struct("<iQ24xIi176x?3x256s32x")
_NO_CHUNK, _ROOT = -1, -1

_BLOCK_BYTES = 0x80000
_FIRST_BLOCK = 0x80
_BLOCK_HEAD = struct.Struct("<IIII")
# Spectra are noise: a higher level takes longer and saves next to nothing.
_ZLIB_LEVEL = 1


class SfsWriter:
    """A container that is being written.

    Parameters
    ----------
    stream
        An empty file, opened for writing and seeking.
    chunk_bytes
        Size of a chunk, one of `CHUNK_BYTES`.
    compressed
        Whether files are stored as blocks of zlib data.
    """

    def __init__(self, stream: BinaryIO, *, chunk_bytes: int, compressed: bool) -> None:
        self._stream = stream
        self._chunk_bytes = chunk_bytes
        self._compressed = compressed
        self._files: list[SfsFile] = []
        # The container's own head lies where chunk 0 would be.
        self._n_chunks = 1

    @property
    def usable(self) -> int:
        """Bytes of payload in a chunk."""
        return self._chunk_bytes - _CHUNK_HEAD

    def open_file(self, name: str) -> SfsFile:
        """Add a file to the container's one folder."""
        kind = _CompressedFile if self._compressed else SfsFile
        self._files.append(kind(self, name))
        return self._files[-1]

    def add_chunk(self, payload: bytes, *, next_chunk: int = _END_OF_CHAIN) -> int:
        """Write a chunk at the end and return its number."""
        number = self._n_chunks
        self._stream.seek(_START + number * self._chunk_bytes)
        self._stream.write(struct.pack("<I28x", next_chunk) + payload.ljust(self.usable, b"\0"))
        self._n_chunks += 1
        return number

    def patch(self, chunk: int, at: int, raw: bytes) -> None:
        """Write over a place of a chunk's payload."""
        self._stream.seek(_START + chunk * self._chunk_bytes + _CHUNK_HEAD + at)
        self._stream.write(raw)

    def finish(self) -> None:
        """Write what leads to the files, all of which are closed."""
        items = [_item(_NO_CHUNK, 0, _ROOT, FOLDER, is_folder=True)]
        for file in self._files:
            table = self._add_chain([np.array(file.chunks, "<u4").tobytes()], 4)
            items.append(_item(table, file.size, 0, file.name, is_folder=False))
        tree = self._add_chain(items, _ITEM.size)
        head = _MAGIC.ljust(_START, b"\0") + _SECOND_MAGIC
        head += struct.pack("<ffI", _VERSION, _VERSION, self._chunk_bytes)
        head = head.ljust(0x140, b"\0") + struct.pack("<III", tree, len(items), self._n_chunks)
        self._stream.seek(0)
        self._stream.write(head)

    def _add_chain(self, parts: Iterable[bytes], unit: int) -> int:
        """Write data as chunks that name the next, none of which cuts a unit; return the first."""
        data = b"".join(parts)
        room = self.usable // unit * unit
        first = self._n_chunks
        for start in range(0, len(data), room):
            is_last = start + room >= len(data)
            following = _END_OF_CHAIN if is_last else self._n_chunks + 1
            self.add_chunk(data[start : start + room], next_chunk=following)
        return first


class SfsFile:
    """A file of a container that is being written.

    Attributes
    ----------
    name
        Its name.
    size
        Bytes that were stored.
    chunks
        Numbers of its chunks, in order.
    """

    def __init__(self, container: SfsWriter, name: str) -> None:
        self.name = name
        self.size = 0
        self.chunks = array.array("I")
        self._container = container
        self._waiting = bytearray()

    def write(self, raw: bytes) -> None:
        """Append bytes."""
        self._store(raw)

    def close(self) -> None:
        """Write what waits for its chunk to fill up."""
        if self._waiting:
            self.chunks.append(self._container.add_chunk(bytes(self._waiting)))
            self._waiting.clear()

    def _store(self, raw: bytes) -> None:
        self.size += len(raw)
        self._waiting += raw
        usable = self._container.usable
        full = len(self._waiting) // usable * usable
        for start in range(0, full, usable):
            payload = bytes(self._waiting[start : start + usable])
            self.chunks.append(self._container.add_chunk(payload))
        del self._waiting[:full]


class _CompressedFile(SfsFile):
    """A file that is stored as blocks of zlib data, whose number stands at its beginning."""

    def __init__(self, container: SfsWriter, name: str) -> None:
        super().__init__(container, name)
        self._block = bytearray()
        self._n_blocks = 0
        self._store(bytes(_FIRST_BLOCK))

    def write(self, raw: bytes) -> None:
        self._block += raw
        while len(self._block) >= _BLOCK_BYTES:
            self._store_block(bytes(self._block[:_BLOCK_BYTES]))
            del self._block[:_BLOCK_BYTES]

    def close(self) -> None:
        if self._block:
            self._store_block(bytes(self._block))
            self._block.clear()
        super().close()
        head = b"AACS" + struct.pack("<III", _BLOCK_BYTES, 0, self._n_blocks)
        self._container.patch(self.chunks[0], 0, head)

    def _store_block(self, block: bytes) -> None:
        packed = zlib.compress(block, _ZLIB_LEVEL)
        # What the third number is, nobody knows; the last counts the head in.
        self._store(_BLOCK_HEAD.pack(len(packed), len(block), 0, len(packed) + _BLOCK_HEAD.size))
        self._store(packed)
        self._n_blocks += 1


def _item(pointer_chunk: int, size: int, parent: int, name: str, *, is_folder: bool) -> bytes:
    return _ITEM.pack(pointer_chunk, size, 0, parent, is_folder, name.encode())
