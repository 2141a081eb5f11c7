"""Net counts of elements over a scan, by a network that reads line intensities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.core.scan import Scan
from lithoscope.errors import InvalidValueError
from lithoscope.models.line_model import LineModel


@dataclass(frozen=True, eq=False)
class ElementMaps:
    """Net counts of elements in each pixel.

    Parameters
    ----------
    elements
        Symbols.
    net_counts
        Shape (y, x, element), float32.
    """

    elements: tuple[str, ...]
    net_counts: NDArray[np.float32]

    def of(self, element: str) -> NDArray[np.float32]:
        """Map of one element, shape (y, x)."""
        if element not in self.elements:
            raise InvalidValueError(
                f"There is no map of '{element}'.", expected=f"one of {', '.join(self.elements)}"
            )
        return self.net_counts[..., self.elements.index(element)]


def element_maps(
    model: LineModel,
    scan: Scan,
    *,
    progress: Callable[[int, int], None] = lambda done, rows: None,
) -> ElementMaps:
    """Read the net counts of every element in every pixel, a few rows at a time.

    An element's net counts are those of its K, L and M lines together, as far as the model's axis
    sees them.

    Parameters
    ----------
    model
        Reads the lines.
    scan
        The scan; only a block of rows is in memory.
    progress
        Called with rows done and rows in all.

    Raises
    ------
    InvalidValueError
        If the scan's axis covers too little of the model's.
    """
    elements = tuple(dict.fromkeys(group.element for group in model.groups))
    joined = np.zeros((len(model.groups), len(elements)), dtype=np.float32)
    for row, group in enumerate(model.groups):
        joined[row, elements.index(group.element)] = 1.0
    rebin = model.axis.rebinner(scan.axis)
    maps = np.empty((*scan.shape, len(elements)), dtype=np.float32)
    for first, counts in scan.blocks():
        binned = rebin(counts)
        net = model.net_counts(torch.from_numpy(binned.reshape(-1, binned.shape[-1]))).numpy()
        rows = slice(first, first + len(counts))
        maps[rows] = (net @ joined).reshape(len(counts), scan.shape[1], len(elements))
        progress(rows.stop, scan.shape[0])
    return ElementMaps(elements, maps)
