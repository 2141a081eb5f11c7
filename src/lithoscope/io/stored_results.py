"""Results that earlier commands wrote: a folder of `map`, the JSON of `classify`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, Group, LabelSet
from lithoscope.errors import FileFormatError, LithoscopeError
from lithoscope.io.formats import read_bounded
from lithoscope.io.stored_arrays import check_array, open_zarr_group

_MAX_BYTES = 1 << 30
_LAYERS = {"mineral": "iu", "mineral_smoothed": "iu", "confidence": "f", "unknown": "b"}
_MAP = "a folder that `lithoscope map` wrote, or its result.zarr"
_ANSWERS = "the JSON that `lithoscope classify --json` printed"


@dataclass(frozen=True, eq=False)
class StoredMap:
    """A mineral map on disk.

    Parameters
    ----------
    path
        Its zarr folder.
    labels
        Its classes.
    mineral, mineral_smoothed
        Class of each pixel, ``VOID`` where there is none, shape (y, x).
    confidence, unknown
        As in `segmentation.dataset`, shape (y, x).
    """

    path: Path
    labels: LabelSet
    mineral: NDArray[np.int64]
    mineral_smoothed: NDArray[np.int64]
    confidence: NDArray[np.float64]
    unknown: NDArray[np.bool_]

    def __post_init__(self) -> None:
        layers = (self.mineral, self.mineral_smoothed, self.confidence, self.unknown)
        if self.mineral.ndim != 2 or len({layer.shape for layer in layers}) != 1:
            raise FileFormatError(f"{self.path} has layers of several shapes.", expected=_MAP)
        for classes in (self.mineral, self.mineral_smoothed):
            if classes.size and (classes.min() < VOID or classes.max() >= len(self.labels)):
                raise FileFormatError(
                    f"{self.path} has classes from {classes.min()} to {classes.max()} and "
                    f"{len(self.labels)} names.",
                    expected=_MAP,
                )


@dataclass(frozen=True)
class Answer:
    """What `classify` said of one spectrum.

    Parameters
    ----------
    file, index
        Which spectrum.
    members
        Minerals of the best group; empty with too few counts.
    probability
        Of that group.
    unknown
        Whether it was taken for something else.
    others
        Members of the further groups that were listed.
    """

    file: str
    index: int
    members: tuple[str, ...]
    probability: float
    unknown: bool
    others: tuple[tuple[str, ...], ...]


def open_stored_map(path: Path) -> StoredMap:
    """Read the layers of a map that are compared with labels.

    Raises
    ------
    FileFormatError
        If there is none, or it is damaged.
    """
    inside = path / "result.zarr"
    store = inside if inside.exists() else path
    try:
        group = open_zarr_group(store)
        arrays = {name: group[name] for name in _LAYERS}
        for name, array in arrays.items():
            check_array(array, store, FileFormatError)
            if array.dtype.kind not in _LAYERS[name]:
                raise ValueError(f"'{name}' is of type {array.dtype}")
        labels = LabelSet(
            tuple(Group(tuple(label.split("/"))) for label in json.loads(group.attrs["long_names"]))
        )
        read = {name: np.asarray(array[:]) for name, array in arrays.items()}
    # zarr raises anything when its files are damaged.
    except Exception as problem:
        if isinstance(problem, FileFormatError):
            raise
        raise FileFormatError(
            f"{path} is no mineral map ({str(problem)[:200]}).", expected=_MAP
        ) from None
    return StoredMap(
        path=store,
        labels=labels,
        mineral=read["mineral"].astype(np.int64),
        mineral_smoothed=read["mineral_smoothed"].astype(np.int64),
        confidence=read["confidence"].astype(np.float64),
        unknown=read["unknown"],
    )


def read_answers(path: Path) -> tuple[Answer, ...]:
    """Read what `classify` said.

    Raises
    ------
    FileFormatError
        If the file is missing or holds something else.
    """
    raw = read_bounded(path, limit=_MAX_BYTES, error=FileFormatError)
    try:
        answers = tuple(_answer(row) for row in json.loads(raw))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        if isinstance(problem, LithoscopeError):
            raise
        raise FileFormatError(
            f"{path} cannot be read ({type(problem).__name__}: {str(problem)[:120]}).",
            expected=_ANSWERS,
        ) from None
    if not answers:
        raise FileFormatError(f"{path} holds no answers.", expected=_ANSWERS)
    return answers


def _answer(row: dict[str, Any]) -> Answer:
    probability = float(row["probability"])
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability of {probability}")
    return Answer(
        file=str(row["file"]),
        index=int(row["index"]),
        members=_names(row["members"]),
        probability=probability,
        unknown=bool(row["unknown"]),
        others=tuple(_names(other["members"]) for other in row["top"]),
    )


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("members that are no list of names")
    return tuple(value)
