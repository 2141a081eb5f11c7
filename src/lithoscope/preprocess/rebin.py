"""Rebinning as a step: by a factor, or to bins as wide as the resolution allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.layout import Kind, Layout
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.preprocess.step import Step, Transform

_TAKES: tuple[Kind, ...] = ("counts", "net")
_LEAST_OVERLAP_KEV = 5.0
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Rebin(Step):
    """Shares counts among other bins; their sum within the new range is conserved.

    Parameters
    ----------
    factor
        Old bins that become one, the last fewer; 0 for bins that follow the resolution.
    bins_per_fwhm
        Bins in the width of a peak, where `factor` is 0. 2.5 gives the model's axis.
    low_keV, high_keV
        First and last edge, where `factor` is 0.
    noise_keV, fano_keV
        Resolution that the bins follow, as in `ModelAxis`.
    """

    name: ClassVar[str] = "rebin"
    factor: int = 0
    bins_per_fwhm: float = 2.5
    low_keV: float = 0.8
    high_keV: float = 39.5
    noise_keV: float = 0.0754
    fano_keV: float = 2.563e-3

    def __post_init__(self) -> None:
        self.require(0 <= self.factor <= 4096, "factor", "0 to 4096")
        self.require(0.1 <= self.bins_per_fwhm <= 100, "bins_per_fwhm", "0.1 to 100")
        self.require(0 < self.noise_keV <= 10, "noise_keV", "more than 0, at most 10 keV")
        self.require(0 < self.fano_keV <= 1, "fano_keV", "more than 0, at most 1 keV")
        self.require(0 <= self.low_keV < self.high_keV <= 1000, "low_keV", "0 <= low < high keV")

    def new_edges(self, edges_keV: NDArray[np.float64]) -> NDArray[np.float64]:
        """Edges of the new bins, shape (new bin + 1,)."""
        if self.factor:
            return np.unique(np.append(edges_keV[:: self.factor], edges_keV[-1]))
        axis = ModelAxis(
            low_keV=self.low_keV,
            high_keV=self.high_keV,
            noise_keV=self.noise_keV,
            fano_keV=self.fano_keV,
            bins_per_fwhm=self.bins_per_fwhm,
        )
        overlap = min(edges_keV[-1], self.high_keV) - max(edges_keV[0], self.low_keV)
        if overlap < _LEAST_OVERLAP_KEV:
            raise PreprocessingError(
                f"The spectra cover {edges_keV[0]:.2f} to {edges_keV[-1]:.2f} keV.",
                expected=f"at least {_LEAST_OVERLAP_KEV:g} keV of the new bins' {self.low_keV} to "
                f"{self.high_keV} keV",
                remedy="check the energy axis, or change low_keV and high_keV",
            )
        return axis.edges_keV

    def after(self, layout: Layout) -> Layout:
        """The same kind of values on the new bins."""
        edges = self.new_edges(layout.edges_for(self.name, _TAKES))
        return Layout(layout.kind, edges.size - 1, edges)

    def bound(self, layout: Layout) -> Transform:
        """Read the running sum of the counts at the new edges, and take differences."""
        edges = layout.edges_for(self.name, _TAKES)
        # Where the new edges lie, in old bins from the first edge on.
        places = np.interp(self.new_edges(edges), edges, np.arange(edges.size))
        whole = np.minimum(places.astype(np.int64), edges.size - 2)
        old = torch.from_numpy(whole)
        inside = torch.from_numpy(places - whole)

        def rebin(values: Tensor) -> Tensor:
            # Differences of float32 sums would lose single counts among millions.
            running = torch.nn.functional.pad(values.double().cumsum(dim=1), (1, 0))
            index = old.to(values.device)
            below = running[:, index] + values[:, index] * inside.to(values.device)
            return below.diff(dim=1).clamp_min(0).to(values.dtype)

        return lambda values, _: torch.cat([rebin(chunk) for chunk in values.split(_CHUNK)])
