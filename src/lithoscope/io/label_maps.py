"""Maps of labels: an indexed mask with its legend, or the truth of a phantom.

A mask is a PNG of one number a pixel (palette or 8-bit grey) as image editors save it; what the
numbers mean stands beside it in a table of the same stem, ``mask.csv`` for ``mask.png``, with the
columns ``value,mineral``. Pixels of the value 0 are unlabelled unless the table names it.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import LabelError
from lithoscope.io.formats import read_bounded
from lithoscope.io.stored_arrays import check_array, open_zarr_group

UNLABELLED = -1
_MAX_LEGEND_BYTES, _MAX_PIXELS = 1 << 20, 1 << 28
_LEGEND = ["value", "mineral"]


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Which mineral someone has found in each pixel.

    Parameters
    ----------
    path
        The file.
    minerals
        Names.
    numbers
        Which of them each pixel is, ``UNLABELLED`` where nobody knows, shape (y, x).
    """

    path: Path
    minerals: tuple[str, ...]
    numbers: NDArray[np.int64]

    def __post_init__(self) -> None:
        low, high = int(self.numbers.min(initial=0)), int(self.numbers.max(initial=-1))
        if self.numbers.ndim != 2 or low < UNLABELLED or high >= len(self.minerals):
            raise LabelError(
                f"{self.path} has numbers from {low} to {high} for {len(self.minerals)} minerals.",
                expected="numbers on (y, x) that stand for minerals",
            )
        if high < 0:
            raise LabelError(f"{self.path} labels no pixel.", expected="one or more")


def read_label_map(path: Path) -> LabelMap:
    """Read a mask (.png) or a phantom's truth (.zarr).

    Raises
    ------
    LabelError
        If it is missing, damaged, of another kind, or a mask has no legend.
    """
    if path.suffix.lower() == ".png":
        return _read_mask(path)
    try:
        variable = open_zarr_group(path)["mineral"]
        check_array(variable, path, LabelError)
        names = json.loads(dict(open_zarr_group(path).attrs)["long_names"])
        numbers = np.asarray(variable[:])
    except LabelError:
        raise
    # zarr raises anything when its files are damaged.
    except Exception as problem:
        raise LabelError(
            f"{path} is no map of minerals ({str(problem)[:200]}).",
            expected="the truth that `lithoscope phantom` writes, <stem>-truth.zarr",
        ) from None
    if numbers.dtype.kind not in "iu" or not _are_names(names):
        raise LabelError(
            f"{path} has no names, or no whole numbers.", expected="the truth of a phantom"
        )
    return LabelMap(path, tuple(names), numbers.astype(np.int64))


def _are_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) and name for name in names)


def _read_mask(path: Path) -> LabelMap:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            width, height = picture.size
            if picture.mode not in ("P", "L") or width * height > _MAX_PIXELS:
                raise LabelError(
                    f"{path} is a picture of {width} x {height} pixels of mode {picture.mode}.",
                    expected="an indexed or 8-bit grey PNG, one number a pixel",
                    remedy="save the mask as an indexed picture, without transparency",
                )
            values = np.array(picture).astype(np.int64)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as problem:
        raise LabelError(f"{path} cannot be read: {problem}.", expected="a PNG") from None
    except Image.DecompressionBombError as problem:
        raise LabelError(f"{path} is refused: {problem}.", expected="a smaller PNG") from None
    legend = _read_legend(path.with_suffix(".csv"))
    unnamed = sorted(set(np.unique(values).tolist()) - {0} - set(legend))
    if unnamed:
        raise LabelError(
            f"{path} has pixels of {', '.join(map(str, unnamed[:10]))}, which "
            f"{path.with_suffix('.csv').name} does not name.",
            expected="a line of the legend for each value but 0",
        )
    minerals = tuple(sorted(set(legend.values())))
    numbers = np.full(256, UNLABELLED, dtype=np.int64)
    for value, mineral in legend.items():
        numbers[value] = minerals.index(mineral)
    return LabelMap(path, minerals, numbers[values])


def _read_legend(path: Path) -> dict[int, str]:
    """Return the mineral of each value of a mask."""
    if not path.is_file():
        raise LabelError(
            f"The mask has no legend: there is no {path}.",
            expected=f"a table {path.name} beside it, with the columns value,mineral",
        )
    text = read_bounded(path, limit=_MAX_LEGEND_BYTES, error=LabelError)
    lines = [
        [word.strip() for word in row]
        for row in csv.reader(io.StringIO(text.decode("utf-8-sig", "replace"), newline=""))
        if row
    ]
    legend: dict[int, str] = {}
    for words in lines[1:]:
        value = words[0] if len(words) == 2 and words[1] else ""
        if not (value.isascii() and value.isdigit() and int(value) < 256) or int(value) in legend:
            raise LabelError(
                f"{path}: {','.join(words)[:80]}.", expected="a value from 0 to 255, once, and name"
            )
        legend[int(value)] = words[1]
    if not lines or lines[0] != _LEGEND or not legend:
        raise LabelError(f"{path} is no legend.", expected="the columns value,mineral")
    return legend
