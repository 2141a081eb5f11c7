"""The baseline by SNIP, for whole batches at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.preprocess.layout import Layout
from lithoscope.preprocess.resolution import fwhm_in_bins
from lithoscope.preprocess.step import Step, Transform

# As many values as stay in a core's cache while windows pass over them.
_VALUES_IN_CACHE = 1 << 18


def snip_baseline(counts: Tensor, half_widths: NDArray[np.int64]) -> Tensor:
    """Baseline of spectra by statistics-sensitive non-linear iterative peak clipping.

    In ``v = ln(ln(sqrt(y + 1) + 1) + 1)``, which evens out the noise of many decades of counts,
    every value is replaced by ``min(v_i, (v_{i-p} + v_{i+p}) / 2)`` for p from the largest half
    width down to 1 (Ryan et al. 1988, Nucl. Instrum. Methods B 34, 396; decreasing windows: Morháč
    and Matoušek 2008, Appl. Spectrosc. 62, 91). Nothing is extrapolated: within p of an end a value
    is left as it is at that p.

    Parameters
    ----------
    counts
        Shape (spectrum, bin), 0 or more.
    half_widths
        Largest p of each bin, increasing with energy, shape (bin,).

    Returns
    -------
    Tensor, shape (spectrum, bin)
    """
    baseline = torch.empty_like(counts)
    rows = max(1, _VALUES_IN_CACHE // max(counts.shape[1], 1))
    if counts.is_cuda:
        rows = max(1, len(counts))
    beyond = int(half_widths.max())
    # From which bin on each p is used; widths increase, so that all bins beyond use it too.
    starts = {p: int(np.searchsorted(half_widths, p)) for p in range(beyond, 0, -1)}
    for source, target in zip(counts.split(rows), baseline.split(rows), strict=True):
        values = torch.log1p(torch.log1p(torch.sqrt(source + 1)))
        _clip(values, starts)
        torch.square(torch.expm1(torch.expm1(values)), out=target)
    return baseline.sub_(1).clamp_min_(0)


def _clip(values: Tensor, starts: dict[int, int]) -> None:
    length = values.shape[1]
    means = torch.empty_like(values)
    for p, start in starts.items():
        first, last = max(start, p), length - p
        if first >= last:
            continue
        mean = means[:, : last - first]
        torch.lerp(values[:, first - p : last - p], values[:, first + p : last + p], 0.5, out=mean)
        inside = values[:, first:last]
        torch.minimum(inside, mean, out=inside)


@dataclass(frozen=True, eq=False)
class Snip(Step):
    """Subtracts the SNIP baseline.

    Parameters
    ----------
    half_width_fwhm
        Largest half width of the window in widths (FWHM) of a peak at that energy. Twice this, and
        a bin, is the widest feature that counts as a peak.
    """

    name: ClassVar[str] = "snip"
    half_width_fwhm: float = 2.0

    def __post_init__(self) -> None:
        self.require(0.2 <= self.half_width_fwhm <= 50, "half_width_fwhm", "0.2 to 50 FWHM")

    def after(self, layout: Layout) -> Layout:
        """Net intensities on the same axis."""
        edges = layout.edges_for(self.name, ("counts", "net"))
        return Layout("net", layout.length, edges)

    def half_widths(self, edges_keV: NDArray[np.float64]) -> NDArray[np.int64]:
        """Largest half width of each bin in bins, never decreasing, shape (bin,)."""
        widths = np.rint(self.half_width_fwhm * fwhm_in_bins(edges_keV)).astype(np.int64)
        return np.maximum.accumulate(np.maximum(widths, 1))

    def bound(self, layout: Layout) -> Transform:
        """Subtract the baseline, which never exceeds the counts."""
        widths = self.half_widths(layout.edges_for(self.name, ("counts", "net")))
        return lambda values, _: (values - snip_baseline(values, widths)).clamp_min(0)
