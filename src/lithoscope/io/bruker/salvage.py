"""What can still be read of a damaged stream of spectra, and what cannot."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lithoscope.io.bruker.damage import PixelError, UnsoundMapError
from lithoscope.io.bruker.packed import PackedPixels
from lithoscope.io.bruker.row_decoder import decode_rows
from lithoscope.io.bruker.row_stream import FIRST_ROW, Damage, Fail, RowStream
from lithoscope.io.bruker.stream import SfsStream

# Number of pixels in a row, and column of the first.
_START_OF_ROW = struct.Struct("<II")
_SEARCHED_AT_ONCE = 8 << 20
# Rows that are walked in vain, to see whether one starts at some place, and pixels that are tried
# out one by one: only a file that was made to waste time needs more.
_MOST_WALKED = 20_000
_MOST_TRIED = 10_000
_MOST_LISTED = 10


@dataclass(frozen=True)
class Loss:
    """Rows, or pixels of a row, that are missing.

    Parameters
    ----------
    first, last
        The rows, both included.
    what
        What is missing of them; empty if everything is.
    cause
        Why.
    """

    first: int
    last: int
    what: str
    cause: str

    def __str__(self) -> str:
        rows = f"row {self.first}"
        if self.last > self.first:
            rows = f"rows {self.first} to {self.last}"
        return f"{self.what} of {rows}" if self.what else rows


class SalvagedRows(RowStream):
    """Rows of a stream that may be damaged; what cannot be read of them is left out.

    Where a size is damaged, nothing says where the next pixel starts. Rows are found again from
    the end of the stream: those that follow each other up to its very end are the map's last ones.

    Parameters
    ----------
    stream
        ``SpectrumDataN`` of the container.
    fail
        Raises the error that names the file.

    Attributes
    ----------
    losses
        What is missing, once `survey` has found it.
    """

    def __init__(self, stream: SfsStream, fail: Fail) -> None:
        super().__init__(stream, fail)
        self.losses: list[Loss] = []
        self._places: dict[int, int] = {}
        self._faulty: dict[int, list[int]] = {}
        self._tried = self._walked = 0

    def row(self, number: int, until: int = 0) -> PackedPixels:
        """Return what can be read of a row."""
        with self._walking:
            if number not in self._places:
                return PackedPixels(np.zeros(0, dtype=np.uint8), np.zeros((5, 0), dtype=np.int64))
            try:
                row, _ = self.walk(number, self._places[number])
            except Damage as damage:
                row = damage.sound
            return row.of(~np.isin(row.cells, self._faulty.get(number, [])))

    def survey(self, n_channels: int) -> None:
        """Read all rows once, and note which of them, and which of their pixels, are missing."""
        number, at = 0, FIRST_ROW
        while number < self.shape[0]:
            self._places[number] = at
            following = number + 1
            try:
                row, at = self.walk(number, at)
            except Damage as damage:
                row = damage.sound
                following, at = self._resume(following, at, row)
                self._note_cut(number, following, damage)
            self._try_out(number, row, n_channels)
            number = following

    def _note_cut(self, number: int, following: int, damage: Damage) -> None:
        sound = len(damage.sound)
        if sound:
            what = f"all but the first {sound} pixels"
            self.losses.append(Loss(number, number, what, damage.cause))
            number += 1
        if following > number:
            self.losses.append(Loss(number, following - 1, "", damage.cause))

    def _try_out(self, number: int, row: PackedPixels, n_channels: int) -> None:
        """Unpack a row; where that fails, unpack its pixels one by one."""
        counts = np.empty((1, self.shape[1], n_channels), dtype=np.uint16)
        try:
            decode_rows([[row]], counts)
        except PixelError:
            self._faulty[number] = []
            for index, column in enumerate(row.cells.tolist()):
                self._tried += 1
                cause = "too many pixels are damaged"
                try:
                    if self._tried <= _MOST_TRIED:
                        pixel = row.of(slice(index, index + 1)).moved(-column)
                        decode_rows([[pixel]], counts[:, :1])
                        continue
                except PixelError as error:
                    cause = error.cause
                self._faulty[number].append(column)
                self.losses.append(Loss(number, number, f"pixel {column}", cause))

    def _resume(self, number: int, after: int, sound: PackedPixels) -> tuple[int, int]:
        """Find where rows go on, and which row it is, at least `number`; else the number of all."""
        height, width = self.shape
        starts = {_START_OF_ROW.pack(width, 0)}
        if len(sound):
            starts.add(_START_OF_ROW.pack(width, int(sound.cells[0])))
        if not self.stream.cut_off:
            for at in self._occurrences(sorted(starts), after + 1):
                n_rows = self._rows_to_end(at, height - number)
                if n_rows:
                    return height - n_rows, at
        return height, 0

    def _occurrences(self, patterns: Sequence[bytes], at: int) -> Iterator[int]:
        """Yield where one of several texts of equal length stands in what can be read."""
        pattern = re.compile(b"|".join(map(re.escape, patterns)))
        while at < self.stream.size:
            try:
                raw = self.stream.read(at, _SEARCHED_AT_ONCE)
            except UnsoundMapError:
                at = self.stream.next_piece(at)
                continue
            yield from (at + found.start() for found in pattern.finditer(raw))
            at += max(1, len(raw) - len(patterns[0]) + 1)

    def _rows_to_end(self, at: int, most: int) -> int:
        """Count the rows from some place to the very end of the stream; 0 if they do not fit."""
        for number in range(most):
            self._walked += 1
            if self._walked > _MOST_WALKED + most:
                return 0
            try:
                _, at = self.walk(number, at)
            except Damage:
                return 0
            if at == self.stream.size:
                return number + 1
        return 0


def losses_in_lines(losses: Sequence[Loss], where: str) -> list[str]:
    """Say what is missing, one line for each cause, and a last one where there are very many.

    Parameters
    ----------
    losses
        What is missing.
    where
        What stands before it, such as the detector.
    """
    by_cause: dict[str, list[Loss]] = {}
    for loss in losses:
        by_cause.setdefault(loss.cause, []).append(loss)
    lines = []
    for cause, group in by_cause.items():
        named = ", ".join(map(str, group[:_MOST_LISTED]))
        if len(group) > _MOST_LISTED:
            named += f" and {len(group) - _MOST_LISTED} more places"
        lines.append(f"{where}{named} could not be read and are zero: {cause}")
    if len(lines) > _MOST_LISTED:
        hidden = len(lines) - _MOST_LISTED
        lines[_MOST_LISTED:] = [f"{where}for {hidden} other reasons, more could not be read"]
    return lines
