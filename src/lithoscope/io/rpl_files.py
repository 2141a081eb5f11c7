"""Lispix's .rpl files, which say what stands in the .raw beside them.

Each line holds a key and a value: ``width``, ``height``, ``depth``, ``offset``, ``data-length``,
``data-type``, ``byte-order`` and ``record-by`` are Lispix's. HyperSpy adds ``depth-scale``,
``depth-origin`` and ``depth-units``, and the like for ``height`` and ``width``. Lispix's own
``ev-per-chan`` is not enough: it does not tell the energy of channel 0.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import RowReader, Scan
from lithoscope.errors import ScanError
from lithoscope.io.axes import axis_of_file, to_keV, to_mm
from lithoscope.io.formats import checked_counts, read_bounded
from lithoscope.io.text_numbers import finite_number

_MAX_BYTES = 1 << 20
_KINDS = {"unsigned": "u", "signed": "i", "float": "f"}
_LENGTHS = {"u": (1, 2, 4, 8), "i": (1, 2, 4, 8), "f": (4, 8)}
_ORDERS = {"little-endian": "<", "big-endian": ">", "dont-care": "<"}
_LAYOUT = "a .rpl as Lispix or HyperSpy writes it, with a .raw of the same name beside it"


@dataclass(frozen=True)
class _Ripple:
    """The keys of a file, in small letters, and their values."""

    path: Path
    values: dict[str, str]

    def size(self, key: str, *, least: int) -> int:
        word = self.values.get(key, "")
        if not word.isascii() or not word.isdigit() or len(word) > 18 or int(word) < least:
            raise ScanError(
                f"{self.path} has the {key} '{word[:40]}'.",
                expected=f"a whole number of at least {least}",
                remedy="export the scan anew",
            )
        return int(word)

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        word = self.values.get(key, "").lower()
        if word not in known:
            raise ScanError(
                f"{self.path} has the {key} '{word[:40]}'.", expected=f"one of {', '.join(known)}"
            )
        return word

    def number(self, key: str) -> float | None:
        return finite_number(self.values.get(key))

    def text(self, key: str) -> str:
        return self.values.get(key, "")


def open_rpl_scan(path: Path, *, energy_axis: EnergyAxis | None = None) -> Scan:
    """Open a scan of a .rpl and a .raw file, either of which may be named.

    Parameters
    ----------
    path
        One of the two files.
    energy_axis
        Offset and gain to use instead of the file's.

    Raises
    ------
    ScanError
        If one of the files is missing, they do not fit each other, or there is no energy
        calibration.
    """
    ripple = _parse(_beside(path, ".rpl"))
    shape = (ripple.size("height", least=1), ripple.size("width", least=1))
    axis = _axis(ripple, energy_axis)
    dtype, notes = _dtype(ripple)
    read_rows = _row_reader(ripple, (*shape, axis.n_channels), dtype, notes)
    facts: dict[str, Any] = {"notes": tuple(notes)} if notes else {}
    live_time = ripple.number("live-time")
    if live_time is not None and live_time > 0:
        facts["live_time_s"] = live_time
    return Scan(
        shape=shape,
        axis=axis,
        read_rows=read_rows,
        pixel_size_mm=_pixel_size_mm(ripple),
        title=ripple.text("title") or path.stem,
        metadata=facts,
    )


def _beside(path: Path, suffix: str) -> Path:
    """Return the path with another ending, in small letters or in capitals."""
    if path.suffix.lower() == suffix:
        return path
    for candidate in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if candidate.is_file():
            return candidate
    raise ScanError(
        f"{path} has no {path.with_suffix(suffix).name} beside it.",
        expected=_LAYOUT,
        remedy="copy both files into one folder",
    )


def _parse(path: Path) -> _Ripple:
    raw = read_bounded(path, limit=_MAX_BYTES, error=ScanError)
    values = {}
    for line in raw.decode("latin-1").splitlines():
        words = re.split(r"\s+", line.split(";")[0].strip(), maxsplit=1)
        if len(words) == 2:
            values[words[0].lower()] = words[1]
    return _Ripple(path, values)


def _axis(ripple: _Ripple, given: EnergyAxis | None) -> EnergyAxis:
    unit = ripple.text("depth-units")
    offset, gain = ripple.number("depth-origin"), ripple.number("depth-scale")
    return axis_of_file(
        offset_keV=None if offset is None else to_keV(offset, unit),
        gain_keV=None if gain is None else to_keV(gain, unit),
        n_channels=ripple.size("depth", least=1),
        given=given,
        path=ripple.path,
        error=ScanError,
    )


def _dtype(ripple: _Ripple) -> tuple[np.dtype[Any], list[str]]:
    kind = _KINDS[ripple.choice("data-type", tuple(_KINDS))]
    order = ripple.choice("byte-order", tuple(_ORDERS))
    length = int(ripple.choice("data-length", tuple(map(str, _LENGTHS[kind]))))
    guessed = order == "dont-care" and length > 1
    notes = ["the byte order is not told; little-endian is assumed"] if guessed else []
    return np.dtype(f"{_ORDERS[order]}{kind}{length}"), notes


def _row_reader(
    ripple: _Ripple, shape: tuple[int, int, int], dtype: np.dtype[Any], notes: list[str]
) -> RowReader:
    height, width, depth = shape
    by_vector = ripple.choice("record-by", ("vector", "image")) == "vector"
    offset = ripple.size("offset", least=0) if "offset" in ripple.values else 0
    path = _beside(ripple.path, ".raw")
    stored, needed = path.stat().st_size, offset + math.prod(shape) * dtype.itemsize
    if stored < needed:
        raise ScanError(
            f"{path} holds {stored} bytes, but {ripple.path.name} describes {needed}.",
            expected="as many bytes as width, height, depth and data-length say",
            remedy="the file is cut off or described wrongly; export the scan anew",
        )
    if stored > needed:
        notes.append(f"{stored - needed} bytes of {path.name} are not described and left out")
    stored_shape = shape if by_vector else (depth, height, width)

    def read_rows(first: int, last: int) -> NDArray[Any]:
        # Mapped anew each time, so that no file stays open and none is read as a whole.
        data = np.memmap(path, dtype, mode="r", offset=offset, shape=stored_shape)
        rows = data[first:last] if by_vector else np.moveaxis(data[:, first:last], 0, 2)
        return checked_counts(np.array(rows, dtype=dtype.newbyteorder("=")), path, ScanError)

    return read_rows


def _pixel_size_mm(ripple: _Ripple) -> tuple[float, float] | None:
    steps = []
    for side in ("height", "width"):
        scale = ripple.number(f"{side}-scale")
        step = None if scale is None else to_mm(scale, ripple.text(f"{side}-units"))
        if step is None or step <= 0:
            return None
        steps.append(step)
    return steps[0], steps[1]
