"""Wavelet shrinkage of Poisson counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.preprocess.anscombe import counts_from_roots
from lithoscope.preprocess.layout import COUNTS_ALONE, Layout
from lithoscope.preprocess.normalise import anscombe_root
from lithoscope.preprocess.step import Step, Transform


@dataclass(frozen=True, eq=False)
class Wavelet(Step):
    """Soft shrinkage of discrete wavelet coefficients in Anscombe's space, where noise is 1.

    The threshold is ``strength sqrt(2 ln n)`` for n bins (Donoho and Johnstone 1994, Biometrika 81,
    425), and the inverse of the root is the exact unbiased one.

    Parameters
    ----------
    wavelet
        An orthogonal wavelet of PyWavelets.
    levels
        Scales that are shrunk; fewer where the spectra are too short.
    strength
        Share of the universal threshold. All of it flattens small peaks: half came nearest to the
        truth of simulated spectra of 100 to 10 000 counts (docs/preprocessing.md).
    """

    name: ClassVar[str] = "wavelet"
    wavelet: str = "sym4"
    levels: int = 4
    strength: float = 0.5

    def __post_init__(self) -> None:
        import pywt

        orthogonal = pywt.wavelist(kind="discrete")
        self.require(self.wavelet in orthogonal, "wavelet", "such as sym4, db4 or coif2")
        self.require(1 <= self.levels <= 12, "levels", "1 to 12")
        self.require(0 <= self.strength <= 10, "strength", "0 to 10")

    def after(self, layout: Layout) -> Layout:
        """Expected counts on the same axis."""
        return Layout("net", layout.length, layout.edges_for(self.name, COUNTS_ALONE))

    def bound(self, layout: Layout) -> Transform:
        """Shrink whole batches at once."""
        layout.edges_for(self.name, COUNTS_ALONE)

        def shrink(values: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
            roots = anscombe_root(values.double()).cpu().numpy()
            return torch.from_numpy(counts_from_roots(self._shrunk(roots))).to(values)

        return shrink

    def _shrunk(self, roots: NDArray[np.float64]) -> NDArray[np.float64]:
        import pywt

        length = roots.shape[1]
        most = pywt.dwt_max_level(length, self.wavelet)
        levels = min(self.levels, most)
        if levels < 1:
            return roots
        coarse, *details = pywt.wavedec(roots, self.wavelet, level=levels, axis=1)
        threshold = self.strength * np.sqrt(2 * np.log(length))
        kept = [pywt.threshold(detail, threshold, "soft") for detail in details]
        return np.asarray(pywt.waverec([coarse, *kept], self.wavelet, axis=1))[:, :length]
