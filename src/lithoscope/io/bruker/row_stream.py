"""Rows of packed pixels in one detector's stream, and the index of where they start.

Where a pixel starts depends on the sizes of all before it, so the heads are walked once, in order;
the starts of rows are kept. Nothing that a head says is trusted before it is checked.
"""

from __future__ import annotations

import struct
import threading
from typing import NoReturn, Protocol

import numpy as np

from lithoscope.io.bruker.damage import UnsoundMapError
from lithoscope.io.bruker.packed import HEAD, NUMBER, PackedPixels
from lithoscope.io.bruker.pixel_heads import take_pixels
from lithoscope.io.bruker.stream import SfsStream

FIRST_ROW = 0x1A0
_SHAPE = struct.Struct("<ii")
_WINDOW = 8 << 20
_MAX_ROW_BYTES = 128 << 20
# One row of spectra must fit into memory many times over: at 4096 channels, 8 192 pixels.
_MAX_ROW_VALUES = 1 << 25
_MAX_ROWS = 1 << 16


class Fail(Protocol):
    """Raises the error that says what is wrong with the file."""

    def __call__(self, cause: str) -> NoReturn:
        """Raise it."""


class Damage(Exception):  # noqa: N818  (never seen by users: it becomes a ScanError)
    """A row that cannot be read to its end.

    Parameters
    ----------
    cause
        What is wrong.
    sound
        The pixels before that.
    """

    def __init__(self, cause: str, sound: PackedPixels) -> None:
        super().__init__(cause)
        self.cause, self.sound = cause, sound


class RowStream:
    """Rows of one detector's stream; they may be asked for in any order, by several threads.

    Parameters
    ----------
    stream
        ``SpectrumDataN`` of the container.
    fail
        Raises the error that names the file.

    Attributes
    ----------
    shape
        Rows and columns (y, x) of the map.
    """

    def __init__(self, stream: SfsStream, fail: Fail) -> None:
        self.stream = stream
        self.fail = fail
        self._walking = threading.Lock()
        self._window, self._window_start = np.zeros(0, dtype=np.uint8), 0
        head = stream.read(0, _SHAPE.size)
        if len(head) < _SHAPE.size:
            fail(f"its spectra end at byte {len(head)}")
        height, width = _SHAPE.unpack(head)
        if not (0 < height <= _MAX_ROWS and 0 < width <= _MAX_ROW_VALUES):
            fail(f"the map is said to have {height} rows of {width} pixels")
        self.shape = (height, width)
        self._starts = [FIRST_ROW]

    @property
    def lacks_rows(self) -> bool:
        """Whether there is no room for as many rows as there should be, even empty ones."""
        return self.stream.size < FIRST_ROW + self.shape[0] * NUMBER.size

    @property
    def is_empty(self) -> bool:
        """Whether there is no room for a single pixel."""
        return self.stream.size < FIRST_ROW + self.shape[0] * NUMBER.size + HEAD.itemsize

    def check_channels(self, n_channels: int) -> None:
        """Refuse a map of which not even a row fits into memory."""
        height, width = self.shape
        if width * n_channels > _MAX_ROW_VALUES:
            self.fail(f"the map is said to have {height} rows of {width} pixels")

    def row(self, number: int, until: int = 0) -> PackedPixels:
        """Return a row; for the first time, all heads before it are walked too.

        Parameters
        ----------
        number
            Which row.
        until
            The row before which all will be asked for next; they are read along.
        """
        with self._walking:
            try:
                while len(self._starts) <= number:
                    self._walk_on()
                if len(self._starts) == number + 1:
                    return self._walk_on()
                start, end = self._starts[number : number + 2]
                along = self._starts[min(max(until, number + 1), len(self._starts) - 1)]
                self._look(start, end - start, min(along - start, _WINDOW))
                return self.walk(number, start)[0]
            except Damage as damage:
                self.fail(damage.cause)

    def _walk_on(self) -> PackedPixels:
        """Walk the last row whose start is known, and note where the next one starts."""
        number = len(self._starts) - 1
        row, end = self.walk(number, self._starts[number])
        if number < self.shape[0] - 1:
            self._starts.append(end)
        elif end != self.stream.size:
            self.fail(f"its last row ends at byte {end} of the {self.stream.size} of its spectra")
        return row

    def walk(self, number: int, start: int) -> tuple[PackedPixels, int]:
        """Read a row from where it starts; return it, and where it ends.

        Raises
        ------
        Damage
            If it cannot be read to its end.
        """
        from lithoscope.io.bruker.head_walk import walk_heads

        needed = NUMBER.size
        while True:
            cause = self._look(start, needed, _WINDOW)
            low = start - self._window_start
            n_pixels, places, end = walk_heads(self._window, low)
            is_whole = len(places) == n_pixels and end <= len(self._window)
            if n_pixels > self.shape[1]:
                cause = f"row {number} is said to hold {n_pixels} of {self.shape[1]} pixels"
                raise Damage(cause, take_pixels(self._window, places[:0], self.shape[1], "")[0])
            if is_whole or cause or end - low > _MAX_ROW_BYTES:
                break
            needed = end - low
            if len(places) < n_pixels:
                # Room for the next head at least, so that the window always grows.
                needed = 2 * needed + HEAD.itemsize
        cause = cause or f"it takes more than {_MAX_ROW_BYTES} bytes"
        row, wrong = take_pixels(self._window, places, self.shape[1], cause)
        if wrong or not is_whole:
            raise Damage(f"in row {number}, {wrong or cause}", row)
        return row, self._window_start + end

    def _look(self, start: int, needed: int, along: int) -> str:
        """Have a window that holds some bytes; return why it cannot, empty where it can."""
        low = start - self._window_start
        if low >= 0 and low + needed <= len(self._window):
            return ""
        cause = ""
        # Where what would be read along is damaged, what is needed need not be.
        for length in (max(needed, along), needed):
            try:
                raw = self.stream.read(start, length)
            except UnsoundMapError as error:
                raw, cause = memoryview(b""), error.cause
            self._window, self._window_start = np.frombuffer(raw, dtype=np.uint8), start
            if len(raw) >= needed:
                return ""
        end = start + len(self._window)
        try:
            self.stream.read(end, needed - len(self._window))
        except UnsoundMapError as error:
            cause = error.cause
        return cause or f"its spectra end at byte {end}, inside a pixel"
