"""Bytes of one file in a .bcf container, decompressed where they are compressed.

Chunks that lie close together are read at once, and compressed blocks are unpacked side by side:
reading and zlib both let other threads run.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from lithoscope.io.bruker.damage import UnsoundMapError

if TYPE_CHECKING:
    from lithoscope.io.bruker.container import Entry, SfsContainer

_COMPRESSED = b"AACS"
_FIRST_BLOCK = 0x80
_MAX_BLOCK = 64 << 20
_MAX_BLOCKS = 1 << 20
_HEADS_AT_ONCE = 4096
# Blocks that were unpacked last are kept, so that neighbouring rows do not unpack them again.
_KEPT_BYTES = 64 << 20
_THREADS = min(4, os.cpu_count() or 1)

# The streams of two detectors may take turns in the file: what lies between is read along.
_FARTHEST_NEIGHBOUR = 4
_MOST_AT_ONCE = 64 << 20
_NO_CHUNK = 0xFFFFFFFF


class SfsStream:
    """Bytes of one file of an open container.

    Parameters
    ----------
    container, entry
        The container, and which of its files. Of a container that is salvaged, as much is opened
        as its pointers and blocks can be found.

    Attributes
    ----------
    size
        Bytes that can be read; for a compressed file, at most the last block too many.
    cut_off
        Why the stream is shorter than it should be, where it is salvaged; else empty.
    """

    def __init__(self, container: SfsContainer, entry: Entry) -> None:
        self._container = container
        self._path = entry.path
        self._stored_size = entry.stored_size
        self._blocks: list[tuple[int, int]] = []
        self._block_size = 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._keeping = threading.Lock()
        self.cut_off = ""
        self._pointers = self._read_pointers(entry)
        self.size = self._stored_size
        if self._stored_size >= 16 and self._stored(0, 4) == _COMPRESSED:
            self._read_blocks()

    def read(self, start: int, length: int) -> memoryview:
        """Return the bytes from `start` on.

        They are fewer than `length` where the file ends, or where what follows cannot be read.

        Raises
        ------
        UnsoundMapError
            If not even the first of them can be read.
        """
        end = start + min(length, self.size - start)
        if end <= start:
            return memoryview(b"")
        try:
            return self._read(start, end)
        except UnsoundMapError:
            sound = self.next_piece(start)
            if sound >= end:
                raise
        parts = [self._read(start, sound)]
        try:
            while True:
                parts.append(self._read(sound, min(self.next_piece(sound), end)))
                sound = self.next_piece(sound)
        except UnsoundMapError:
            return memoryview(b"".join(parts))

    def _read(self, start: int, end: int) -> memoryview:
        if not self._blocks:
            return self._stored(start, end - start)
        first, last = start // self._block_size, (end - 1) // self._block_size
        joined = memoryview(b"".join(self._unpacked(range(first, last + 1))))
        skipped = start - first * self._block_size
        return joined[skipped : skipped + end - start]

    @property
    def chunks(self) -> NDArray[np.int64]:
        """Chunks of the container that hold the stream, shape (chunk,)."""
        return self._pointers[self._pointers != _NO_CHUNK]

    def next_piece(self, at: int) -> int:
        """Return the first byte after `at` that does not stand or fall with it."""
        piece = self._block_size or self._container.usable
        return (at // piece + 1) * piece

    def _fail(self, cause: str) -> NoReturn:
        self._container.fail(f"in '{self._path}', {cause}")

    def _read_pointers(self, entry: Entry) -> NDArray[np.int64]:
        container = self._container
        if entry.stored_size > container.size:
            if not container.salvage:
                self._fail(
                    f"{entry.stored_size} bytes are said to be in a file of {container.size}"
                )
            self._stored_size = container.size
        n_pointers = -(-self._stored_size // container.usable)
        per_chunk = container.usable // 4
        what = f"pointer table of '{self._path}'"
        table = bytearray()
        try:
            if n_pointers and entry.pointer_chunk < 0:
                self._fail(f"the pointer table is at chunk {entry.pointer_chunk}")
            for chunk in container.chain(entry.pointer_chunk, -(-n_pointers // per_chunk), what):
                rest = 4 * n_pointers - len(table)
                table += container.payload(chunk, min(4 * per_chunk, rest), what)
        except UnsoundMapError as error:
            self._shorten(error, len(table) // 4 * container.usable)
        pointers = np.frombuffer(bytes(table), dtype="<u4").astype(np.int64)
        _, firsts = np.unique(pointers, return_index=True)
        if firsts.size < pointers.size:
            twice = np.setdiff1d(np.arange(pointers.size), firsts)
            if not container.salvage:
                self._fail(f"chunk {pointers[twice[0]]} is used twice")
            pointers[twice] = _NO_CHUNK
        return pointers

    def _shorten(self, error: UnsoundMapError, size: int) -> None:
        """Go on with the first `size` stored bytes of a stream that is salvaged."""
        if not self._container.salvage:
            raise error
        self.cut_off = self.cut_off or error.cause
        self._stored_size = min(self._stored_size, size)

    def _stored(self, start: int, length: int) -> memoryview:
        """Read stored bytes, which lie chunk after chunk."""
        if start + length > self._stored_size:
            self._fail(f"byte {start + length} of {self._stored_size} was asked for")
        usable = self._container.usable
        first, end = start // usable, start + length
        last = -(-end // usable)
        pieces = [
            self._chunks(low, high, min(end - (high - 1) * usable, usable))
            for low, high in self._neighbours(first, last)
        ]
        joined = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        skipped = start - first * usable
        return joined[skipped : skipped + length].data

    def _neighbours(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of chunks that lie close together in the file, in order."""
        steps = np.diff(self._pointers[first:last])
        breaks = np.flatnonzero((steps < 1) | (steps > _FARTHEST_NEIGHBOUR)) + first + 1
        longest = max(1, _MOST_AT_ONCE // (_FARTHEST_NEIGHBOUR * self._container.chunk_size))
        for low, high in zip([first, *breaks.tolist()], [*breaks.tolist(), last], strict=True):
            for start in range(low, high, longest):
                yield start, min(start + longest, high)

    def _chunks(self, low: int, high: int, of_last: int) -> NDArray[np.uint8]:
        """Read the payloads of chunks, of the last one only its first `of_last` bytes."""
        container = self._container
        places = self._pointers[low:high] - self._pointers[low]
        start = container.payload_start(int(self._pointers[low]))
        length = int(places[-1]) * container.chunk_size + of_last
        raw = container.bytes_at(start, length, f"data of '{self._path}'")
        # The last payload is filled up to be as long as the others.
        flat = np.frombuffer(raw + bytes(container.usable - of_last), dtype=np.uint8)
        shape = (int(places[-1]) + 1, container.usable)
        payloads = np.lib.stride_tricks.as_strided(flat, shape, (container.chunk_size, 1))
        chosen = payloads if len(places) == len(payloads) else payloads[places]
        return np.ascontiguousarray(chosen).reshape(-1)[: (high - low - 1) * shape[1] + of_last]

    def _read_blocks(self) -> None:
        """List where each compressed block lies, by its header."""
        block_size, _, n_blocks = struct.unpack("<III", self._stored(4, 12))
        if not 0 < block_size <= _MAX_BLOCK:
            self._fail(f"blocks are said to hold {block_size} bytes")
        if not 0 < n_blocks <= min(self._stored_size // 16, _MAX_BLOCKS):
            self._fail(f"there are said to be {n_blocks} blocks")
        self._block_size = block_size
        try:
            self._list_blocks(n_blocks)
            self.size = (n_blocks - 1) * block_size + len(self._inflated(n_blocks - 1))
        except UnsoundMapError as error:
            self._shorten(error, self._stored_size)
            self.size = len(self._blocks) * block_size

    def _list_blocks(self, n_blocks: int) -> None:
        at, window, seen = _FIRST_BLOCK, 0, memoryview(b"")
        for number in range(n_blocks):
            if at + 16 > window + len(seen):
                room = self._stored_size - at
                seen, window = self._stored(at, min(_HEADS_AT_ONCE, max(room, 16))), at
            (compressed,) = struct.unpack_from("<I", seen, at - window)
            at += 16
            if at + compressed > self._stored_size:
                self._fail(f"block {number} ends at byte {at + compressed} of {self._stored_size}")
            self._blocks.append((at, compressed))
            at += compressed

    def _unpacked(self, indices: range) -> list[bytes]:
        """Return blocks, of which those that are not kept are unpacked in threads."""
        with self._keeping:
            blocks = {index: self._kept[index] for index in indices if index in self._kept}
        absent = [index for index in indices if index not in blocks]
        if len(absent) > 1 and _THREADS > 1:
            with ThreadPoolExecutor(_THREADS) as pool:
                blocks.update(zip(absent, pool.map(self._inflated, absent), strict=True))
        else:
            blocks.update((index, self._inflated(index)) for index in absent)
        with self._keeping:
            for index in indices:
                self._kept[index] = blocks[index]
                self._kept.move_to_end(index)
            while len(self._kept) * self._block_size > _KEPT_BYTES and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return [blocks[index] for index in indices]

    def _inflated(self, index: int) -> bytes:
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
        return data
