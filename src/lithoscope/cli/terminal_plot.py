"""A spectrum as a few lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_DECADES = 3.0
# Columns by which a name may stand to the right of its bar.
_FARTHEST_NAME = 4


def spectrum_lines(
    counts: NDArray[np.float64],
    edges_keV: NDArray[np.float64],
    marks: Sequence[tuple[float, str]],
    *,
    rows: int = 8,
) -> list[str]:
    """Draw a spectrum over three decades, with the strongest elements named above.

    Parameters
    ----------
    counts
        A bar each, shape (column,).
    edges_keV
        Edges of the bars, evenly spaced, shape (column + 1,).
    marks
        Energy in keV and text; what finds no place beside its bar is left out.
    rows
        Lines of bars.
    """
    heights = 1 + np.log10(np.maximum(counts / counts.max(), 1e-12)) / _DECADES
    eighths = np.clip(np.rint(heights * rows * 8), 0, rows * 8).astype(int)
    bars = [
        "".join(_EIGHTHS[min(max(height - 8 * row, 0), 8)] for height in eighths)
        for row in reversed(range(rows))
    ]
    return [_names(counts.size, edges_keV, marks), *bars, *_axis(counts.size, edges_keV)]


def _column(energy_keV: float, columns: int, edges_keV: NDArray[np.float64]) -> int:
    return int((energy_keV - edges_keV[0]) / (edges_keV[-1] - edges_keV[0]) * columns)


def _names(columns: int, edges_keV: NDArray[np.float64], marks: Sequence[tuple[float, str]]) -> str:
    line = [" "] * columns
    for energy, text in sorted(marks):
        bar = _column(energy, columns, edges_keV)
        for start in range(bar, bar + _FARTHEST_NAME + 1):
            place = slice(max(start - 1, 0), start + len(text) + 1)
            if 0 <= start <= columns - len(text) and set(line[place]) == {" "}:
                line[start : start + len(text)] = text
                break
    return "".join(line).rstrip()


def _axis(columns: int, edges_keV: NDArray[np.float64]) -> list[str]:
    ticks, labels = ["─"] * columns, [" "] * (columns + 6)
    for energy in range(int(np.ceil(edges_keV[0])), int(edges_keV[-1]) + 1, 5):
        start = min(_column(energy, columns, edges_keV), columns - 1)
        ticks[start] = "┴"
        text = f"{energy} keV" if energy == 0 else str(energy)
        labels[start : start + len(text)] = text
    return ["".join(ticks), "".join(labels).rstrip()]
