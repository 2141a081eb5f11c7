"""Baselines by pybaselines: asymmetric least squares, and morphology. One spectrum a call: slow."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.preprocess.layout import Kind, Layout
from lithoscope.preprocess.resolution import fwhm_in_bins
from lithoscope.preprocess.step import Step, Transform

_TAKES: tuple[Kind, ...] = ("counts", "net")
_Fit = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _net_counts(counts: Tensor, baseline_of: _Fit) -> Tensor:
    """Counts above a baseline that is sought in square-root space, where Poisson noise is even."""
    roots = np.sqrt(counts.cpu().numpy().astype(np.float64))
    baselines = np.zeros_like(roots)
    with warnings.catch_warnings():
        # Spectra of few counts do not converge; what was reached is as good as can be had.
        warnings.simplefilter("ignore")
        for index, root in enumerate(roots):
            if root.any():
                baselines[index] = baseline_of(root)
    net = np.maximum(roots**2 - np.maximum(baselines, 0.0) ** 2, 0.0)
    return torch.from_numpy(net).to(counts)


@dataclass(frozen=True, eq=False)
class AsymmetricLeastSquares(Step):
    """Subtracts an asymmetric least squares baseline (Eilers 2003, Anal. Chem. 75, 3631), slowly.

    Parameters
    ----------
    smoothness
        Weight of the second differences, lambda; its right size grows with the fourth power of the
        bins in a peak.
    asymmetry
        Weight p of what lies above the baseline; what lies below has 1 - p.
    """

    name: ClassVar[str] = "als"
    smoothness: float = 1e3
    asymmetry: float = 0.01

    def __post_init__(self) -> None:
        self.require(0 < self.smoothness <= 1e12, "smoothness", "more than 0, at most 1e12")
        self.require(0 < self.asymmetry < 1, "asymmetry", "between 0 and 1")

    def after(self, layout: Layout) -> Layout:
        """Net intensities on the same axis."""
        return Layout("net", layout.length, layout.edges_for(self.name, _TAKES))

    def bound(self, layout: Layout) -> Transform:
        """Subtract each spectrum's baseline."""
        from pybaselines import Baseline

        layout.edges_for(self.name, _TAKES)
        fitter = Baseline(np.arange(layout.length, dtype=np.float64))

        def baseline(root: NDArray[np.float64]) -> NDArray[np.float64]:
            found, _ = fitter.asls(root, lam=self.smoothness, p=self.asymmetry)
            return np.asarray(found)

        return lambda values, _: _net_counts(values, baseline)


@dataclass(frozen=True, eq=False)
class Morphology(Step):
    """Subtracts a morphological baseline (Perez-Pueyo et al. 2010, Appl. Spectrosc. 64), slowly.

    Parameters
    ----------
    half_width_fwhm
        Half width of the opening in widths (FWHM) of the peaks in the middle of the axis.
    """

    name: ClassVar[str] = "morphology"
    half_width_fwhm: float = 2.0

    def __post_init__(self) -> None:
        self.require(0.2 <= self.half_width_fwhm <= 50, "half_width_fwhm", "0.2 to 50 FWHM")

    def after(self, layout: Layout) -> Layout:
        """Net intensities on the same axis."""
        return Layout("net", layout.length, layout.edges_for(self.name, _TAKES))

    def bound(self, layout: Layout) -> Transform:
        """Subtract each spectrum's baseline."""
        from pybaselines import Baseline

        width = np.median(fwhm_in_bins(layout.edges_for(self.name, _TAKES)))
        half = max(1, round(self.half_width_fwhm * float(width)))
        fitter = Baseline(np.arange(layout.length, dtype=np.float64))

        def baseline(root: NDArray[np.float64]) -> NDArray[np.float64]:
            found, _ = fitter.mor(root, half_window=half)
            return np.asarray(found)

        return lambda values, _: _net_counts(values, baseline)
