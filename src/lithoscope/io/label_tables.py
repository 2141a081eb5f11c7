"""Tables of labels: which mineral someone has found in which pixel or spectrum.

For pixels the columns are ``y,x,mineral``, in pixels from 0; for spectra ``file,mineral`` or
``file,index,mineral``. Either may have ``region`` (a grain, a field of view, a standard: what was
labelled in one go), and a table of pixels of several scans has ``file``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lithoscope.errors import LabelError
from lithoscope.io.formats import read_bounded

_MAX_BYTES = 256 << 20
_LINES_A_STEP = 4096
_KNOWN = ("file", "index", "y", "x", "mineral", "region")
_LAYOUT = (
    "the columns y,x,mineral for pixels or file,mineral (and index) for spectra; region if you like"
)


@dataclass(frozen=True)
class Label:
    """What someone has found at one place.

    Parameters
    ----------
    mineral
        Its name.
    place
        (y, x) of a pixel, (index,) of a spectrum.
    file
        The file's name as the table gives it; empty where it does not.
    region
        Name of what was labelled in one go; empty where the table has no such column.
    line
        Line of the table, for messages.
    """

    mineral: str
    place: tuple[int, ...]
    file: str
    region: str
    line: int


@dataclass(frozen=True)
class LabelTable:
    """Labels of pixels, or of spectra.

    Parameters
    ----------
    path
        The file.
    labels
        One or more, all of pixels or all of spectra.
    """

    path: Path
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        if not self.labels:
            raise LabelError(f"{self.path} holds no labels.", expected="one line a label")
        if len({len(label.place) for label in self.labels}) != 1:
            raise LabelError(f"{self.path} mixes pixels and spectra.", expected=_LAYOUT)
        seen: dict[tuple[str, tuple[int, ...]], Label] = {}
        for label in self.labels:
            first = seen.setdefault((label.file, label.place), label)
            if first is not label:
                raise LabelError(
                    f"{self.path} labels the same place in line {first.line} ({first.mineral}) and "
                    f"line {label.line} ({label.mineral}).",
                    expected="one label a place",
                )

    @property
    def of_pixels(self) -> bool:
        """Whether these are labels of pixels."""
        return len(self.labels[0].place) == 2

    @property
    def has_regions(self) -> bool:
        """Whether the table says what was labelled in one go."""
        return bool(self.labels[0].region)


def read_label_table(
    path: Path, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> LabelTable:
    """Read a table of labels.

    Parameters
    ----------
    path
        The file.
    progress
        Called with lines read and lines in all.

    Raises
    ------
    LabelError
        If the file is missing, has other columns, or a line lacks a value.
    """
    raw = read_bounded(path, limit=_MAX_BYTES, error=LabelError)
    rows = csv.reader(io.StringIO(raw.decode("utf-8-sig", "replace"), newline=""))
    try:
        lines = [(rows.line_num, [word.strip() for word in row]) for row in rows if row]
    except csv.Error as problem:
        raise LabelError(f"{path}, line {rows.line_num}: {problem}.", expected=_LAYOUT) from None
    header = lines[0][1] if lines else []
    pixels = {"y", "x"} <= set(header) and "index" not in header
    spectra = "file" in header and not {"y", "x"} & set(header)
    if "mineral" not in header or not (pixels or spectra) or not set(header) <= set(_KNOWN):
        raise LabelError(
            f"{path} has the columns {','.join(header)[:80] or 'nothing'}.", expected=_LAYOUT
        )
    labels, total = [], len(lines) - 1
    for done, line in enumerate(lines[1:], start=1):
        labels.append(_label(path, header, *line))
        if done % _LINES_A_STEP == 0 or done == total:
            progress(done, total)
    return LabelTable(path, tuple(labels))


def _label(path: Path, header: list[str], line: int, words: list[str]) -> Label:
    where = f"{path}, line {line}"
    values = dict(zip(header, words, strict=False))
    empty = [name for name in header if not values.get(name)]
    if empty or len(words) != len(header):
        raise LabelError(
            f"{where}: {','.join(words)[:80]} has no value for {', '.join(empty) or 'a column'}.",
            expected=f"a value for each of {','.join(header)}",
        )
    names = ("y", "x") if "y" in header else ("index",)
    place = []
    for name in names:
        word = values.get(name, "0")
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise LabelError(f"{where}: {name} is {word[:40]!r}.", expected="a number from 0 on")
        place.append(int(word))
    return Label(
        values["mineral"], tuple(place), values.get("file", ""), values.get("region", ""), line
    )
