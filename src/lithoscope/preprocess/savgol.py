"""Savitzky-Golay smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.layout import Kind, Layout
from lithoscope.preprocess.step import Step, Transform


@dataclass(frozen=True, eq=False)
class SavitzkyGolay(Step):
    """Fits a polynomial around each bin (Savitzky and Golay 1964, Anal. Chem. 36, 1627).

    Within half a window of an end the polynomial of the last whole window holds. The window counts
    bins, so it belongs on bins that follow the resolution. Counts below 0, which the fit makes
    beside high peaks, become 0.

    Parameters
    ----------
    window
        Bins in the window, odd.
    order
        Degree of the polynomial, less than `window`.
    """

    name: ClassVar[str] = "savgol"
    window: int = 5
    order: int = 2

    def __post_init__(self) -> None:
        self.require(3 <= self.window <= 999 and self.window % 2 == 1, "window", "odd, 3 to 999")
        self.require(0 <= self.order < min(self.window, 10), "order", "less than window, at most 9")

    def after(self, layout: Layout) -> Layout:
        """The same axis, without the noise that Poisson statistics promise."""
        edges = layout.edges_for(self.name, ("counts", "net", "shares", "scaled"))
        if layout.length < self.window:
            raise PreprocessingError(
                f"'{self.name}' has a window of {self.window} bins for spectra of {layout.length}.",
                expected="a window no longer than the spectra",
            )
        kind: Kind = "net" if layout.kind == "counts" else layout.kind
        return Layout(kind, layout.length, edges)

    def bound(self, layout: Layout) -> Transform:
        """Multiply by the filter's matrix, as a convolution and one small product at each end."""
        from scipy.signal import savgol_coeffs

        clipped = self.after(layout).kind != "scaled"
        half = self.window // 2
        places = np.arange(self.window)
        # Row i holds the weights with which a window gives its own i-th value.
        rows = np.array(
            [savgol_coeffs(self.window, self.order, pos=place, use="dot") for place in places]
        )
        weights = torch.from_numpy(rows.astype(np.float32))

        def smooth(values: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
            matrix = weights.to(values)
            inner = torch.nn.functional.conv1d(values[:, None], matrix[half][None, None])[:, 0]
            first = values[:, : self.window] @ matrix[:half].T
            last = values[:, -self.window :] @ matrix[half + 1 :].T
            smoothed = torch.cat([first, inner, last], dim=1)
            return smoothed.clamp_min(0) if clipped else smoothed

        return smooth
