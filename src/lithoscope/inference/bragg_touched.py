"""Windows of pixels in which one of two detectors sees diffraction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Touched:
    """Windows of pixels in which one detector sees diffraction; each array has shape (record,).

    Parameters
    ----------
    rows, columns, windows
        Where.
    detectors
        The detector that sees it, 0 or 1.
    log_odds
        Log-odds of a count being the first detector's without it.
    p_values
        Of the most significant square that holds the pixel.
    """

    rows: IntArray
    columns: IntArray
    windows: IntArray
    detectors: IntArray
    log_odds: FloatArray
    p_values: FloatArray

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, chosen: NDArray[np.bool_] | IntArray, *, row_shift: int = 0) -> Touched:
        """Return some of the records, their rows counted from another one."""
        rows, *others = (
            getattr(self, name)[chosen]
            for name in ("rows", "columns", "windows", "detectors", "log_odds", "p_values")
        )
        return Touched(rows + row_shift, *others)

    @classmethod
    def joined(cls, parts: list[Touched]) -> Touched:
        """Join records."""
        none = np.empty(0, dtype=np.int64)
        parts = parts or [cls(none, none, none, none, none.astype(float), none.astype(float))]
        names = ("rows", "columns", "windows", "detectors", "log_odds", "p_values")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def best_of_each(keys: IntArray, p_values: FloatArray) -> IntArray:
    """Records of the least p-value of each combination of keys, shape (kept,)."""
    if not p_values.size:
        return np.empty(0, dtype=np.int64)
    number = np.ravel_multi_index(tuple(keys), tuple(keys.max(axis=1) + 1))
    order = np.lexsort((p_values, number))
    return np.asarray(order[np.diff(number[order], prepend=-1) != 0])
