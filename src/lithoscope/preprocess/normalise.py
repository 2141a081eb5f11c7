"""Normalisation: what spectra are divided by, or their roots and logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.layout import Kind, Layout
from lithoscope.preprocess.step import Step, Transform

# What each way takes, and what leaves it; None leaves the kind as it is.
_WAYS: dict[str, tuple[tuple[Kind, ...], Kind | None]] = {
    "total": (("counts", "net", "shares"), "shares"),
    "live_time": (("counts", "net"), "shares"),
    "maximum": (("counts", "net", "shares"), "shares"),
    "unit": (("counts", "net", "shares", "scaled"), "scaled"),
    "root": (("counts", "net"), "scaled"),
    "log": (("counts", "net"), "scaled"),
    "none": (("counts", "net", "shares", "scaled", "scores"), None),
}


@dataclass(frozen=True, eq=False)
class Normalise(Step):
    """Puts spectra on a common scale; one without counts stays zero.

    Parameters
    ----------
    by
        ``total``: the sum; ``live_time``: counts per second, 0 where no live time was measured;
        ``maximum``; ``unit``: Euclidean length; ``root``: Anscombe's root from 0 on,
        ``2 sqrt(n + 3/8) - 2 sqrt(3/8)`` (Anscombe 1948, Biometrika 35, 246), in which Poisson
        noise has the variance 1; ``log``: ``ln(1 + n)``; ``none``.
    """

    name: ClassVar[str] = "normalise"
    by: str = "total"

    def __post_init__(self) -> None:
        self.require(self.by in _WAYS, "by", "one of " + ", ".join(_WAYS))

    def after(self, layout: Layout) -> Layout:
        """The same axis; what it holds depends on the way."""
        takes, gives = _WAYS[self.by]
        layout.require(f"{self.name}, by {self.by}", takes)
        return Layout(gives or layout.kind, layout.length, layout.edges_keV)

    def bound(self, layout: Layout) -> Transform:
        """Normalise spectrum by spectrum."""
        self.after(layout)
        if self.by == "live_time":
            return _per_second
        return lambda values, _: _NORMALISED[self.by](values)


def anscombe_root(counts: Tensor) -> Tensor:
    """``2 sqrt(n + 3/8)``, in which Poisson noise has the variance 1 for n above some 4."""
    return 2 * torch.sqrt(counts + 0.375)


def _divided(values: Tensor, by: Tensor) -> Tensor:
    """Divide, and give 0 where the divisor is 0."""
    return torch.where(by > 0, values / torch.where(by > 0, by, 1.0), 0.0)


def _per_second(values: Tensor, live_time_s: Tensor | None) -> Tensor:
    if live_time_s is None:
        raise PreprocessingError(
            "'normalise' by live_time was given spectra without live times.",
            expected="the live time of each spectrum in s",
            remedy="normalise by total, or use a file that holds live times",
        )
    return _divided(values, live_time_s[:, None].to(values))


_NORMALISED = {
    "total": lambda values: _divided(values, values.sum(dim=1, keepdim=True)),
    "maximum": lambda values: _divided(values, values.amax(dim=1, keepdim=True)),
    "unit": lambda values: _divided(values, values.norm(dim=1, keepdim=True)),
    "root": lambda values: anscombe_root(values) - 2 * 0.375**0.5,
    "log": torch.log1p,
    "none": lambda values: values,
}
